// Small helpers to make elements. Text is always text: nothing here parses HTML.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name, extra = "") {
  return shape("svg", { class: extra, "aria-hidden": "true" }, shape("use", { href: "#" + name }));
}

// hue gives each name a colour of its own, more or less.
export function hue(name) {
  let h = 2166136261;
  for (const c of name) h = Math.imul(h ^ c.codePointAt(0), 16777619);
  h ^= h >>> 15;
  return (h >>> 0) % 360;
}

export function avatar(name) {
  const letters = name.split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]).join("") || "?";
  const dot = element("span", { class: "avatar", "aria-hidden": "true" }, letters.toUpperCase());
  dot.style.setProperty("--hue", hue(name));
  return dot;
}

export const time = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

// port is the short name of a node where space is scarce.
export const port = (address) => address.slice(address.lastIndexOf(":"));
