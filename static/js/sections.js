/* Rows of songs: arrows that scroll them, one tab stop for each instead of six a song, and the next song in the place of
   one that was hidden. Without script a row scrolls by touch and keyboard, and every button can be reached. */

const CONTROLS = "a[href]:not([aria-hidden]), button, summary";
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

export function startSections() {
  for (const row of document.querySelectorAll("[data-cards]")) start(row);
  document.addEventListener("htmx:load", (event) => {
    for (const row of event.detail.elt.querySelectorAll?.("[data-cards]") ?? []) start(row);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const item = event.detail.target;
    const isTakenOut = event.detail.requestConfig?.elt?.getAttribute("hx-swap") === "delete";
    if (isTakenOut && event.detail.shouldSwap && item?.matches?.("[data-cards] > li")) replace(item);
  });
}

/* The card behind the section comes in for the hidden one, and the keyboard goes on from there. */
function replace(item) {
  const row = item.parentElement;
  const next = row.querySelector(":scope > li[hidden]");
  if (next) {
    next.hidden = false;
    item.after(next);
  }
  const stays = next ?? item.nextElementSibling ?? item.previousElementSibling;
  if (stays && !stays.hidden && item.contains(document.activeElement)) {
    setCurrent(row, stays);
    setTimeout(() => stays.querySelector(CONTROLS)?.focus());
  }
}

function start(row) {
  if (row.dataset.started) return;
  row.dataset.started = "true";
  row.removeAttribute("tabindex");
  setCurrent(row, row.firstElementChild);
  row.addEventListener("focusin", (event) => setCurrent(row, event.target.closest("[data-cards] > li")));
  row.addEventListener("keydown", (event) => move(row, event));
  const section = row.closest("[data-section]");
  const arrows = section?.querySelector("[data-arrows]");
  if (arrows) startArrows(row, arrows);
}

function setCurrent(row, current) {
  if (!current) return;
  for (const item of row.children) {
    for (const control of item.querySelectorAll(CONTROLS)) control.tabIndex = item === current ? 0 : -1;
  }
}

function move(row, event) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  let step = steps[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey || event.target.closest(".menu-items")) return;
  if (document.dir === "rtl" && Math.abs(step) === 1) step = -step;
  const items = [...row.children].filter((item) => !item.hidden);
  const now = items.indexOf(event.target.closest("[data-cards] > li"));
  const next = items[Math.min(Math.max(now + step, 0), items.length - 1)];
  if (!next || next === items[now]) return;
  event.preventDefault();
  setCurrent(row, next);
  next.querySelector(CONTROLS)?.focus();
}

function startArrows(row, arrows) {
  const [back, onward] = arrows.querySelectorAll("[data-scroll]");
  const update = () => {
    const room = row.scrollWidth - row.clientWidth;
    arrows.hidden = room < 8;
    back.disabled = Math.abs(row.scrollLeft) < 8;
    onward.disabled = Math.abs(row.scrollLeft) > room - 8;
  };
  arrows.addEventListener("click", (event) => {
    const button = event.target.closest("[data-scroll]");
    if (!button) return;
    const side = document.dir === "rtl" ? -1 : 1;
    row.scrollBy({ left: side * Number(button.dataset.scroll) * 0.85 * row.clientWidth, behavior: isCalm.matches ? "auto" : "smooth" });
  });
  row.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(row);
  update();
}
