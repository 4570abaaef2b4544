"""What one listener's plays alone brought, only they see, until others or an operator bring it (T75)."""

import importlib
import itertools
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts import services
from accounts.models import User
from catalog.imports import import_jobs, import_requests
from catalog.listening import interactions
from catalog.models import (
    Album,
    Artist,
    Genre,
    ImportRun,
    MusicFile,
    MusicFolder,
    Song,
)
from catalog.playlists import edit
from catalog.records import SongRecord
from catalog.songs.resolver import SongResolver, find_song
from recommendations.services.lists import exclusions
from recommendations.services.lists.listener_context import ListenerContext, Picks
from recommendations.services.serving import (
    popularity_fallback,
    recommend,
    similar_songs,
    visitor_lists,
)
from recommendations.services.surfaces import home, related_artists
from tests.api.caller import Caller
from tests.api.listens import NOW, listen, single

TITLE, ARTIST, ALBUM, GENRE = "Nur meins", "Kellerband", "Demo Nummer Eins", "Kellerfunk"
MBID = "11111111-2222-4333-8444-555555555555"
_minutes = itertools.count(1)


def send_listen(caller: Caller, title: str = TITLE, artist: str = ARTIST, **info) -> Song:
    """Send one listen as a player does; return its song."""
    one = listen(title, artist, at=NOW - next(_minutes) * 600, **info)
    one["track_metadata"]["release_name"] = ALBUM
    player = Caller(caller.user, scopes=["listen"], prefix="/1/")
    answer = player.post("submit-listens", single(one))
    assert answer.status == 200, answer.body
    return Song.objects.get(title=title, artist__name=artist)


@pytest.fixture
def own(alice) -> Song:
    """A song that only Alice's player brought, with a genre and an id that an import might have told."""
    song = send_listen(alice, recording_mbid=MBID)
    song.genres.add(Genre.objects.create(name=GENRE))
    return song


def sign_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def list_pages(song: Song) -> list[str]:
    return [
        f"/songs/{song.pk}/",
        f"/songs/{song.pk}/why/",
        f"/artists/{song.artist_id}/",
        f"/albums/{song.album_id}/",
        f"/api/v1/songs/{song.key}/",
        f"/api/v1/songs/{song.key}/similar/",
        f"/api/v1/artists/{song.artist_id}/",
    ]


def test_only_the_listener_who_brought_it_can_open_it(own, alice, bob):
    readers = {"alice": sign_in(alice.user), "bob": sign_in(bob.user), "nobody": Client()}
    opened = {
        (name, page): browser.get(page).status_code
        for name, browser in readers.items()
        for page in list_pages(own)
    }
    assert {code for (name, _page), code in opened.items() if name == "alice"} == {200}
    assert {code for (name, _page), code in opened.items() if name == "bob"} == {404}
    # what asks for an account first sends visitors to the sign-in
    assert {code for (name, _page), code in opened.items() if name == "nobody"} <= {404, 302}


def test_a_history_is_not_filtered_by_what_one_may_not_see(own, alice, bob):
    """The filter's name would tell the title of any number."""
    for name in ("song", "artist", "album"):
        pk = own.pk if name == "song" else getattr(own, f"{name}_id")
        address = f"/library/history/?{name}={pk}"
        assert str(getattr(own, name, own)) in sign_in(alice.user).get(address).content.decode()
        page = sign_in(bob.user).get(address).content.decode()
        assert not {TITLE, ARTIST, ALBUM} & {
            word for word in (TITLE, ARTIST, ALBUM) if word in page
        }


SEARCHES = [
    "/browse/",
    "/browse/?q=kellerband",
    "/browse/?q=nur+MEINS",
    "/browse/?q=nur+meinz",
    "/browse/?q=Demo+Nummer",
    "/search/suggestions/?q=Keller",
    "/try/?q=keller&search=1",
    "/path/?q=keller",
    "/api/v1/songs/",
    "/api/v1/songs/?search=nur",
    "/api/v1/artists/",
    "/api/v1/artists/?search=keller",
]


def test_searches_and_lists_of_others_are_as_if_it_were_not_there(own, alice, bob, songs):
    names = (TITLE, ARTIST, ALBUM)
    for path in SEARCHES:
        for browser in (sign_in(bob.user), Client()):
            answer = browser.get(path)
            text = answer.content.decode().replace(path.partition("=")[2], "")
            assert answer.status_code in (200, 302), path
            assert not any(f">{name}<" in text or f'"{name}"' in text for name in names), path
    pages = [sign_in(alice.user).get(path).content.decode() for path in SEARCHES[1:5]]
    assert all(any(name in text for name in names) for text in pages)


def test_counts_leave_it_out_for_others(own, alice, bob):
    counted = [
        {row["name"]: row["n_songs"] for row in caller.get("genres/").body["results"]}[GENRE]
        for caller in (alice, bob)
    ]
    assert counted == [1, 0]


