
"use strict";
// Everything that is shown is in the page already; nothing here makes markup of text.
const $ = (selector, within) => (within || document).querySelector(selector);
const all = (selector, within) => [...(within || document).querySelectorAll(selector)];
const tip = $("#tip");
const table = $("#stories table");
const bodies = table ? [...table.tBodies] : [];
const row = (mark) => document.getElementById("s" + mark.dataset.n);

// What a bar or a node stands for, on hover and on focus.
function tell(mark) {
  const [id, title, outcome, wave, slot, start, took] = [...row(mark).rows[0].cells].map((cell) => cell.textContent);
  const lines = [`${id} ${title}`.trim(), outcome, `wave ${wave}` + (slot ? `, slot ${slot}` : "")];
  if (start) lines.push(`began at ${start}, took ${took}`);
  return lines.join("\n");
}
function show(mark) {
  tip.textContent = tell(mark);
  tip.hidden = false;
  const at = mark.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - tip.offsetWidth - 8));
  const below = at.bottom + 6 + tip.offsetHeight < innerHeight;
  tip.style.left = left + "px";
  tip.style.top = (below ? at.bottom + 6 : Math.max(4, at.top - tip.offsetHeight - 6)) + "px";
}
const hide = () => { tip.hidden = true; };

// One stop of the Tab key for all marks of a picture; from there the arrow keys lead on.
function equip(svg) {
  const lanes = new Map();
  for (const mark of all(".mark", svg)) {
    const lane = Number(mark.dataset.slot);
    if (!lanes.has(lane)) lanes.set(lane, []);
    lanes.get(lane).push(mark);
  }
  const order = [...lanes.keys()].sort((a, b) => a - b).map((lane) => lanes.get(lane));
  const upright = svg.id !== "bars";  // in the graph a wave is a column
  let current = null;
  const settle = (mark) => {
    if (current) current.removeAttribute("tabindex");
    current = mark;
    mark.setAttribute("tabindex", "0");
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", tell(mark).replaceAll("\n", ", "));
  };
  if (order.length) settle(order[0][0]);
  const middle = (mark) => {
    const box = mark.getBBox();
    return upright ? box.y + box.height / 2 : box.x + box.width / 2;
  };
  const nearest = (marks, place) =>
    marks.reduce((best, mark) => (Math.abs(middle(mark) - place) < Math.abs(middle(best) - place) ? mark : best));
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    if (!current) return;
    if (event.key === "Enter") { event.preventDefault(); return open(current); }
    const along = upright ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
    const across = upright ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    const lane = order.findIndex((marks) => marks.includes(current));
    let next;
    if (along.includes(event.key)) {
      next = order[lane][order[lane].indexOf(current) + (event.key === along[1] ? 1 : -1)];
    } else if (across.includes(event.key)) {
      const marks = order[lane + (event.key === across[1] ? 1 : -1)];
      next = marks && nearest(marks, middle(current));
    } else if (event.key === "Home" || event.key === "End") {
      next = order[lane].at(event.key === "Home" ? 0 : -1);
    } else return;
    event.preventDefault();
    if (next) { settle(next); next.focus(); }
  });
  svg.addEventListener("pointerover", (event) => event.target.closest(".mark") ? show(event.target) : hide());
  svg.addEventListener("pointerleave", hide);
  // Around the picture: one that listens for the focus itself is a stop of the Tab key in Chromium.
  const frame = svg.parentNode;
  frame.addEventListener("focusin", (event) => event.target.closest(".mark") && show(event.target));
  frame.addEventListener("focusout", hide);
  svg.addEventListener("click", (event) => {
    const mark = event.target.closest(".mark");
    if (mark) { settle(mark); open(mark); }
  });
}

function fold(body, open) {
  $(".more", body).hidden = !open;
  $(".fold", body).setAttribute("aria-expanded", String(open));
}
function open(mark) {
  const body = row(mark);
  hide();
  body.hidden = false;
  fold(body, true);
  location.hash = body.id;
  $(".fold", body).focus();
}
if (table) {
  table.addEventListener("click", (event) => {
    const button = event.target.closest(".fold");
    if (button) fold(button.closest("tbody"), button.getAttribute("aria-expanded") !== "true");
  });
}
addEventListener("hashchange", () => {
  const body = document.getElementById(location.hash.slice(1));
  if (body && body.tagName === "TBODY") { body.hidden = false; fold(body, true); }
});

// Filter: words in any order, and outcomes.
const filter = $("#filter"), chips = all(".chip"), shown = $("#shown");
let texts;
function sift() {
  texts ||= bodies.map((body) => (body.rows[0].textContent + " " + $(".place", body).textContent).toLowerCase());
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const states = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.state);
  const out = new Set();
  let left = 0;
  bodies.forEach((body, place) => {
    const stays = (!states.length || states.includes(body.dataset.state))
      && words.every((word) => texts[place].includes(word));
    if (body.hidden === stays) body.hidden = !stays;
    if (stays) left += 1; else out.add(body.id.slice(1));
  });
  for (const mark of all(".mark")) mark.classList.toggle("out", out.has(mark.dataset.n));
  shown.textContent = left === bodies.length ? "" : `${left} of ${bodies.length} stories`;
}
if (filter) {
  filter.addEventListener("input", sift);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      sift();
    });
  }
}

// Sort: times as numbers, ids part by part, 8.2 before 8.10, failures before the rest, and what has no value last.
const words = new Intl.Collator(undefined, {numeric: true});
all("thead th").forEach((heading, column) => {
  heading.addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of all("thead th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const outcomes = chips.map((chip) => chip.dataset.state);
    const value = (body) => {
      if (heading.className === "outcome") return outcomes.indexOf(body.dataset.state);
      const cell = body.rows[0].cells[column];
      return cell.dataset.v ? Number(cell.dataset.v) : cell.textContent;
    };
    const sorted = [...table.tBodies].map((body) => [value(body), body]);
    sorted.sort(([one], [other]) => {
      if (one === "" || other === "") return (one === "") - (other === "");
      const order = typeof one === "number" ? one - other : words.compare(one, other);
      return down ? -order : order;
    });
    table.append(...sorted.map(([, body]) => body));
  });
});

// Names stand in the bars that have room for them.
const bars = $("#bars");
function fit() {
  if (!bars) return;
  const names = all("text.in", bars).map((text) => [text, $(`.mark[data-n="${text.dataset.of}"]`, bars)]);
  const fits = names.map(([text, bar]) => text.getComputedTextLength() + 8 < bar.getBBox().width);
  names.forEach(([text], place) => text.classList.toggle("fits", fits[place]));
}
let width = 1;
function zoom(factor) {
  width = Math.max(1, Math.min(64, width * factor));
  bars.style.width = width * 100 + "%";
  fit();
}
if (bars) {
  equip(bars);
  fit();
  addEventListener("resize", fit);
  $("#closer").addEventListener("click", () => zoom(2));
  $("#wider").addEventListener("click", () => zoom(0.5));
}
// The graph is drawn when somebody looks at it.
const graph = $("#graph details");
if (graph) {
  graph.addEventListener("toggle", () => {
    const template = $("template", graph);
    if (!graph.open || !template) return;
    $(".scroll", graph).append(template.content);
    template.remove();
    equip($("svg", graph));
    if (filter.value || chips.some((chip) => chip.getAttribute("aria-pressed") === "true")) sift();
  });
}
if (location.hash) dispatchEvent(new Event("hashchange"));
