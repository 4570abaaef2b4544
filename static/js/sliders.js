/* Ranges say their numbers. */

export function startSliders() {
  for (const output of document.querySelectorAll("[data-range-of]")) {
    const [low, high] = ["min", "max"].map((end) => document.getElementById(`id_${output.dataset.rangeOf}_${end}`));
    const show = () => { output.textContent = `${low.value}–${high.value}`; };
    low.addEventListener("input", show);
    high.addEventListener("input", show);
    show();
  }
}
