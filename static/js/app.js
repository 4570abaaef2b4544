/* What makes the pages quicker to use. Everything here also works without it. */
import { startCopy } from "./copy.js";
import { startPicks } from "./picks.js";
import { startPlayer } from "./player.js";
import { startReorder } from "./reorder.js";
import { startSeen } from "./seen.js";
import { startSections } from "./sections.js";
import { startSliders } from "./sliders.js";
import { startSuggestions } from "./suggestions.js";

const sheet = document.getElementById("sheet");
const content = document.getElementById("sheet-content");

/* Links marked data-sheet open over the page; with a modifier key or without script they are plain links. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-sheet]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  link.closest("details.menu")?.removeAttribute("open");
  htmx.ajax("GET", link.href, { target: content, swap: "innerHTML" }).then(() => {
    const heading = content.querySelector("h1");
    if (heading) {
      sheet.setAttribute("aria-label", heading.textContent);
      heading.tabIndex = -1;
    }
    if (!sheet.open) sheet.showModal();
    heading?.focus();
  });
});
sheet?.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
sheet?.addEventListener("close", () => content.replaceChildren());

/* One menu at a time; Escape and a click elsewhere close it. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
});

/* Focus stays on the pressed button although htmx replaced it; only once htmx answers for the new one, or a second
   press would send the form past it. */
let pressed = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const button = event.detail.requestConfig?.triggeringEvent?.submitter;
  pressed = button ? { form: button.form?.getAttribute("action"), index: [...(button.form?.elements ?? [])].indexOf(button) } : null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!pressed || document.activeElement !== document.body) return;
  const form = event.detail.elt?.getAttribute?.("action") === pressed.form
    ? event.detail.elt
    : document.querySelector(`form[action="${CSS.escape(pressed.form ?? "")}"]`);
  form?.elements?.[pressed.index]?.focus();
});

/* What failed is said where what worked is said. */
const toasts = document.getElementById("toasts");
document.addEventListener("htmx:responseError", () => say(toasts.dataset.failed));
document.addEventListener("htmx:sendError", () => say(toasts.dataset.offline));

function say(text) {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  toasts.replaceChildren(toast);
}

/* A part of the page that changed says in one line what is in it now; reading out all of it would be too much. */
document.addEventListener("htmx:afterSwap", (event) => {
  const line = event.detail.target.querySelector("[data-announce]");
  if (line) document.getElementById("announcer").textContent = line.textContent.trim();
});

/* A message leaves by itself unless somebody is on it. */
let leaving;
new MutationObserver(() => {
  clearTimeout(leaving);
  leaving = setTimeout(function leave() {
    if (toasts.matches(":hover, :focus-within")) leaving = setTimeout(leave, 2000);
    else toasts.replaceChildren();
  }, 6000);
}).observe(toasts, { childList: true });

/* Days and times are shown where the listener is; the server keeps the zone that the first page names. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `time_zone=${zone}; path=/; max-age=31536000; samesite=lax`;

startPicks();
startPlayer();
startReorder();
startSeen();
startSections();
startSliders();
startSuggestions();
startCopy();
