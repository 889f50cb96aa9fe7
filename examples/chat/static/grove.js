// The cluster drawn: members on a ring, the leader's crown, and the room as a
// token that moves to the node that hosts it.
import { $, element, icon, port, shape, time } from "./dom.js";

const middle = { x: 160, y: 142 }; // of the drawing
const logged = 40;

export class Grove {
  constructor() {
    const svg = $("diagram");
    this.edges = svg.appendChild(shape("g"));
    this.branch = svg.appendChild(shape("line", { class: "branch" }));
    this.nodes = svg.appendChild(shape("g"));
    this.token = svg.appendChild(shape("g", { class: "token lost" }, shape("rect", { height: 24, y: -12, rx: 12 }), shape("text")));
    this.pulses = svg.appendChild(shape("g"));
    this.drawn = new Map(); // by address
    this.places = new Map();
    this.centre = middle;
    move(this.token, middle);
  }

  draw(state, room, home) {
    this.home = home;
    this.self = state.self;
    this.place(state.members);
    this.drawNodes(state, home);
    this.drawEdges(state.members);
    this.drawToken(room, home);
    this.list(state, room, home);
    $("converged").textContent = state.clusterId === "" ? "not joined yet" : state.converged ? "all agree" : "agreeing";
    $("converged").className = "chip " + (state.clusterId && state.converged ? "good" : "busy");
    $("cluster-id").textContent = state.clusterId && `cluster ${state.clusterId}`;
    $("diagram-text").textContent = describe(state, room, home);
  }

  // place puts the members on a ring, by address.
  place(members) {
    const n = members.length;
    const ring = n <= 8 ? 92 : 104;
    this.size = Math.max(7, Math.min(29, (Math.PI * ring) / Math.max(n, 1) - 5));
    const angle = (i) => -Math.PI / 2 + (2 * Math.PI * i) / n;
    const lowest = Math.max(...members.map((_, i) => Math.sin(angle(i))), 0);
    this.centre = { x: middle.x, y: middle.y + (ring * (1 - lowest)) / 2 }; // a triangle is not as tall as its circle
    this.places = new Map(members.map((m, i) =>
      [m.address, { x: this.centre.x + ring * Math.cos(angle(i)), y: this.centre.y + ring * Math.sin(angle(i)) }]));
  }

  drawNodes(state, home) {
    for (const [address, node] of this.drawn) {
      if (this.places.has(address)) continue;
      this.drawn.delete(address);
      node.classList.add("gone");
      setTimeout(() => node.remove(), 600);
    }
    for (const m of state.members) {
      let node = this.drawn.get(m.address);
      if (!node) {
        node = this.nodes.appendChild(newNode());
        move(node, this.centre);
        node.getBoundingClientRect(); // so that it starts there, and slides
        this.drawn.set(m.address, node);
      }
      move(node, this.places.get(m.address));
      this.label(node, m);
      node.classList.toggle("self", m.address === state.self);
      node.classList.toggle("leader", m.address === state.leader);
      node.classList.toggle("home", m.address === home);
      node.classList.toggle("bad", bad(m));
      node.classList.toggle("busy", !bad(m) && m.status !== "up");
    }
  }

  label(node, m) {
    const [disc, ring, crown, text, you] = node.children;
    disc.setAttribute("r", this.size);
    ring.setAttribute("r", this.size + 6);
    crown.setAttribute("transform", `translate(-12 ${-this.size - 24}) scale(1.2)`);
    text.textContent = this.size > 15 ? port(m.address) : "";
    const left = this.places.get(m.address).x < this.centre.x - 1; // beside the node: the room's token comes from the middle
    you.setAttribute("x", (this.size + 13) * (left ? -1 : 1));
    you.style.textAnchor = left ? "end" : "start";
  }

  drawEdges(members) {
    const lines = [];
    members.forEach((a, i) => members.slice(i + 1).forEach((b) => {
      if (members.length > 8) return;
      const from = this.places.get(a.address), to = this.places.get(b.address);
      lines.push(shape("line", { class: "edge", x1: from.x, y1: from.y, x2: to.x, y2: to.y }));
    }));
    this.edges.replaceChildren(...lines);
  }

  // drawToken moves the room to its home, or back to the middle while it has none.
  drawToken(room, home) {
    const at = this.places.get(home);
    const [rect, text] = this.token.children;
    const name = [...("#" + room)];
    text.textContent = name.length > 14 ? name.slice(0, 13).join("") + "…" : name.join("");
    const width = Math.max(38, Math.min(name.length, 14) * 7.2 + 20);
    rect.setAttribute("width", width);
    rect.setAttribute("x", -width / 2);
    this.token.classList.toggle("lost", !at);
    this.token.toggleAttribute("hidden", !room);
    const to = at ? between(this.centre, at, 0.3) : this.centre;
    move(this.token, to);
    this.branch.style.opacity = at ? 1 : 0;
    for (const [key, value] of Object.entries({ x1: to.x, y1: to.y, x2: at?.x ?? to.x, y2: at?.y ?? to.y })) {
      this.branch.setAttribute(key, value);
    }
  }

