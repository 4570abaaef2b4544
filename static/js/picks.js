/* Says beside the button how many songs, artists and genres are picked. */

export function startPicks() {
  const output = document.querySelector("[data-picked]");
  const form = output?.closest("form");
  if (!form) return;
  const show = () => {
    const n = form.querySelectorAll("input[type=checkbox]:checked").length;
    output.textContent = n === 0 ? output.dataset.none : n === 1 ? output.dataset.one : output.dataset.more.replace("{n}", n);
  };
  form.addEventListener("change", show);
  document.addEventListener("htmx:afterSwap", show);
  show();
}
