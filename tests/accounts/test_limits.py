"""Guessing and flooding: what is limited, what does not lift a limit, and who is never locked out."""

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from accounts import throttle
from accounts.models import AttemptCount, User
from catalog.models import Artist, Interaction, Song

pytestmark = pytest.mark.django_db
WORDS = "quite-some-words-9"


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", "anna@example.org", WORDS)


@pytest.fixture
def one_minute(monkeypatch):
    """No minute ends during the test, and with it no allowance of requests."""
    monkeypatch.setattr("accounts.middleware.time.time", lambda: 1_700_000_000.0)


def sign_in(browser: Client, password: str, name: str = "anna") -> int:
    return browser.post("/login/", {"username": name, "password": password}).status_code


def guess(address: str, n: int) -> list[int]:
    browser = Client(REMOTE_ADDR=address)
    return [sign_in(browser, f"guess-{number}") for number in range(n)]


def test_cheap_requests_do_not_lift_the_limit_on_guessing(anna, settings):
    """T42, T71: the counts were among the 300 entries of the cache of lists."""
    settings.PAGE_RATE_ANONYMOUS = 10**9
    assert guess("10.0.0.7", 12)[-1] == 429
    for number in range(1000):
        cache.set(f"a-list-{number}", number)
    strangers = Client(REMOTE_ADDR="10.0.0.7")
    for number in range(50):
        strangers.get("/browse/", {"q": f"word {number}"})
    cache.clear()
    caches["limits"].clear()
    assert guess("10.0.0.7", 1) == [429]
    assert sign_in(Client(REMOTE_ADDR="10.0.0.7"), WORDS) == 429


def test_many_requests_do_not_lift_the_limit_on_requests(settings, one_minute):
    settings.PAGE_RATE_ANONYMOUS = 3
    visitor = Client(REMOTE_ADDR="10.0.0.7")
    assert [visitor.get("/login/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    for number in range(1000):
        cache.set(f"a-list-{number}", number)
        caches["limits"].set(f"another-caller-{number}", 1)
    assert visitor.get("/login/").status_code == 429


def test_a_name_guessed_from_many_networks_is_limited_and_its_owner_gets_in(anna):
    """T71: three networks do not reach the limit, a fourth does; the owner's browser goes on."""
    owner = Client(REMOTE_ADDR="192.0.2.1")
    assert sign_in(owner, WORDS) == 302
    owner.post("/logout/")
    for number in range(1, 4):
        guess(f"10.0.{number}.7", 10)
    assert guess("10.0.4.7", 1) == [429]
    assert sign_in(Client(REMOTE_ADDR="10.0.5.7"), WORDS) == 429
    assert sign_in(owner, WORDS) == 302
    other = User.objects.create_user("berta", password=WORDS)
    assert sign_in(Client(REMOTE_ADDR="10.0.4.7"), WORDS, other.username) == 302


def test_one_network_never_locks_a_name_for_the_others(anna):
    """T42: what is refused is not counted, so one guesser stays below the limit of all."""
    guess("10.0.0.7", 40)
    assert sign_in(Client(REMOTE_ADDR="10.0.0.8"), WORDS) == 302


def test_a_mailed_link_makes_a_browser_known(anna):
    """T71: the way in for the owner who has no known device while others guess."""
    from django.contrib.auth.tokens import default_token_generator
    from django.utils.encoding import force_bytes
    from django.utils.http import urlsafe_base64_encode

    for number in range(1, 5):
        guess(f"10.0.{number}.7", 10)
    path = (urlsafe_base64_encode(force_bytes(anna.pk)), default_token_generator.make_token(anna))
    browser = Client(REMOTE_ADDR="192.0.2.1")
    form = browser.get("/password/reset/{}/{}/".format(*path), follow=True).redirect_chain[-1][0]
    new = "entirely-new-words-3"
    browser.post(form, {"new_password1": new, "new_password2": new})
    assert sign_in(browser, new) == 302


@pytest.mark.parametrize(
    ("addresses", "limited"),
    [
        ([f"2001:db8:1:1::{n:x}" for n in range(1, 13)], True),
        ([f"2001:db8:1:{n:x}::1" for n in range(1, 13)], False),
        ([f"::ffff:10.0.0.{n}" for n in range(1, 13)], False),
        (["::ffff:10.0.0.1", "10.0.0.1"] * 6, True),
    ],
    ids=[
        "one /64",
        "twelve /64s",
        "twelve mapped IPv4 addresses",
        "one IPv4 address, mapped and not",
    ],
)
def test_ipv6_counts_by_the_64_that_one_caller_has(anna, addresses, limited):
    """T71"""
    statuses = [guess(address, 1)[0] for address in addresses]
    assert (statuses[-1] == 429) is limited


def test_who_signs_in_loses_the_count_of_their_own_slips(anna):
    for _ in range(3):
        guess("10.0.0.7", 8)
        assert sign_in(Client(REMOTE_ADDR="10.0.0.7"), WORDS) == 302


def test_counts_run_out_and_are_deleted(anna, monkeypatch):
    guess("10.0.0.7", 12)
    assert AttemptCount.objects.exists()
    AttemptCount.objects.update(until="2020-01-01T00:00:00Z")
    assert sign_in(Client(REMOTE_ADDR="10.0.0.7"), WORDS) == 302
    guess("10.0.0.9", 1)
    assert not AttemptCount.objects.filter(until__year=2020).exists()


def test_the_table_does_not_say_who_was_tried_from_where(anna):
    guess("10.0.0.7", 1)
    stored = str(list(AttemptCount.objects.values_list("key")))
    assert "anna" not in stored and "10.0.0.7" not in stored


def test_a_broken_address_is_a_caller_like_any_other(settings):
    settings.TRUST_PROXY = True
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "no address"})
    assert throttle.get_client_network(request) == "unknown"