def test_writes_of_others_do_not_find_it(own, alice, bob):
    """A write that has only the id does not make it public either."""
    assert bob.client.put(f"/api/v1/songs/{own.key}/like/").status_code == 404
    batch = bob.post("interactions/batch/", {"interactions": [{"song": own.key, "kind": "like"}]})
    assert (batch.body["added"], len(batch.body["rejected"])) == (0, 1)
    feedback = Caller(bob.user, scopes=["listen"], prefix="/1/").post(
        "feedback/recording-feedback", {"recording_mbid": MBID, "score": 1}
    )
    assert feedback.status == 400
    answer = bob.post("playlists/", {"title": "x", "songs": [own.key]})
    assert answer.status == 400
    assert find_song(SongRecord(0, TITLE, ARTIST), bob.user) is None
    assert find_song(SongRecord(0, TITLE, ARTIST), alice.user) == own
    own.refresh_from_db()
    assert own.brought_by == alice.user


def test_programs_of_others_do_not_find_it(own, alice, bob):
    def call(caller: Caller, tool: str, **arguments):
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        }
        answer = caller.client.post("/mcp", body, content_type="application/json")
        return answer.json()["result"]

    assert call(alice, "search", query="keller")["structuredContent"]["songs"]
    assert call(bob, "search", query="keller")["structuredContent"]["songs"] == []
    assert call(bob, "why", song_id=own.key)["isError"]
    assert Client().get(f"/labs/similar-recordings/json?recording_mbids={MBID}").json() == []


def test_the_second_listener_who_brings_it_opens_it_for_all(own, bob):
    assert send_listen(bob) == own
    own.refresh_from_db()
    assert own.brought_by is None
    assert Client().get(f"/songs/{own.pk}/").status_code == 200


def test_an_operator_opens_it_for_all_by_listening_and_by_a_file(own, olga, alice):
    other = send_listen(alice, "Auch meins")
    send_listen(olga)
    SongResolver(numbered=True).resolve([SongRecord(1, "Auch meins", ARTIST)])
    for song in (own, other):
        song.refresh_from_db()
        assert song.brought_by is None
    assert send_listen(olga, "Vom Haus").brought_by is None


def test_the_owner_s_own_rows_keep_it_theirs(own, alice):
    interactions.like_song(alice.user, own, source="x")
    send_listen(alice)
    own.refresh_from_db()
    assert own.brought_by == alice.user


def test_it_goes_with_the_account(own, alice, bob):
    kept = send_listen(alice, "Unser")
    send_listen(bob, "Unser")
    services.delete_account(alice.user)
    assert list(Song.objects.values_list("title", flat=True)) == ["Unser"] == [kept.title]
    assert Artist.objects.filter(name=ARTIST).exists() and Album.objects.exists()
    services.delete_account(bob.user)
    assert not Song.objects.filter(brought_by__isnull=False).exists()


def test_a_song_of_the_operator_stays_when_its_only_listener_goes(alice, songs):
    interactions.like_song(alice.user, songs[0], source="x")
    services.delete_account(alice.user)
    assert Song.objects.filter(pk=songs[0].pk).exists()


