"""The pages about the API work offline and under the site's Content-Security-Policy, in a real browser."""

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM

pytestmark = pytest.mark.browser


@pytest.fixture
def page(live_server, monkeypatch):
    if CHROMIUM is None:
        pytest.skip("No chromium is installed, so there is no browser to drive.")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.complaints, page.foreign = [], []
        page.on(
            "console",
            lambda message: (
                page.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        own = live_server.url
        page.on(
            "request",
            lambda r: page.foreign.append(r.url) if not r.url.startswith((own, "data:")) else None,
        )
        yield page
        browser.close()


@pytest.mark.parametrize(
    ("address", "sign"),
    [
        ("docs", ".opblock-summary-path >> text=/api/v1/recommendations/"),
        ("reference", "text=/api/v1/me/history/"),
    ],
)
def test_a_page_about_the_api_shows_every_operation_and_asks_nobody_else(
    live_server, page, address, sign
):
    page.goto(f"{live_server.url}/api/v1/{address}/")
    page.wait_for_selector(sign, timeout=60_000, state="attached")
    assert page.complaints == []
    assert page.foreign == []
