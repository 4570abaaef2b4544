// Keeps the display of a running training up to date. Without it the page reloads itself.
const panel = document.querySelector("[data-progress-url]");

function timeLeft(seconds) {
  if (seconds === null) return panel.dataset.unknown;
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function show(run) {
  panel.querySelector("progress").value = run.progress;
  panel.querySelector("[data-percent]").textContent = `${Math.round(100 * run.progress)} %`;
  panel.querySelector("[data-stage]").textContent = run.stage || run.status;
  panel.querySelector("[data-left]").textContent = timeLeft(run.seconds_left);
  const log = panel.querySelector("[data-log]");
  if (log && log.textContent !== run.log) {
    log.textContent = run.log;
    log.scrollTop = log.scrollHeight;
  }
}

async function look() {
  try {
    const answer = await fetch(panel.dataset.progressUrl, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const run = await answer.json();
      show(run);
      if (!run.is_active) return window.location.reload();
    }
  } catch {
    panel.querySelector("[data-left]").textContent = panel.dataset.unknown;
  }
  setTimeout(look, 2000);
}

if (panel) look();