  // pulse shows a line on its way from the room's home to this page's node.
  pulse() {
    const from = this.places.get(this.home), to = this.places.get(this.self);
    if (!from || !to || this.pulses.childElementCount > 12 || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const dot = this.pulses.appendChild(shape("circle", { class: "pulse", r: 5 }));
    const at = (p) => ({ transform: `translate(${p.x}px, ${p.y}px)` });
    const path = from === to ? [at(between(this.centre, from, 0.3)), at(to)] : [at(from), at(to)];
    dot.animate(path, { duration: 520, easing: "ease-in-out" }).onfinish = () => dot.remove();
  }

  list(state, room, home) {
    $("members").replaceChildren(...state.members.map((m) => {
      const leader = m.address === state.leader;
      const tags = [
        m.address === state.self && element("b", {}, "you are here"),
        leader && element("span", {}, "leads"),
        m.address === home && element("span", { class: "hosts" }, `hosts #${room}`),
        m.upNumber > 0 && element("span", {}, m.upNumber === oldest(state) ? "oldest" : `${ordinal(age(state, m))} oldest`),
        m.zone && element("span", {}, "zone " + m.zone),
        m.roles.length > 0 && element("span", {}, m.roles.join(", ")),
      ].filter(Boolean);
      const link = m.meta.http && m.address !== state.self
        ? element("a", { href: pageOf(m), title: "Open the chat on this node", "aria-label": `Open the chat on ${m.address}`, target: "_blank" }, icon("i-open")) : null;
      const row = element("li", { class: "member", "data-testid": "member", "data-address": m.address, "data-status": m.status, "data-reachable": m.reachable },
        element("div", { class: "top" }, element("code", { title: `incarnation ${m.uid}` }, m.address),
          leader ? icon("i-crown", "crown") : null, link,
          element("span", { class: "badge" + (bad(m) ? " bad" : m.status === "up" ? "" : " busy") }, m.reachable ? m.status : "unreachable")),
        element("div", { class: "tags" }, ...tags));
      row.classList.toggle("home", m.address === home);
      row.classList.toggle("bad", bad(m));
      return row;
    }));
  }

  // log adds a change to what happened.
  log(change) {
    const said = tell(change);
    if (!said) return;
    $("log").prepend(element("li", {}, element("time", {}, time(new Date())), element("span", {}, ...said)));
    while ($("log").childElementCount > logged) $("log").lastElementChild.remove();
  }
}

function newNode() {
  return shape("g", { class: "node" },
    shape("circle", { class: "disc" }), shape("circle", { class: "me" }),
    shape("use", { href: "#i-crown", class: "crown", width: 20, height: 20 }),
    shape("text"), shape("text", { class: "you" }, "you"));
}

const bad = (m) => !m.reachable || m.status === "down";
const move = (node, p) => { node.style.transform = `translate(${p.x}px, ${p.y}px)`; };
const between = (a, b, t) => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
const ups = (state) => state.members.map((m) => m.upNumber).filter(Boolean).sort((a, b) => a - b);
const oldest = (state) => ups(state)[0];
const age = (state, m) => ups(state).indexOf(m.upNumber) + 1;
const ordinal = (n) => n + (["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? "th");

// pageOf keeps the room and not the name: another tab is another person.
function pageOf(m) {
  const room = new URLSearchParams(location.search).get("room");
  return `${location.protocol}//${m.meta.http}/?${new URLSearchParams({ room })}`;
}

function tell(change) {
  const node = (address) => element("code", {}, address);
  switch (change.kind) {
    case "member": return [node(change.member.address), ` is ${change.member.status}`];
    case "reachability": return [node(change.member.address), change.member.reachable ? " answers again" : " does not answer"];
    case "leader": return change.leader ? [node(change.leader), " leads"] : ["nobody leads"];
    case "room": return [`#${change.room} moved to `, node(change.home)];
    case "removed": return ["this node was removed"];
  }
  return null;
}

function describe(state, room, home) {
  const members = state.members.map((m) => `${m.address} is ${m.reachable ? m.status : "unreachable"}`).join(", ");
  return `${state.members.length} members: ${members}. ${state.leader || "Nobody"} leads. ${home || "No node"} hosts ${room}.`;
}
