/* The small player: plays a song's own audio and tells the site how long it was heard. On the next page of the site it
   goes on where it was; a browser that lets no page begin by itself shows it stopped at that place. */

const KEPT = "musicrec-player";
const ENOUGH_SECONDS = 30; // of that or half the song the site makes a play, of less a skip

export function startPlayer() {
  const player = document.getElementById("player");
  if (!player) return;
  const audio = player.querySelector("audio");
  let song = null; // what is played: { source, title, artist, heardAt }
  let heard = 0; // seconds, without what was jumped over
  let last = null;
  let goesOn = false; // the next page will be one of this site

  audio.addEventListener("timeupdate", () => {
    if (last !== null && audio.currentTime > last && audio.currentTime - last < 2) heard += audio.currentTime - last;
    last = audio.currentTime;
  });
  audio.addEventListener("seeked", () => { last = audio.currentTime; });
  audio.addEventListener("ended", () => { report(); song = null; });
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => { if (event.persisted) close(); });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-play]");
    if (button) play(button);
    if (event.target.closest("[data-player-close]")) {
      report();
      close();
    }
    const link = event.target.closest("a[href]");
    if (link?.origin === location.origin && !link.target && !event.defaultPrevented) goesOn = true;
  });
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    goesOn = true;
    if (!event.target.action.endsWith("/logout/")) return;
    report();
    close();
  });
  resume();

  function play(button) {
    report();
    show({
      source: button.dataset.play,
      title: button.dataset.title,
      artist: button.dataset.artist,
      heardAt: button.dataset.heard ?? "",
    });
    audio.play().catch(() => {});
  }

  function show(chosen) {
    song = chosen;
    player.querySelector("[data-player-title]").textContent = song.title;
    player.querySelector("[data-player-artist]").textContent = song.artist;
    audio.src = song.source;
    player.hidden = false;
  }

  function close() {
    audio.pause();
    audio.removeAttribute("src");
    player.hidden = true;
    song = null;
    heard = 0;
    last = null;
  }

  /* To close the window early is no word against a song: then only what was heard for long enough is told. */
  function leave() {
    if (!song) return;
    const enough = Math.min(ENOUGH_SECONDS, (audio.duration || Infinity) / 2);
    if (!goesOn && heard >= enough) report();
    const kept = { song, heard, at: audio.currentTime, isPlaying: !audio.paused };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      report(); // nothing may be stored here, so the song ends with the page
    }
  }

  function resume() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT));
      sessionStorage.removeItem(KEPT);
    } catch {
      return;
    }
    if (!kept) return;
    show(kept.song);
    heard = kept.heard;
    audio.preload = "auto";
    audio.addEventListener("loadedmetadata", () => { audio.currentTime = kept.at; }, { once: true });
    if (kept.isPlaying) audio.play().catch(() => {});
  }

  function report() {
    const milliseconds = Math.round(heard * 1000);
    const address = song?.heardAt;
    heard = 0;
    last = null;
    if (!address || !milliseconds) return;
    song.heardAt = "";
    const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
    fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { ...headers, "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ played_ms: String(milliseconds) }),
    });
  }
}
