/* The player at the foot of the page: a queue of songs, next and previous, media keys. It tells the site how long each
   song was heard. On the next page of the site it goes on where it was; a browser that lets no page begin by itself
   shows it stopped at that place. Without script a play button is a link to the song's sound. */

import { restoreQueue, storeQueue } from "./player-queue.js";

const ENOUGH_SECONDS = 30; // of that or half the song the site makes a play, of less a skip
const BACK_TO_START_SECONDS = 5; // later than that, "previous" begins the song again

const isModified = (event) => event.metaKey || event.ctrlKey || event.shiftKey || event.button;

export function startPlayer() {
  const player = document.getElementById("player");
  if (!player) return;
  const audio = player.querySelector("audio");
  let queue = []; // what is played one after another: { source, title, artist, heardAt, cover, page }
  let index = -1;
  let heard = 0; // seconds of the present song, without what was jumped over
  let isReported = false;
  let last = null;
  let nFailed = 0;
  let goesOn = false; // the next page will be one of this site

  audio.addEventListener("timeupdate", () => {
    if (last !== null && audio.currentTime > last && audio.currentTime - last < 2) heard += audio.currentTime - last;
    last = audio.currentTime;
    if (heard > 1) nFailed = 0;
  });
  audio.addEventListener("seeked", () => { last = audio.currentTime; });
  audio.addEventListener("ended", () => { report(); step(1); });
  audio.addEventListener("error", skipFailed);
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => { if (event.persisted) close(); });
  document.addEventListener("click", handleClick);
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    goesOn = true;
    if (!event.target.action.endsWith("/logout/")) return;
    report();
    close();
  });
  setMediaKeys();
  offerPlayAll(document);
  document.addEventListener("htmx:afterSettle", (event) => offerPlayAll(event.detail.elt.parentElement ?? document));
  resume();

  function handleClick(event) {
    const button = event.target.closest("[data-play]");
    if (button && !isModified(event)) {
      event.preventDefault();
      const list = button.closest("ol, ul, [data-play-scope]");
      const buttons = list ? findButtons(list) : [button];
      playFrom(buttons.map(readSong), Math.max(buttons.indexOf(button), 0));
    }
    const all = event.target.closest("[data-play-all]");
    if (all) playFrom(findButtons(findScope(all)).map(readSong), 0);
    if (event.target.closest("[data-player-next]")) { report(); step(1); }
    if (event.target.closest("[data-player-previous]")) goBack();
    const entry = event.target.closest("[data-player-entry]");
    if (entry) { report(); play(Number(entry.dataset.playerEntry)); }
    if (event.target.closest("[data-player-close]")) { report(); close(); }
    const link = event.target.closest("a[href]");
    if (link?.origin === location.origin && !link.target && !event.defaultPrevented) goesOn = true;
  }

  function playFrom(songs, at) {
    if (!songs.length) return;
    report();
    queue = songs;
    nFailed = 0;
    play(at);
  }

  function play(at) {
    show(at);
    audio.play().catch(() => {});
  }

  function step(by) {
    if (queue[index + by]) play(index + by);
    else if (by > 0) close();
  }

  function goBack() {
    if (audio.currentTime > BACK_TO_START_SECONDS || index === 0) audio.currentTime = 0;
    else { report(); step(-1); }
  }

  /* A song that can't be played is left out; when none of them can be, the player stops. */
  function skipFailed() {
    if (index < 0 || !audio.getAttribute("src")) return;
    nFailed += 1;
    const toasts = document.getElementById("toasts");
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.textContent = player.dataset.failed.replace("{title}", queue[index].title);
    toasts?.replaceChildren(toast);
    heard = 0;
    if (nFailed <= 3 && queue[index + 1]) step(1);
    else close();
  }

  function show(at) {
    index = at;
    heard = 0;
    last = null;
    isReported = false;
    const song = queue[at];
    const title = player.querySelector("[data-player-title]");
    title.textContent = song.title;
    if (song.page) title.href = song.page;
    else title.removeAttribute("href");
    player.querySelector("[data-player-artist]").textContent = song.artist;
    const cover = player.querySelector("[data-player-cover]");
    cover.hidden = !song.cover;
    if (song.cover) cover.src = song.cover;
    player.querySelector("[data-player-next]").disabled = !queue[at + 1];
    audio.src = song.source;
    player.hidden = false;
    showQueue();
    tellSystem(song);
  }

  function showQueue() {
    const box = player.querySelector("[data-player-queue]");
    box.hidden = queue.length < 2;
    box.querySelector("ol").replaceChildren(...queue.map((song, at) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.playerEntry = at;
      button.textContent = `${song.title} – ${song.artist}`;
      button.dir = "auto";
      if (at === index) button.setAttribute("aria-current", "true");
      row.append(button);
      return row;
    }));
  }

  function close() {
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
    player.hidden = true;
    queue = [];
    index = -1;
    heard = 0;
    last = null;
    if (navigator.mediaSession) navigator.mediaSession.metadata = null;
  }

  /* To close the window early is no word against a song: then only what was heard for long enough is told. */
  function leave() {
    if (index < 0) return;
    const enough = Math.min(ENOUGH_SECONDS, (audio.duration || Infinity) / 2);
    if (!goesOn && heard >= enough) report();
    const state = { queue, index, heard, isReported, at: audio.currentTime, isPlaying: !audio.paused };
    if (!storeQueue(state)) report(); // nothing may be stored here, so the song ends with the page
  }

  function resume() {
    const kept = restoreQueue();
    if (!kept) return;
    queue = kept.queue;
    show(kept.index);
    heard = kept.heard;
    isReported = kept.isReported;
    audio.preload = "auto";
    audio.addEventListener("loadedmetadata", () => { audio.currentTime = kept.at; }, { once: true });
    if (kept.isPlaying) audio.play().catch(() => {});
  }

  function report() {
    const milliseconds = Math.round(heard * 1000);
    const address = queue[index]?.heardAt;
    heard = 0;
    last = null;
    if (!address || !milliseconds || isReported) return;
    isReported = true;
    const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
    fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { ...headers, "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ played_ms: String(milliseconds) }),
    });
  }

  function setMediaKeys() {
    const keys = {
      play: () => audio.play().catch(() => {}),
      pause: () => audio.pause(),
      nexttrack: () => { if (queue[index + 1]) { report(); step(1); } },
      previoustrack: goBack,
      seekto: (details) => { audio.currentTime = details.seekTime; },
      seekbackward: (details) => { audio.currentTime -= details.seekOffset ?? 10; },
      seekforward: (details) => { audio.currentTime += details.seekOffset ?? 10; },
    };
    for (const [key, act] of Object.entries(keys)) {
      try {
        navigator.mediaSession?.setActionHandler(key, act);
      } catch {
        continue; // a key that this browser does not have
      }
    }
  }
}

function tellSystem(song) {
  if (!navigator.mediaSession || !window.MediaMetadata) return;
  const artwork = song.cover ? [{ src: song.cover }] : [];
  navigator.mediaSession.metadata = new MediaMetadata({ title: song.title, artist: song.artist, artwork });
}

function readSong(button) {
  const { title, artist, heard = "" } = button.dataset;
  const cover = button.closest("article, .row, .song-head, .page-head")?.querySelector("img.cover")?.src ?? "";
  return { source: button.href, title, artist, heardAt: heard, cover, page: heard.replace(/heard\/$/, "") };
}

function findButtons(scope) {
  return [...scope.querySelectorAll("[data-play]")].filter((button) => !button.closest("[hidden]"));
}

function findScope(button) {
  return button.closest("section, [data-play-scope]") ?? document.getElementById("content");
}

/* "Play all" is shown only where something can be played. */
function offerPlayAll(part) {
  for (const button of part.querySelectorAll("[data-play-all]")) {
    button.hidden = !findButtons(findScope(button)).length;
  }
}
