/* Playlists: drag an entry, or move it with its buttons, without loading the page again. */

export function startReorder() {
  const list = document.querySelector("[data-reorder]");
  if (!list) return;
  let dragged = null;

  for (const item of list.children) item.draggable = true;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("li");
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    over[event.clientY > box.top + box.height / 2 ? "after" : "before"](dragged);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => { if (dragged) save(); dragged = null; });

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    event.preventDefault();
    const item = button.closest("li");
    if (button.dataset.move === "-1") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    save();
    if (button.disabled) item.querySelector("[data-move]:not(:disabled)")?.focus();
    else button.focus();
  });

  function save() {
    const items = [...list.children];
    items.forEach((item, place) => {
      item.querySelector(".position").textContent = place + 1;
      const [up, down] = item.querySelectorAll("[data-move]");
      up.disabled = place === 0;
      up.value = place;
      down.disabled = place === items.length - 1;
      down.value = place + 2;
    });
    const order = items.map((item) => item.dataset.item).join(",");
    htmx.ajax("POST", list.dataset.reorder, { swap: "none", values: { order } });
  }
}
