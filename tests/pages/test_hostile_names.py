"""Names of markup and scripts stay text on every page that there is, the admin's too."""

from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.db.models import CharField, TextField, URLField

from tests.pages.test_every_page import (  # noqa: F401  (fixtures)
    list_pages,
    open_client,
    own_files,
    songs,
    zaphod,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

HOSTILE = "<script>owned()</script>\" onmouseover=\"owned()' {{7*7}}{% now 'Y' %}"
FOLLOWED = {"href", "src", "action", "formaction", "poster", "data", "xlink:href"}
ADDRESS = "javascript:owned()"
# what somebody outside can write: titles, names and remarks, not the site's own words such as a job's status
WRITTEN_OUTSIDE = {
    "title", "name", "credit", "description", "reason", "error", "file_name", "label", "note", "first_name",
    "last_name", "account_name", "player", "account",
}  # fmt: skip


class Page(HTMLParser):
    """Gathers what would run: scripts in the page, handlers in attributes, addresses that are programs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "script" and "src" not in named and named.get("type") != "application/json":
            self.runs.append(f"<script> {named}")
        for name, value in attributes:
            is_program = (value or "").strip().casefold().startswith("javascript:")
            if name.startswith("on") or (name in FOLLOWED and is_program):
                self.runs.append(f"<{tag} {name}={value!r}>")


def make_everything_hostile() -> int:
    """Put a hostile text into each column that others write; return how many columns that were."""
    columns = [
        (model, field)
        for model in apps.get_models()
        if model._meta.managed
        and model._meta.app_label in ("accounts", "catalog", "recommendations")
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField)
        and not field.choices
        and not field.unique
        and (field.name in WRITTEN_OUTSIDE or isinstance(field, URLField))
    ]
    for model, field in columns:
        value = ADDRESS if isinstance(field, URLField) else HOSTILE[: field.max_length]
        model.objects.update(**{field.name: value})
    return len(columns)


def test_hostile_names_run_on_no_page(zaphod, songs):  # noqa: F811
    """T47: every page, with every name a script, an attribute, a template and an address that is a program."""
    assert make_everything_hostile() > 15
    client = open_client(zaphod)
    n_shown = 0
    for address in list_pages(zaphod, songs[1]):
        answer = client.get(address)
        if answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
            answer.close()
            continue
        text = answer.content.decode()
        page = Page()
        page.feed(text)
        assert (address, page.runs) == (address, [])
        assert "<script>owned" not in text and "49{" not in text, address
        n_shown += "&lt;script&gt;owned" in text
    assert n_shown > 20
