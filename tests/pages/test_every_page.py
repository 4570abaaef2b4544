"""Every page of the site and of the admin opens, for a listener with a row in every table and for a new one."""

import itertools
import re

import pytest
from django.contrib.admin.sites import site as admin_site
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from catalog.models import (
    Album,
    Artist,
    Genre,
    ImportRun,
    Interaction,
    MusicServer,
    Playlist,
    SharedReview,
    Song,
)
from catalog.songs import covers
from recommendations.models import Blend, ForgettingReceipt, Impression, ListenerControl
from recommendations.services.preferences import taste
from recommendations.services.training import pipeline, training_requests
from tests.accounts.test_deletion import fill_every_table

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NOT_PAGES = re.compile(
    r"^(api/|1/|apis|mcp|audiomuse|navidrome/nd_|labs/|lidarr/|admin/jsi18n|admin/autocomplete|admin/r/)"
)


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.ARTIFACTS_DIR, settings.UPLOADS_DIR = tmp_path / "artifacts", tmp_path / "uploads"
    settings.ARTIFACTS_DIR.mkdir()


@pytest.fixture
def songs(db) -> list[Song]:
    artists = [Artist.objects.create(name=f"Band {n}") for n in range(4)]
    genre = Genre.objects.create(name="Fado")
    created = [
        Song.objects.create(key=f"s{n}", title=f"Song {n}", artist=artists[n % 4], year=1990 + n)
        for n in range(16)
    ]
    for song in created[::2]:
        song.genres.add(genre)
    return created


@pytest.fixture
def zaphod(songs) -> User:
    """An operator who is a listener, too: a row in every table, and every kind of control and interaction."""
    user = User.objects.create_superuser("zaphod")
    fill_every_table(user, songs[0])
    for kind, song in zip(Interaction.Kind, songs[1:], strict=False):
        Interaction.objects.create(listener=user, song=song, kind=kind, source="x")
    for kind in set(ListenerControl.Kind) - {ListenerControl.Kind.HIDE_ARTIST}:
        ListenerControl.objects.get_or_create(listener=user, song=songs[5], kind=kind)
    taste.set_picks(user, artists=[songs[6].artist], genres=Genre.objects.all(), songs=[songs[7]])
    assert set(ListenerControl.objects.values_list("kind", flat=True)) == set(ListenerControl.Kind)
    return user


def addresses(patterns, prefix: str = ""):
    """Yield every address with its placeholders."""
    for one in patterns:
        route = prefix + str(one.pattern).lstrip("^").rstrip("$")
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield re.sub(r"\\Z|\\|\?$", "", route)


def list_values(user: User, song: Song) -> dict[str, list[object]]:
    """Return the values of each placeholder; a new one needs a value here."""
    return {
        "song_id": [*Song.objects.values_list("pk", flat=True)[:9]],
        "artist_id": [song.artist_id],
        "album_id": [*Album.objects.values_list("pk", flat=True)[:3]],
        "listener_id": [user.pk],
        "number": [1],
        "section": ["made", "because", "new", "trending", "favourites", "nothing"],
        "player": ["pano", "lidarr"],
        "playlist_id": [*Playlist.objects.values_list("pk", flat=True)],
        "interaction_id": [
            *Interaction.objects.for_listener(user).values_list("pk", flat=True)[:1]
        ],
        "receipt_id": [*ForgettingReceipt.objects.values_list("pk", flat=True)],
        "year": [2026],
        "review_id": [*SharedReview.objects.values_list("pk", flat=True)],
        "blend_id": [*Blend.objects.values_list("pk", flat=True)],
        "run_id": [*ImportRun.objects.values_list("pk", flat=True)],
        "server_id": [*MusicServer.objects.values_list("pk", flat=True)],
        "code": [covers.encode_cover([None] * 8, "", "Band", "Song")],
        "tag": ["0" * 16],
        "size": [300],
        "form": ["m3u8", "jspf", "csv"],
        "file_format": ["m3u8", "jspf"],
        "username": [user.username],
        "uidb64": ["MQ"],
        "token": ["set-password"],
        "app_label": ["recommendations", "catalog", "accounts"],
        "content_type_id": [1],
        "url": ["nothing"],
    }


def list_pages(user: User, song: Song, more_values: dict[str, list[object]] | None = None):
    """Yield every page's address with values put in; those of the admin once for a row of their table.

    With `more_values`, of placeholders that no page has, every other address is there, too.
    """
    values = list_values(user, song) | (more_values or {})
    for route in addresses(get_resolver().url_patterns):
        if more_values is None and NOT_PAGES.match(route):
            continue
        names = re.findall(r"<(?:\w+:)?(\w+)>", route)
        values_by_name = dict(values)
        if route.startswith("admin/"):
            values_by_name |= {
                name: find_row(route) for name in names if name not in values_by_name
            }
        for chosen in itertools.product(*(values_by_name[name] for name in names)):
            yield "/" + fill_route(route, names, chosen)


def find_row(route: str) -> list[object]:
    """Return the primary key of one row of the table that an admin address is about; none where there is none."""
    _admin, app, model = route.split("/")[:3]
    registered = next(
        one for one in admin_site._registry if one._meta.label_lower == f"{app}.{model}"
    )
    return [*registered._default_manager.values_list("pk", flat=True)[:1]]