# --- Pages without an account --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", ["/", "/try/", "/signup/", "/login/", "/password/reset/", "/browse/"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_open_so_many_pages_a_minute(page, method, settings, one_minute):
    """T69: all pages of one network count together."""
    settings.PAGE_RATE_ANONYMOUS = 2
    visitor = Client(REMOTE_ADDR="10.0.0.7")
    for one in ("/login/", "/signup/"):
        visitor.get(one)
    refused = getattr(visitor, method)(page)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert Client(REMOTE_ADDR="10.0.0.8").get("/login/").status_code == 200


def test_covers_the_api_and_signed_in_people_do_not_count(anna, settings, one_minute):
    settings.PAGE_RATE_ANONYMOUS = 1
    visitor = Client()
    assert visitor.get("/login/").status_code == 200
    assert visitor.get("/covers/none.svg").status_code == 404
    assert resolve("/favicon.ico").func.is_without_page_limit
    assert visitor.get("/api/v1/songs/").status_code == 200
    visitor.force_login(anna)
    assert [visitor.get("/settings/").status_code for _ in range(3)] == [200, 200, 200]


@pytest.fixture
def eighty_artists() -> list[Artist]:
    artists = [Artist.objects.create(name=f"Band {n}") for n in range(80)]
    songs = Song.objects.bulk_create(
        Song(key=f"s{n}_{m}", title=f"Song {n} {m}", artist=artist)
        for n, artist in enumerate(artists)
        for m in range(4)
    )
    fan = User.objects.create_user("fan")
    Interaction.objects.bulk_create(
        Interaction(listener=fan, song=song, kind=Interaction.Kind.LIKE, source="x")
        for song in songs[::2]
    )
    return artists


@pytest.mark.parametrize("more", [{}, {"search": "1"}], ids=["a list", "a search"])
def test_eighty_picked_artists_cost_hardly_more_than_one(eighty_artists, more):
    """Eighty artists in the address cost 328 queries."""
    costs = []
    for n in (1, 80):
        picked = {"artist": [artist.pk for artist in eighty_artists[:n]]}
        with CaptureQueriesContext(connection) as asked:
            assert Client().get("/try/", picked | more).status_code == 200
        costs.append(len(asked))
    assert costs[1] <= 25, costs