def test_an_import_s_songs_are_the_listener_s_own(alice, bob, settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path
    text = f"artist,album,track,date\n{ARTIST},,{TITLE},01 Jan 2024 12:00\n"
    for caller in (alice, bob):
        run = import_requests.request_import(
            caller.user, SimpleUploadedFile("lastfm.csv", text.encode())
        )
        import_jobs.run_import(run.pk)
        song = Song.objects.get(title=TITLE)
        assert song.brought_by == (alice.user if caller is alice else None)


def test_a_song_that_the_operator_has_as_a_file_outlives_the_import_that_brought_it(
    alice, settings, tmp_path
):
    settings.UPLOADS_DIR = tmp_path
    text = f"artist,album,track,date\n{ARTIST},,{TITLE},01 Jan 2024 12:00\n"
    run = import_requests.request_import(
        alice.user, SimpleUploadedFile("lastfm.csv", text.encode())
    )
    import_jobs.run_import(run.pk)
    song = Song.objects.get(title=TITLE)
    folder = MusicFolder.objects.create(path=str(tmp_path))
    MusicFile.objects.create(folder=folder, path="1.flac", song=song)
    services.delete_account(alice.user)
    assert Song.objects.filter(pk=song.pk).exists()


def test_a_song_in_the_operator_s_file_outlives_the_import_that_brought_it(
    alice, settings, tmp_path
):
    settings.UPLOADS_DIR = tmp_path
    text = f"artist,album,track,date\n{ARTIST},,{TITLE},01 Jan 2024 12:00\n"
    run = import_requests.request_import(
        alice.user, SimpleUploadedFile("lastfm.csv", text.encode())
    )
    import_jobs.run_import(run.pk)
    SongResolver(numbered=True).resolve([SongRecord(1, TITLE, ARTIST)])
    services.delete_account(alice.user)
    assert Song.objects.filter(title=TITLE).exists()


# --- Databases of before ----------------------------------------------------------------------------------------------


def find_songs_of_before() -> set[str]:
    """Run the migration's search on a database without own songs; return the titles it finds."""
    migration = importlib.import_module("catalog.migrations.0024_find_songs_of_one_listener")
    Song.objects.update(brought_by=None)
    migration.find_songs(apps, SimpleNamespace(connection=connection))
    return set(Song.objects.filter(brought_by__isnull=False).values_list("title", flat=True))


def test_an_old_database_tells_whose_songs_are_whose(alice, bob, olga, songs):
    for caller in (alice, bob, olga):
        caller.user.set_password("quite-some-words-9")
        caller.user.save()
    for title in (
        "Mine",
        "Ours",
        "In a list of Bob's",
        "In a folder",
        "Of a file of many",
        "Unheard",
    ):
        send_listen(alice, title)
    send_listen(bob, "Ours")
    send_listen(olga, "Olga's")
    named = {song.title: song for song in Song.objects.all()}
    edit.create_playlist(bob.user, "x", songs=[named["In a list of Bob's"]])
    folder = MusicFolder.objects.create(path="/music")
    MusicFile.objects.create(folder=folder, path="a.mp3", song=named["In a folder"])
    run = ImportRun.objects.create(content="listens", format="csv", file_name="many.csv")
    Song.objects.filter(title="Of a file of many").update(import_run=run)
    named["Unheard"].interactions.all().delete()
    interactions.like_song(alice.user, songs[0], source="x")
    assert find_songs_of_before() == {"Mine"}
    assert Song.objects.get(title="Mine").brought_by == alice.user


def test_listeners_that_came_with_a_file_of_the_operator_s_own_nothing(alice):
    send_listen(alice, "Theirs")
    alice.user.set_unusable_password()
    alice.user.save()
    assert find_songs_of_before() == set()


# --- Lists ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_ids(world):
    """Every fourth song is Alice's own, and the model has learned it from all who liked it."""
    own = world.songs[::4]
    Song.objects.filter(pk__in=[song.pk for song in own]).update(brought_by=world.alice.user)
    exclusions.clear_masks()
    return {song.pk for song in own}


def list_ids(songs) -> set[int]:
    return {getattr(one, "song", one).pk for one in songs}


def test_the_model_knows_it_and_no_list_of_others_shows_it(world, own_ids):
    other = User.objects.get(username="listener_3")
    about = world.songs[1]
    nobody = ListenerContext()
    lists = {
        "recommended": recommend.recommend_songs(other, 40),
        "new listener": recommend.recommend_songs(User.objects.create_user("new"), 40),
        "visitor": visitor_lists.recommend_from_songs([about], 40),
        "similar": similar_songs.find_similar(about, 40),
        "similar to theirs": similar_songs.find_similar(about, 40, context=ListenerContext(other)),
        "without a model": popularity_fallback.serve_without_model(40, nobody.unwanted),
        "trending": Song.objects.filter(
            pk__in=[int(item.item_id) for item in home.draft_trending(nobody).unpack().items]
        ),
        "top of an artist": related_artists.list_best_known(world.songs[0].artist, other, 40),
    }
    shown = {name: list_ids(songs) & own_ids for name, songs in lists.items()}
    assert {name for name, ids in shown.items() if ids} == set()
    assert all(
        len(songs) for name, songs in lists.items() if name not in ("trending", "top of an artist")
    )


def test_the_owner_misses_nothing(world, own_ids):
    """A site of one listener is as it was: similar songs, the artist's best and what is popular hold their own."""
    alice, about = world.alice.user, world.songs[1]
    context = ListenerContext.about_music(alice)
    before = 40 - 1
    assert len(similar_songs.find_similar(about, 40, context=context)) == before
    assert list_ids(related_artists.list_best_known(world.songs[0].artist, alice, 40)) & own_ids
    popular = popularity_fallback.list_most_played(40, ListenerContext(alice).unwanted)
    assert own_ids <= {song.pk for song, _n in popular} | set(
        alice.interactions.filter(kind=2).values_list("song", flat=True)
    )


def test_a_song_named_as_a_reason_is_one_that_the_reader_may_see(world, own_ids):
    """The seed songs of a visitor's picks are none of another listener's own songs."""
    artist = world.songs[0].artist
    served = visitor_lists.recommend_from_picks(Picks(artists=[artist]), 20)
    named = {int(reference.item_id) for item in served for reference in item.explanation.named}
    assert named.isdisjoint(own_ids)
