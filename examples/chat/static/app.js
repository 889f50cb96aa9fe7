// The page: it joins the parts. connection.js talks with a room, cluster.js
// follows the members, talk.js and grove.js draw both.
import { Cluster } from "./cluster.js";
import { Connection } from "./connection.js";
import { Grove } from "./grove.js";
import { Talk } from "./talk.js";
import { $, avatar, element, port } from "./dom.js";

const textMax = 4096; // bytes of a line
const nameMax = 64;

const query = new URLSearchParams(location.search);
const stored = {
  get: (key) => { try { return localStorage.getItem("pando-chat-" + key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem("pando-chat-" + key, value); } catch { /* a private window */ } },
};

let user = query.get("user") || "";
let room = query.get("room") || "";
let visited = JSON.parse(stored.get("rooms") || "[]").filter((name) => typeof name === "string").slice(0, 20);
let listed = []; // rooms with somebody in them, from /events
let home = ""; // the node that hosts this room
let here = []; // who is in this room

const talk = new Talk(() => user);
const grove = new Grove();
const cluster = new Cluster(location.host, {
  state: (state) => { showCluster(state); connection?.learn(cluster.pages()); },
  rooms: (rooms) => { listed = rooms; showRooms(); },
  happened: (change) => grove.log(change),
});
let connection = null;

// ---- entering ----

function enter() {
  const url = new URL(location.href);
  url.search = new URLSearchParams({ room, user }).toString();
  history.replaceState(null, "", url);
  document.title = `#${room} · Pando chat`;
  stored.set("user", user);
  visited = [room, ...visited.filter((name) => name !== room)].slice(0, 20);
  stored.set("rooms", JSON.stringify(visited));

  $("room-name").textContent = room;
  $("compose").placeholder = `Say something in #${room}`;
  $("me-name").textContent = user;
  $("me-avatar").replaceWith(Object.assign(avatar(user), { id: "me-avatar" }));
  home = "";
  here = [];
  showHome();
  showPeople();
  showRooms();
  talk.clear();
  notice("");

  const pages = connection?.pages ?? [location.host];
  connection?.close();
  connection = new Connection(room, user, pages, {
    status: showStatus,
    line: (line) => { talk.line(line); if (home && line.live) grove.pulse(); },
    said: (id) => talk.said(id),
    refused: (id, why) => { talk.refused(id, why); },
    presence: (frame) => { here = frame.users; showPeople(); },
    room: (frame) => { cluster.follow(connection.page); moved(frame.home); },
    gap: (frame) => talk.gap(frame),
    error: (text) => notice(text, true),
    quiet: (is) => notice(is ? "The room does not answer right now. What you say is kept and sent when it does." : ""),
    fatal: (text) => notice(text, true),
  });
  connection.learn(cluster.pages());
  refreshSend();
}

function go(name) {
  if (name !== room) {
    room = name;
    enter();
  }
  view("chat");
}

$("hello-form").addEventListener("submit", () => {
  user = $("hello-user").value.trim();
  room = $("hello-room").value.trim();
  enter();
  $("compose").focus();
});
for (const input of [$("hello-user"), $("hello-room")]) {
  input.addEventListener("input", () => input.setCustomValidity(nameFault(input.value)));
}
$("hello").addEventListener("cancel", (event) => { if (!connection) event.preventDefault(); });
$("rename").addEventListener("click", hello);

function hello() {
  $("hello-user").value = user || stored.get("user") || "";
  $("hello-room").value = room || visited[0] || "grove";
  $("hello").showModal();
  $("hello-user").select();
}

function nameFault(name) {
  const n = [...name.trim()].length;
  if (n === 0) return "A name has at least one character.";
  if (n > nameMax) return `At most ${nameMax} characters.`;
  if (/\p{Cc}/u.test(name)) return "No control characters.";
  return "";
}

$("newroom").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = $("newroom-name");
  input.setCustomValidity(nameFault(input.value));
  if (!input.reportValidity()) return;
  go(input.value.trim());
  input.value = "";
});
$("newroom-name").addEventListener("input", (event) => event.target.setCustomValidity(""));

