"""The operator in a real browser: retrain with a live bar, look at versions, activate, roll back."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OPERATOR
from tests.journeys.conftest import kill_group, stop_between_writes
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def worker(site, tmp_path):
    """A worker for trainings."""
    command = (
        "-m",
        "celery",
        "--app",
        "musicrec_site",
        "worker",
        "--queues",
        "training",
        "--concurrency",
        "1",
    )
    with (tmp_path / "worker.log").open("w") as log:
        process = site.installation.start(*command, stdout=log, stderr=log, start_new_session=True)
    heartbeats = "SELECT COUNT(*) FROM recommendations_workerheartbeat"
    wait_for(lambda: site.installation.query(heartbeats)[0][0])
    yield process
    kill_group(process)


def test_an_operator_retrains_and_changes_what_serves(visit, site, worker):
    site.installation.shell(OPERATOR)
    olga = visit(viewport={"width": 1280, "height": 900})
    page = olga.page
    olga.sign_in("olga")

    olga.go("/admin/recommendations/trainingrun/")
    stop_between_writes(worker, site.installation)  # so that the beginning can be looked at
    page.get_by_role("button", name="Retrain").click()
    expect(page.locator("progress")).to_have_count(1)  # a click does not wait for the next page
    expect(page.locator("[data-stage]")).to_have_text("queued")
    os.killpg(worker.pid, signal.SIGCONT)
    # Nobody reloads the page: it follows the training and shows its end by itself.
    page.get_by_text(re.compile("Result: v")).wait_for(timeout=60_000)
    newest = page.get_by_text(re.compile("Result: v")).inner_text().split()[-1]

    olga.go("/admin/recommendations/modelversion/")
    assert page.locator("figure.chart svg rect").count() >= 2
    page.get_by_role("link", name=re.compile("Roll back to")).click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist .success")).to_have_text(re.compile(r"is active\.$"))
    row = page.locator("#result_list tr", has_text=newest)
    row.get_by_role("link", name="Activate").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist .success")).to_contain_text(
        f"{newest} is active", ignore_case=True
    )

    olga.go("/admin/")
    olga.picture("operator-dashboard")
    assert newest in page.locator(".tile").first.inner_text()


@pytest.fixture(scope="module")
def two_versions(site) -> None:
    """Interleaving compares two versions that can serve, so the customer's first model is trained too."""
    site.installation.manage("train_model", "--preset", "classic")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_two_versions_take_turns_until_the_operator_ends_it(visit, site, two_versions, script):
    site.installation.shell(OPERATOR)
    olga, hugo = visit(java_script_enabled=script), visit()  # who has no script reports no lists
    page = olga.page
    olga.sign_in("olga")
    olga.go("/admin/recommendations/experiment/add/")
    page.fill("[name=name]", f"Taking turns, script {script}")
    page.select_option("[name=kind]", "interleaving")
    for arm in (0, 1):
        page.fill(f"[name=arms-{arm}-name]", f"arm {arm}")
        page.select_option(f"[name=arms-{arm}-version]", index=arm + 1)
    page.click("[name=_save]")
    results = page.url
    page.get_by_role("link", name=re.compile("^Start")).click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist .success")).to_contain_text("running")
    expect(page.locator("#content")).to_contain_text(re.compile(r"Open drafts, [^:]*: 0\."))

    hugo.sign_in("hugo")
    with hugo.page.expect_response(lambda answer: "/impressions/" in answer.url) as reported:
        hugo.go("/")
    assert reported.value.status == 201
    liked = hugo.page.locator(".grid .card").first
    title = liked.locator(".title").inner_text()
    with hugo.page.expect_response(lambda answer: "/opinion/" in answer.url):
        liked.locator(".like").click()
    hugo.go("/library/")
    assert title in hugo.page.locator(".rows").inner_text()

    olga.go(results)
    expect(page.locator("#content")).to_contain_text(re.compile(r"Open drafts, [^:]*: 1\."))
    page.get_by_role("link", name=re.compile("^Stop")).click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist .success")).to_contain_text("stopped")
