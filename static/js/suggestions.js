/* Arrow keys walk through what a search suggests while it is typed, and back to the field; Escape goes back, too. */
export function startSuggestions() {
  const list = document.getElementById("suggestions");
  const field = document.getElementById("site-search");
  if (!list || !field) return;
  field.closest("form").addEventListener("keydown", (event) => {
    const stops = [field, ...list.querySelectorAll("a")];
    const now = stops.indexOf(document.activeElement);
    if (now < 0 || stops.length < 2) return;
    if (event.key === "Escape" && now > 0) {
      field.focus();
    } else if (event.key === "ArrowDown" || (event.key === "ArrowUp" && now > 0)) {
      event.preventDefault();
      stops[Math.min(now + (event.key === "ArrowDown" ? 1 : -1), stops.length - 1)].focus();
    }
  });
}
