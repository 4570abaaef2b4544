/* Buttons that copy the text of the element named by data-copy. Without script they stay hidden: the text can be selected. */
export function startCopy() {
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    if (await copied(source)) button.textContent = button.dataset.copied;
  });
}

async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Only pages by https and of this machine get a clipboard: elsewhere the text is left selected.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}
