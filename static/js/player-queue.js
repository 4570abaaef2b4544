/* The player's queue between two pages of the site, in the window's own storage. */

const KEPT = "musicrec-player";
const MOST_SONGS = 300;

/* Return whether it could be stored. Of a very long queue the songs around the present one are kept. */
export function storeQueue(state) {
  const first = Math.max(0, state.index - 20);
  const queue = state.queue.slice(first, first + MOST_SONGS);
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...state, queue, index: state.index - first }));
    return true;
  } catch {
    return false;
  }
}

/* Return what was stored, once; null where there is nothing, or nothing of this form. */
export function restoreQueue() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    return kept?.queue?.[kept.index] ? kept : null;
  } catch {
    return null;
  }
}
