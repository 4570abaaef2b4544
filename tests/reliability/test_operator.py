"""A new operator's first day, on real listens, with the README's commands and a real browser."""

import re
import signal
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Error as PlaywrightError

from tests.browser.conftest import ARGUMENTS, CHROMIUM, PASSWORD, Site, Visitor
from tests.journeys.conftest import kill_session
from tests.waiting import wait_for

pytestmark = [pytest.mark.reliability, pytest.mark.browser]

DATA = Path(__file__).resolve().parents[3] / "shared/data/playlists"
N_LISTENERS = 6
LISTENERS = f"""
from accounts.models import User
for user in User.objects.filter(is_superuser=False).order_by("pk")[:{N_LISTENERS}]:
    user.set_password({PASSWORD!r})
    user.save()
    print(user.username)
"""
FITTING = (
    "SELECT 1 FROM recommendations_trainingrun WHERE status = 'running' AND stage LIKE '%fit%'"
)
FACTS = "SELECT count(*), sum(plays) FROM catalog_interaction"


@pytest.fixture
def operated_site(installation, free_port, tmp_path):
    """What the README says to type: import songs and listens, then serve; (site, supervisor, admin's password)."""
    if not DATA.is_dir():
        pytest.skip("The listens of ../shared/data/playlists are not on this machine.")
    if CHROMIUM is None:
        pytest.skip("No chromium is installed, so there is no browser to drive.")
    url = f"http://127.0.0.1:{free_port}"
    installation.settings |= {
        "SITE_URL": url,
        "WORKER_HEARTBEAT_SECONDS": "1",
        "SWEEP_PATIENCE_SECONDS": "0.5",
        "RETRAIN_SHARE": "0",  # the trainings are the operator's own
    }
    installation.manage("import_songs", str(DATA / "songs.csv.gz"))
    installation.manage("import_listens", str(DATA / "listens.csv.gz"))
    log = tmp_path / "said.txt"
    with log.open("w") as output:
        process = installation.start(
            "manage.py", "run_site", "--port", str(free_port),
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(lambda: "Musicrec is at" in log.read_text())
        password = (installation.folder / "data" / "admin-password").read_text().strip()
        yield Site(url, installation), process, password
    finally:
        kill_session(process)


@pytest.fixture
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def retrain(operator: Visitor) -> None:
    operator.go("/admin/recommendations/trainingrun/")
    operator.page.get_by_role("button", name="Retrain").click()
    operator.page.wait_for_selector("progress")


SHOWN = """() => document.querySelector('progress')?.value
    ?? (document.body?.innerText.includes('Result: v') ? 1 : null)"""


def shown_progress(operator: Visitor) -> float | None:
    """Return where the bar is; 1 when the page tells by itself what the run made; None while it turns."""
    try:
        return operator.page.evaluate(SHOWN)
    except PlaywrightError as error:
        if "navigation" not in str(error):
            raise
        return None


def version_made(operator: Visitor) -> str:
    note = operator.page.get_by_text(re.compile("Result: v"))
    note.wait_for(timeout=240_000)
    return note.inner_text().split()[-1]


def kill_training_worker(supervisor) -> None:
    """kill -9 to the worker and to the process that trains."""
    children = psutil.Process(supervisor.pid).children()
    (worker,) = (child for child in children if "training@%h" in child.cmdline())
    for process in [*worker.children(recursive=True), worker]:
        process.send_signal(signal.SIGKILL)


def confirm(operator: Visitor) -> str:
    operator.page.get_by_role("button", name="Yes").click()
    return operator.page.locator(".messagelist .success").inner_text().lower()


def test_a_new_operators_first_day(operated_site, browser):
    """T01 in a browser: train, kill, compare, activate, roll back, and an A/B from its draft to its winner."""
    site, supervisor, password = operated_site
    facts = site.installation.query(FACTS)
    olga = Visitor(browser, site, viewport={"width": 1280, "height": 900})
    olga.sign_in("admin", password)

    retrain(olga)
    seen = {0.0}
    wait_for(lambda: seen.add(shown_progress(olga)) or 1.0 in seen)
    assert any(0 < each < 1 for each in seen if each), (
        "The bar moved without the page being loaded again."
    )
    first = version_made(olga)

    retrain(olga)
    # The browser looks every two seconds, by which a quick machine may have made the next version.
    wait_for(lambda: site.installation.query(FITTING), every=0.05)
    kill_training_worker(supervisor)
    assert f'"detail": "{first}"' in olga.page.request.get("/readyz").text()
    second = version_made(olga)
    assert site.installation.query(FACTS) == facts
    attempts = "SELECT attempt FROM recommendations_trainingrun ORDER BY id"
    assert site.installation.query(attempts) == [(1,), (2,)]

    olga.go("/admin/recommendations/modelversion/compare/")
    olga.picture("operator-compares")
    assert (
        olga.page.locator("tr", has_text="ndcg@10").first.locator("td").last.inner_text().count("…")
        == 1
    )
    assert "Score falls without the song named as the reason" in olga.page.inner_text("#content")

    active, other = active_and_other(site, first, second)
    olga.go("/admin/recommendations/modelversion/")
    olga.page.locator("#result_list tr", has_text=other).get_by_role(
        "link", name="Activate"
    ).click()
    assert confirm(olga) == f"{other} is active."
    olga.page.get_by_role("link", name=f"Roll back to {active}").click()
    assert confirm(olga) == f"{active} is active."

    an_experiment_finds_its_winner(olga, browser, site, active, other)
    assert active_and_other(site, first, second)[0] == other
    assert olga.complaints == []


def active_and_other(site: Site, *names: str) -> tuple[str, str]:
    rows = site.installation.query(
        "SELECT id FROM recommendations_modelversion WHERE is_active = 1"
    )
    (active,) = (f"v{pk}" for (pk,) in rows)
    (other,) = set(names) - {active}
    return active, other


def an_experiment_finds_its_winner(
    olga: Visitor, browser, site: Site, active: str, other: str
) -> None:
    page = olga.page
    olga.go("/admin/recommendations/experiment/add/")
    page.fill("#id_name", "Is the other one liked better?")
    for index, version in enumerate((active, other)):
        page.fill(f"#id_arms-{index}-name", f"with {version}")
        page.select_option(f"#id_arms-{index}-version", label=version)
    page.get_by_role("button", name="Save", exact=True).click()
    assert "What it could find" in page.inner_text("#content")
    page.get_by_role("link", name="Start …").click()
    assert confirm(olga) == "done: running."

    names = site.installation.shell(LISTENERS).split()
    for name in names:
        listens_and_clicks(Visitor(browser, site, viewport={"width": 1280, "height": 900}), name)
    shown = "SELECT count(*), count(DISTINCT arm) FROM recommendations_impression WHERE arm <> ''"
    assert site.installation.query(f"{shown} GROUP BY listener_id") == [(2, 1)] * N_LISTENERS

    page.reload()
    olga.picture("operator-experiment")
    results = page.locator("table", has_text="Share of a listener").locator("tbody tr")
    shown = [int(row.locator("td").first.inner_text()) for row in results.all()]
    assert len(shown) == 2 and sum(shown) == N_LISTENERS
    page.select_option("#arm", label=f"with {other}")
    page.get_by_role("button", name="Make it what everybody gets …").click()
    assert confirm(olga) == "done: winner promoted."


def listens_and_clicks(listener: Visitor, name: str) -> None:
    """Look at the home page twice and like a song the second time."""
    page = listener.page
    with page.expect_response(lambda answer: answer.url.endswith("/impressions/")):
        listener.sign_in(name)
    with page.expect_response(lambda answer: answer.url.endswith("/impressions/")):
        listener.go("/")
    with page.expect_response(lambda answer: "/outcomes/" in answer.url) as response:
        page.locator(".grid .card .like").first.click()
    assert response.value.ok and listener.complaints == []
    listener.context.close()