def fill_route(route: str, names: list[str], chosen) -> str:
    for name, value in zip(names, chosen, strict=True):
        route = re.sub(
            rf"\(\?P<{name}>(?:\([^)]*\)|[^()])*\)|<(?:\w+:)?{name}>",
            lambda _, v=value: str(v),
            route,
            count=1,
        )
    return route


def failures(client: Client, pages: list[str]) -> dict[str, str]:
    """Open each page; return the ones that answered with 5xx, raised or have a form that gives its token away."""
    by_page: dict[str, str] = {}
    client.raise_request_exception = False
    for page in pages:
        try:
            answer = client.get(page)
            if answer.status_code >= 500:
                reason = (
                    answer.exc_info[1]
                    if getattr(answer, "exc_info", None)
                    else answer.content[:200]
                )
                by_page[page] = f"{answer.status_code} {reason!r}"
            elif answer.streaming:
                b"".join(answer.streaming_content)
            elif answer.headers.get("Content-Type", "").startswith("text/html"):
                assert not has_token_in_address(answer.content.decode()), "a token in an address"
            answer.close()
        except Exception as error:  # a page that raises is what is looked for
            by_page[page] = repr(error)
    return by_page


def has_token_in_address(text: str) -> bool:
    """Return whether a form of a page would send its CSRF token with GET: it would stay in the address and the log."""
    return any(
        ('method="post"' not in form or "formmethod" in form) and "csrfmiddlewaretoken" in form
        for form in re.findall(r"<form.*?</form>", text, re.DOTALL)
    )


def open_client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_every_page_opens_for_a_listener_with_every_kind_of_row(zaphod, songs):
    """T80: hiding an artist made the taste page and the page of hidden songs answer 500."""
    pages = list(list_pages(zaphod, songs[1]))
    assert {"/taste/", "/library/hidden/", "/", "/admin/"} <= set(pages)
    assert len([page for page in pages if page.startswith("/admin/")]) > 60
    assert failures(open_client(zaphod), pages) == {}


def test_every_page_opens_with_a_model_too(zaphod, songs):
    """The same rows, and lists that a trained version makes from them."""
    for n in range(6):
        other = User.objects.create_user(f"other_{n}")
        for song in songs[n % 3 :: 2]:
            Interaction.objects.create(
                listener=other, song=song, kind=Interaction.Kind.LIKE, source="x"
            )
    Impression.objects.all().delete()
    run = pipeline.run_training(
        training_requests.request_training(preset="classic", trigger="command").pk, "test"
    )
    assert run.status == "succeeded", run.error
    previews = [
        "/taste/?preview=1&discovery=90",
        "/try/?song=1&song=2",
        f"/try/?genre={Genre.objects.get().pk}",
    ]
    assert failures(open_client(zaphod), [*list_pages(zaphod, songs[1]), *previews]) == {}


@pytest.mark.parametrize("who", ["new listener", "new operator", "visitor"])
def test_every_page_opens_for_somebody_with_no_row_at_all(who, db):
    """An empty site, and somebody who has done nothing yet."""
    make = User.objects.create_superuser if who == "new operator" else User.objects.create_user
    user = make("trillian")
    client = Client() if who == "visitor" else open_client(user)
    song = Song(pk=1, title="None", artist_id=1)
    assert failures(client, list(list_pages(user, song))) == {}


# --- Addresses and actions ----------------------------------------------------------------------------


def test_a_form_that_gives_its_token_away_is_found():
    """The preview of the taste page did: every page that is opened above is looked at for it."""
    token = '<input type="hidden" name="csrfmiddlewaretoken" value="secret">'
    assert has_token_in_address(f'<form action="/taste/">{token}</form>')
    assert has_token_in_address(f'<form method="post">{token}<button formmethod="get"></form>')
    assert not has_token_in_address(f'<form method="post">{token}</form><form></form>')


def test_a_preview_leads_to_an_address_without_a_token(zaphod):
    answer = open_client(zaphod).post(
        "/taste/preview/", {"discovery": "90", "csrfmiddlewaretoken": "secret"}
    )
    assert answer["Location"] == "/taste/?preview=1&discovery=90#preview"


HIDING = [
    ("/songs/{song}/control/", "hide-song", "unhide-song"),
    ("/songs/{song}/control/", "ignore-song", "unignore-song"),
    ("/artists/{artist}/control/", "hide-artist", "unhide-artist"),
]


def undo_form(text: str) -> tuple[str, dict[str, str]]:
    """Return the address of the undo form on a page and the values it sends."""
    form = re.search(
        r'<form class="undo" method="post" action="([^"]*)".*?</form>', text, re.DOTALL
    )
    values = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0])
    return form[1], dict(values)


@pytest.mark.parametrize(("address", "kind", "back"), HIDING)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
def test_what_was_hidden_can_be_taken_back_at_once(address, kind, back, headers, songs):
    trillian = User.objects.create_user("trillian")
    client = open_client(trillian)
    address = address.format(song=songs[0].pk, artist=songs[0].artist_id)
    answer = client.post(address, {"control": kind, "next": "/browse/"}, headers=headers)
    assert ListenerControl.objects.get(listener=trillian).kind == kind
    page = answer if headers else client.get(answer["Location"])
    undo, values = undo_form(page.content.decode())
    assert (undo, values["control"], values["next"]) == (address, back, "/browse/")
    answer = client.post(undo, values, headers=headers)
    assert not ListenerControl.objects.exists()
    assert (
        answer.headers.get("HX-Refresh") == "true" if headers else answer["Location"] == "/browse/"
    )
    assert 'class="undo"' not in client.get("/browse/").content.decode()
