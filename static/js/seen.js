/* Tells the site which lists were seen and what became of their songs, so that its operator can see whether a change helps. */

export function startSeen() {
  for (const list of document.querySelectorAll("[data-receipt]")) watch(list);
}

function watch(list) {
  let impression = null;
  const songs = [...list.querySelectorAll("[data-song]")].map((item) => item.dataset.song);
  if (!songs.length) return;

  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    impression = send("/api/v1/impressions/", { receipt: list.dataset.receipt, songs, surface: list.dataset.surface })
      .then((answer) => (answer?.ok ? answer.json() : null));
  });
  observer.observe(list);

  list.addEventListener("click", (event) => {
    const song = event.target.closest("[data-song]")?.dataset.song;
    const kind = kindOf(event.target);
    if (!song || !kind || !impression) return;
    impression.then((shown) => { if (shown) send(`/api/v1/impressions/${shown.id}/outcomes/`, { song, kind }); });
  });
}

function kindOf(target) {
  const button = target.closest("button");
  if (button?.value === "like" || button?.value === "dislike") return button.value;
  if (button?.value === "hide-song" || button?.value === "hide-artist") return "hide";
  return target.closest("a[href^='/songs/'], [data-play]") ? "click" : null;
}

/* keepalive: it also arrives when the page is being left. What fails here is nobody's business but the statistics'. */
function send(address, body) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  return fetch(address, {
    method: "POST",
    keepalive: true,
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
}
