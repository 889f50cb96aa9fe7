// The conversation: lines in the order of the room, then those that are on
// their way.
import { $, avatar, element, hue, time } from "./dom.js";

const together = 4 * 60 * 1000; // ms within which lines of one user form a group
const kept = 1000; // lines on the page
const nearEnd = 90; // px

export class Talk {
  constructor(me) {
    this.me = me;
    this.list = $("messages");
    this.scroller = $("scroll");
    this.unseen = 0;
    this.scroller.addEventListener("scroll", () => { if (this.atEnd()) this.seen(); });
    $("latest").addEventListener("click", () => this.seen());
    new ResizeObserver(() => { if (this.stick) this.toEnd(); }).observe(this.scroller);
    this.clear();
  }

  clear() {
    this.list.replaceChildren();
    this.waiting = new Map(); // by id: elements of lines that the room has not told yet
    this.newest = null;
    this.stick = true;
    $("empty").hidden = false;
    this.seen();
  }

  // line shows one line of the room, in place of the pending one with its id.
  line(frame) {
    const pending = this.waiting.get(frame.id);
    this.waiting.delete(frame.id);
    pending?.remove();
    const follow = this.atEnd() || pending;
    const at = new Date(frame.at || Date.now());
    this.day(at);
    const node = this.bubble(frame.user, frame.text, at);
    node.dataset.seq = frame.seq;
    node.title = `line ${frame.seq} of this room, ${at.toLocaleString()}`;
    this.group(node, frame.user, at);
    this.insert(node);
    this.newest = { node, user: frame.user, at };
    this.trim();
    this.added(follow, frame.user);
  }

  // pending shows a line at once, before the room has it.
  pending(id, text) {
    const node = this.bubble(this.me(), text, new Date());
    node.classList.add("pending", "last");
    this.list.append(node);
    this.waiting.set(id, node);
    this.added(true, this.me());
  }

  said(id) { this.waiting.get(id)?.classList.remove("pending"); }

  refused(id, why) {
    const node = this.waiting.get(id);
    this.waiting.delete(id);
    node?.classList.replace("pending", "failed");
    node?.append(element("p", { class: "aside warn" }, why));
  }

  gap(frame) {
    if (frame.type === "reset") this.forget(frame.seq);
    const text = frame.type === "gap" ? "Some lines are missing here: the room keeps no older ones."
      : "The room lost its newest lines with its node, and goes on from here.";
    this.insert(element("li", { class: "aside warn" }, text));
    this.newest = null;
  }

  // forget marks the lines after seq as lost, or takes all away: then the room
  // tells what it still has.
  forget(seq) {
    for (const node of this.list.querySelectorAll("[data-seq]")) {
      if (seq === 0) node.remove();
      if (Number(node.dataset.seq) <= seq) continue;
      delete node.dataset.seq;
      node.classList.add("lost");
      node.title = "The room lost this line.";
    }
  }

  bubble(user, text, at) {
    const by = element("div", { class: "by" }, element("b", {}, user), element("time", { datetime: at.toISOString() }, time(at)));
    const node = element("li", { class: "line", "data-testid": "message", "data-user": user },
      avatar(user), by, element("div", { class: "text", "data-testid": "message-text" }, ...linked(text)));
    node.style.setProperty("--hue", hue(user));
    node.classList.toggle("mine", user === this.me());
    return node;
  }

  group(node, user, at) {
    const before = this.newest;
    const first = !before || before.user !== user || at - before.at > together;
    node.classList.toggle("first", first);
    node.classList.add("last");
    if (!first) before.node.classList.remove("last");
  }

  day(at) {
    if (this.newest && this.newest.at.toDateString() === at.toDateString()) return;
    if (!this.newest && at.toDateString() === new Date().toDateString()) return;
    this.insert(element("li", { class: "rule" }, at.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" })));
    this.newest = null;
  }

  // insert puts a node after the room's lines, before the pending ones.
  insert(node) { this.list.insertBefore(node, this.waiting.values().next().value ?? null); }

  trim() { while (this.list.children.length > kept) this.list.firstElementChild.remove(); }

  // ---- where the reader looks ----

  atEnd() { return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < nearEnd; }

  added(follow, user) {
    $("empty").hidden = true;
    const looking = document.body.dataset.view === "chat" || matchMedia("(min-width: 901px)").matches;
    if (follow) this.toEnd();
    if (follow && looking || user === this.me()) return;
    this.unseen++;
    this.count();
  }

  toEnd() {
    this.stick = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  // seen jumps to the end: all is read.
  seen() {
    this.unseen = 0;
    this.count();
    this.toEnd();
  }

  count() {
    this.stick = this.unseen === 0;
    $("latest").hidden = this.unseen === 0;
    $("latest").lastElementChild.textContent = this.unseen === 1 ? "1 new message" : `${this.unseen} new messages`;
    $("unseen").hidden = this.unseen === 0;
    $("unseen").textContent = this.unseen > 99 ? "99+" : String(this.unseen);
  }
}

// linked makes web addresses in a text clickable.
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)])/).map((part, i) =>
    i % 2 === 0 ? part : element("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part));
}
