// Elements made by hand: nothing is ever parsed as HTML, and both languages stand side by side.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** English and, behind it, Chinese. */
export function both([en, zh], className = "zh") {
  return zh ? [el("span", {}, en), " ", el("span", { class: className, lang: "zh-Hans" }, zh)] : [el("span", {}, en)];
}

/** English, and Chinese on a line of its own. */
export function lines([en, zh]) {
  return zh ? [el("span", { class: "line" }, en), el("span", { class: "line zh", lang: "zh-Hans" }, zh)] : [en];
}

export function section(id, heading, ...children) {
  return el("section", { "aria-labelledby": id }, el("h2", { id }, both(heading)), ...children);
}

export function mono(text) {
  return el("span", { class: "mono" }, text);
}

/** A table in a frame that scrolls by itself, so that the page never does sideways. */
export function table(caption, columns, rows) {
  const head = el("thead", {}, el("tr", {}, columns.map((column) => el("th", { scope: "col" }, both(column)))));
  const whole = el("table", {}, el("caption", { class: "hidden" }, both(caption)), head, el("tbody", {}, rows));
  return el("div", { class: "frame", tabindex: "0", role: "region", "aria-label": caption[0] }, whole);
}

export function pairs(rows) {
  return el("dl", {}, rows.map(([label, value]) => el("div", {}, el("dt", {}, both(label)), el("dd", {}, value))));
}

/** A link that saves bytes as a file; nothing leaves the machine. */
export function saving(label, name, data) {
  const href = URL.createObjectURL(new Blob([data], { type: "application/octet-stream" }));
  return el("a", { class: "button", href, download: name }, both(label));
}