// ---- what is shown around the conversation ----

function showRooms() {
  const names = new Set([room, ...listed.map((r) => r.name), ...visited].filter(Boolean));
  const rows = [...names].sort((a, b) => a.localeCompare(b)).map((name) => {
    const known = listed.find((r) => r.name === name);
    const count = name === room ? here.length : known?.users ?? 0;
    const button = element("button", { type: "button", title: known?.home ? `hosted by ${known.home}` : "" },
      element("span", { class: "name" }, name),
      known?.home ? element("small", {}, port(known.home)) : null,
      count ? element("span", { class: "n", "aria-label": `${count} here` }, String(count)) : null);
    if (name === room) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => go(name));
    return element("li", { "data-room": name }, button);
  });
  $("rooms").replaceChildren(...rows);
}

function showPeople() {
  $("people-count").textContent = here.length ? String(here.length) : "";
  $("people").replaceChildren(...here.map((name) =>
    element("li", { "data-user": name }, avatar(name), element("span", {}, name, name === user ? element("em", {}, " (you)") : null))));
  showRooms();
}

function moved(to) {
  if (home && to && home !== to) grove.log({ kind: "room", room, home: to });
  home = to;
  showHome();
}

function showHome() {
  const p = $("room-home");
  p.dataset.home = home;
  const host = cluster.state.members.find((m) => m.address === home);
  p.replaceChildren(...(!home ? ["looking for the node that hosts it"]
    : host?.reachable === false ? [element("code", {}, home), " does not answer; the room will move"]
      : ["hosted by ", element("code", {}, home)]));
  grove.draw(cluster.state, room, home);
}

function showCluster(state) {
  showHome();
  $("alarm").hidden = state.members.every((m) => m.reachable && m.status === "up");
}

function showStatus(state, page) {
  const pill = $("connection");
  pill.dataset.state = state;
  pill.dataset.page = page;
  const text = { open: "via ", connecting: "connecting to ", lost: "trying " }[state];
  pill.lastElementChild.replaceChildren(text, element("code", {}, page));
  if (state === "lost") {
    notice(`The connection is lost. Trying ${page}; what you say is kept.`, true);
  } else if (state === "open") {
    notice("");
    cluster.follow(page);
  }
}

function notice(text, bad = false) {
  const box = $("notice");
  box.hidden = !text;
  box.classList.toggle("bad", bad);
  if (box.textContent !== text) box.textContent = text;
}

// ---- saying something ----

const compose = $("compose");
$("composer").addEventListener("submit", (event) => { event.preventDefault(); say(); });
let shift = false;
for (const kind of ["keydown", "keyup"]) compose.addEventListener(kind, (event) => { shift = event.shiftKey; });
compose.addEventListener("beforeinput", (event) => { // also what the Enter key of a phone makes
  if ((event.inputType === "insertLineBreak" || event.inputType === "insertParagraph") && !shift && !event.isComposing) {
    event.preventDefault();
    say();
  }
});
compose.addEventListener("input", refreshSend);

function refreshSend() {
  compose.style.height = "auto";
  compose.style.height = compose.scrollHeight + "px";
  const bytes = new TextEncoder().encode(compose.value.trim()).length;
  $("compose-left").textContent = bytes > textMax ? `${bytes - textMax} too many` : "";
  $("send").disabled = !connection || bytes === 0 || bytes > textMax;
}

function say() {
  const text = compose.value.trim();
  refreshSend();
  if ($("send").disabled) return;
  talk.pending(connection.say(text), text);
  compose.value = "";
  refreshSend();
  compose.focus();
}

// ---- tabs of a narrow page ----

for (const button of document.querySelectorAll(".tabs button")) {
  button.addEventListener("click", () => view(button.dataset.to));
}

function view(name) {
  document.body.dataset.view = name;
  for (const button of document.querySelectorAll(".tabs button")) {
    if (button.dataset.to === name) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  if (name === "chat") talk.seen();
}

if (user && room && !nameFault(user) && !nameFault(room)) enter();
else hello();
