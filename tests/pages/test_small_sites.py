"""Small sites: whatever a page says about a song is so in the database."""

import html
import random
import re
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from scipy.sparse import csr_matrix

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.models import Album, Artist, Genre, Interaction, Playlist, PlaylistItem, Song
from catalog.statistics import sums
from recommendations.engine import Labels, Prior, SeedPack
from recommendations.models import ListenerControl
from recommendations.services.reasons import feature_words
from recommendations.services.seeds import beyond_index, seed_packs
from recommendations.services.surfaces import (
    artist_variety,
    blends,
    generated_playlists,
    home,
    repeats,
)
from recommendations.services.training import pipeline, training_requests
from recommendations.services.version_reports import model_comparison

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
KINDS = [Interaction.Kind.PLAY, Interaction.Kind.LIKE]
# (listeners, features, genres, albums, preset); those of SEEDED know what listeners elsewhere play
WORLDS = [
    (1, False, False, False, "standard"), (1, False, True, True, "standard"), (1, True, True, False, "classic"),
    (2, False, True, False, "classic"), (2, True, False, True, "standard"), (3, False, False, True, "standard"),
    (3, True, True, True, "classic"), (4, False, False, False, "standard"), (5, False, True, True, "tuned"),
    (5, True, False, False, "classic"), (8, True, True, False, "standard"), (10, False, False, False, "classic"),
    (12, False, True, True, "standard"), (16, True, False, True, "standard"), (20, True, True, True, "tuned"),
    (20, False, True, False, "standard"),
]  # fmt: skip
SEEDED = [
    (1, False, False, True, "standard"), (1, False, True, True, "standard"), (1, True, False, False, "standard"),
    (2, False, False, False, "standard"), (2, True, True, True, "standard"), (3, False, True, False, "tuned"),
    (4, True, False, True, "standard"), (5, False, False, True, "standard"), (6, False, True, True, "standard"),
    (8, False, False, False, "standard"), (10, True, True, True, "standard"), (12, False, False, True, "standard"),
    (16, False, True, False, "standard"), (20, True, True, True, "standard"),
]  # fmt: skip
LEAST_SITES = 30


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    settings.DATA_DIR = tmp_path / "data"
    cache.clear()


def make_site(n_listeners: int, has_features: bool, has_genres: bool, has_albums: bool) -> None:
    """Fill the database: 60 songs of 15 artists, and listeners who each play about 20 of them."""
    rng = random.Random(n_listeners)
    genres = [Genre.objects.create(name=name) for name in ("Fado", "Dub", "Polka")]
    for index in range(15):
        artist = Artist.objects.create(name=f"Band {index}")
        album = Album.objects.create(title=f"Album {index}", artist=artist) if has_albums else None
        for number in range(4):
            sound = {}
            if has_features and index % 5:
                names = ("energy", "instrumentalness", "valence", "danceability", "speechiness")
                sound = {name: rng.random() * rng.choice((0.02, 1)) for name in names} | {
                    "tempo": 90 + index
                }
            song = Song.objects.create(
                key=f"s{index}_{number}",
                title=f"Tune {index}-{number}",
                artist=artist,
                album=album,
                **sound,
            )
            if has_genres:
                song.genres.add(genres[index % 3])
    songs = list(Song.objects.order_by("pk"))
    now = timezone.now()
    for number in range(n_listeners):
        listener = User.objects.create_user(f"listener_{number}")
        # some songs were played often, some time ago
        Interaction.objects.bulk_create(
            Interaction(
                listener=listener, song=song, kind=Interaction.Kind.PLAY, source="x", plays=1,
                occurred_at=now - timedelta(days=40 + 3 * play, minutes=1 + index),
            )
            for index, song in enumerate(songs[number : number + 6])
            for play in range(6)
        )  # fmt: skip
        for song in rng.sample(songs[: 30 + number], 18):
            kind = Interaction.Kind.LIKE if rng.random() < 0.3 else Interaction.Kind.PLAY
            moment = now - timedelta(days=rng.randrange(1, 90))
            Interaction.objects.create(
                listener=listener, song=song, kind=kind, source="x", occurred_at=moment, plays=1
            )
        sums.mark_everything(listener)
        sums.refresh_sums(listener)


def load_pack() -> SeedPack:
    """Bring in what 20 listeners elsewhere heard: the songs of this site, and three that it lacks."""
    rng = np.random.default_rng(1)
    songs = list(Song.objects.select_related("artist").order_by("pk"))
    keys = [seed_packs.get_key(song) for song in songs] + [f"name:far{n}" for n in range(3)]
    names = [(song.title, song.artist.name) for song in songs]
    names += [(f"Far {n}", f"Foreign {n}") for n in range(3)]
    group = np.arange(len(keys)) % 4
    heard = csr_matrix((group[None, :] == rng.integers(0, 4, 80)[:, None]).astype(np.float32))
    prior = Prior.count(heard, np.array(keys))
    kept = [keys.index(key) for key in prior.keys]
    labels = Labels(
        [names[row][0] for row in kept],
        [names[row][1] for row in kept],
        [""] * len(kept),
        [f"Album of {names[row][0]}" for row in kept],
        [""] * len(kept),
    )
    pack = SeedPack(prior, {}, {"source": "a test", "licence": "none"}, labels)
    seed_packs.install_made_pack(pack)
    beyond_index.rebuild_index()
    return pack


class Truth:
    """Checks one sentence about one song against the database."""

    def __init__(self, listener: User) -> None:
        self.listener = listener
        self.mine = Song.objects.filter(
            pk__in=Interaction.objects.filter(listener=listener, kind__in=KINDS).values("song_id")
        )

    def listeners(self, *songs: Song) -> set[int]:
        """Return who played or liked all of these songs."""
        heard = Interaction.objects.filter(kind__in=KINDS)
        return set.intersection(
            *(set(heard.filter(song=song).values_list("listener_id", flat=True)) for song in songs)
        )

    def holds(self, sentence: str, song: Song, about: Song | None = None) -> bool:
        """Return whether the sentence is so; one of unknown form is not."""
        if sentence in ("From this library", "Other signals", "Chosen for you", ""):
            return True
        if sentence == "From your history":
            return self.mine.filter(pk=song.pk).exists()
        if sentence == "Personalized pick based on your listening history":
            return self.mine.exists()
        if sentence.endswith("%)"):
            # the parts of a bar, each with its share
            return all(
                self.holds(re.sub(r" \(\d+%\)$", "", clause), song, about)
                for clause in sentence.split(" + ")
            )
        for form, check in FORMS:
            match = re.fullmatch(form, sentence)
            if match:
                return check(self, song, about, *match.groups())
        return False

    def popular(self, song, about, count) -> bool:
        return 3 <= int(count) <= len(self.listeners(song))

    def is_listed(self, song, about, title, artist) -> bool:
        return self.mine.filter(title=title, artist__name=artist).exists()

    def group(self, song, about, count, artist) -> bool:
        return 2 <= int(count) <= self.mine.filter(artist__name=artist).count()

    def shares_artist(self, song, about) -> bool:
        return self.mine.filter(artist=song.artist).exists()

    def artist(self, song, about, verb) -> bool:
        mine = self.mine.filter(artist=song.artist)
        return mine.exists() and self.has_played(mine) == (verb == "play")

    def artist_songs(self, song, about, verb, count, artist) -> bool:
        mine = self.mine.filter(artist__name=artist)
        n_played = sum(self.has_played(mine.filter(pk=one.pk)) for one in mine)
        verbs = {mine.count(): "play", 0: "like"}
        right = verbs.get(n_played, "play or like")
        return (song.artist.name, mine.count(), right) == (artist, int(count), verb)

    def genre(self, song, about, name, verb) -> bool:
        mine = self.mine.filter(genres__name=name)
        is_so = song.genres.filter(name=name).exists() and mine.exists()
        return is_so and self.has_played(mine) == (verb == "play")

    def has_played(self, songs) -> bool:
        plays = Interaction.objects.filter(listener=self.listener, kind=Interaction.Kind.PLAY)
        return plays.filter(song__in=songs).exists()

    def same_artist(self, song, about) -> bool:
        return about is not None and song.artist == about.artist

    def same_album(self, song, about) -> bool:
        return about is not None and song.album is not None and song.album == about.album

    def same_genre(self, song, about, name, features=None) -> bool:
        both = all(one.genres.filter(name=name).exists() for one in (song, about))
        return both and (features is None or self.alike(song, about, features))

    def alike(self, song, about, features) -> bool:
        matches = feature_words.compare_features(song, about)
        return bool(matches) and feature_words.name_features(matches) == features

    def alike_named(self, song, about, features, title) -> bool:
        return self.alike(song, self.mine.get(title=title), features)

    def alike_taste(self, song, about, features) -> bool:
        values = [value for value in song.audio_features.values() if value is not None]
        return bool(values) and any(
            max(one.audio_features.values(), key=lambda v: v or 0) for one in self.mine
        )

    def same_listeners(self, song, about, features=None) -> bool:
        is_crowd = about is not None and len(self.listeners(song, about)) >= 3
        return is_crowd and (features is None or self.alike(song, about, features))

    def has_sound(self, song, about) -> bool:
        return any(value is not None for value in song.audio_features.values())

    def like_mine(self, song, about, agreeing) -> bool:
        is_listed = set(re.split(", | and ", agreeing))
        checks = {"artist": self.shares_artist, "sound": self.has_sound}
        genres = self.mine.filter(genres__in=song.genres.all())
        return all(
            genres.exists() if what == "genre" else checks[what](song, about) for what in is_listed
        )

    def neighbours(self, song, about) -> bool:
        return len(self.listeners(song) - {self.listener.pk}) >= 3

    def anything(self, song, about) -> bool:
        return about is not None

    def elsewhere(self, song, about) -> bool:
        pack = seed_packs.find_pack()
        return pack is not None and seed_packs.get_key(song) in pack.prior.keys

    def my_plays(self, song: Song) -> list:
        plays = Interaction.objects.filter(
            listener=self.listener, song=song, kind=Interaction.Kind.PLAY
        )
        return [
            moment.astimezone(get_time_zone(self.listener)).date()
            for moment in plays.values_list("occurred_at", flat=True)
        ]

    def holds_played(self, song, about, count, day) -> bool:
        days = self.my_plays(song)
        return len(days) == int(count) and date_format(max(days), "DATE_FORMAT") == day

    def matches_day(self, song, about, count, day) -> bool:
        days = self.my_plays(song)
        return len(days) == int(count or 1) and date_format(max(days), "DATE_FORMAT") == day

    def holds_played_weeks(self, song, about, count, weeks) -> bool:
        days = self.my_plays(song)
        ago = (timezone.localdate() - max(days)).days / 7
        return len(days) == int(count or 1) and (weeks is None or abs(ago - int(weeks)) <= 1)

    def holds_liked(self, song, about) -> bool:
        mine = Interaction.objects.filter(listener=self.listener, song=song)
        return mine.filter(kind=Interaction.Kind.LIKE).exists()


FORMS = [
    (r"Popular with (\d+) listeners", Truth.popular),
    (r"Trending: (\d+) listeners lately", Truth.popular),
    (r"(?:Because of|Goes with) “(.*)” by (.*?)(?: and more)?", Truth.is_listed),
    (r"Goes with (\d+) songs by (.*)", Truth.group),
    (r"By an artist you (play|like)", Truth.artist),
    (r"You (play|like|play or like) (\d+) songs? by (.*)", Truth.artist_songs),
    (r"More of the genre (.*) you (play|like)", Truth.genre),
    (r"By the same artist", Truth.same_artist),
    (r"From the same album", Truth.same_album),
    (r"Also (\w+)(?:, similar (.*))?", Truth.same_genre),
    (r"Played by the same listeners(?:, similar (.*))?", Truth.same_listeners),
    (r"Goes with this song", Truth.anything),
    (r"Similar (.*) to what you like", Truth.alike_taste),
    (r"Similar (.*) to “(.*)”", Truth.alike_named),
    (r"Similar (.*)", Truth.alike),
    (r"Matches your taste in audio features", Truth.has_sound),
    (r"Like your music in (.*)", Truth.like_mine),
    (r"Played by listeners like you", Truth.neighbours),
    (r"Heard by listeners elsewhere(?: together with your music)?", Truth.elsewhere),
    (r"Played (\d+) times?, last on (.*)", Truth.holds_played),
    (r"You played it (?:once|(\d+) times?),(?: last)? on (.*)\.", Truth.matches_day),
    (
        r"You played it (?:once|(\d+) times?)(?:,(?: last)? (\d+) weeks? ago)?",
        Truth.holds_played_weeks,
    ),
    (r"You like it", Truth.holds_liked),
]
CARD = re.compile(
    r'<article class="card" id="([\w-]*?)song-(\d+)">.*?<p class="why-line">(.*?)</p>', re.DOTALL
)


def lies_of_cards(page: str, truth: Truth, about: Song | None) -> list[str]:
    """Return what the cards of a page say that is not so, and causes that more than two cards of a list name."""
    liked = re.search(r"Because you liked “(.*?)”", html.unescape(page))
    liked_song = Song.objects.get(title=liked[1]) if liked else None
    lies, is_listed = [], Counter()
    for prefix, song_id, line in CARD.findall(page):
        song, claim = Song.objects.get(pk=song_id), html.unescape(line).strip()
        compared = about if prefix == "similar-" else liked_song if prefix == "because-" else None
        if not truth.holds(claim, song, compared):
            lies.append(f"{prefix}{song}: {claim}")
        cause = re.match(
            r"(?:(?:Because of|Goes with) “|You (?:play|like|play or like) \d+ songs? by )(.*)",
            claim,
        )
        is_listed[prefix, cause[1] if cause else None] += cause is not None
    return lies + [f"{cause} on {n} cards" for cause, n in is_listed.items() if n > 2]


def lies_of_why(page: str, song: Song, truth: Truth) -> list[str]:
    """Return the parts of the why page's sentence, and its count of listeners, that are not so."""
    page = html.unescape(page)
    claims = re.findall(r'<p class="soft popularity">(.*?)</p>', page)
    claims += re.findall(r"<span><strong>([^<]*)</strong><br>", page)
    return [f"why {song}: {one}" for one in claims if not truth.holds(one.strip(), song)]


def lies_of_notes(rows: list[tuple[Song, str]], truth: Truth, where: str) -> list[str]:
    """Return the reasons of songs that are not so."""
    return [f"{where} {song}: {claim}" for song, claim in rows if not truth.holds(claim, song)]


def lies_of_playlists(listener: User, client: Client, truth: Truth) -> tuple[int, list[str]]:
    """Check every reason of the week's lists as their pages show it; return how many there were."""
    n_checked, lies = 0, []
    for playlist in Playlist.objects.filter(owner=listener):
        page = html.unescape(client.get(f"/playlists/{playlist.pk}/").content.decode())
        for item in playlist.items.select_related("song__artist"):
            assert item.reason in page
            n_checked += bool(item.reason)
            lies += lies_of_notes([(item.song, item.reason)], truth, playlist.title)
    return n_checked, lies


def lies_of_queues(listener: User, truth: Truth) -> tuple[int, list[str]]:
    """Check the reasons of what comes next and of what was forgotten."""
    served = repeats.list_next_up(listener)
    queue, why = served.songs, served.write_reasons()
    rows = [(one.song, why[one.song.pk]) for one in queue]
    lies = lies_of_notes(rows, truth, "next up")
    lies += [f"{one.song} is new" for one in queue if one.is_new == bool(truth.my_plays(one.song))]
    again = repeats.rediscover(listener, 12)
    return len(rows) + len(again), lies + lies_of_notes(
        [(one.song, one.reason) for one in again], truth, "rediscover"
    )


def lies_of_album(page: str, album: Album, listener: User) -> list[str]:
    """Check how many songs and plays the page of an album says."""
    mine = Interaction.objects.filter(
        listener=listener, song__album=album, kind=Interaction.Kind.PLAY
    )
    counted = re.search(r"played (\d+) times? by you", page)
    lies = [] if f"{album.songs.count()} songs" in page else [f"songs of {album}"]
    return lies + (
        []
        if int(counted[1] if counted else 0) == mine.count()
        else [f"plays of {album}: {counted}"]
    )


def lies_of_statistics(page: str, listener: User) -> list[str]:
    """Check the totals of all time."""
    mine = Interaction.objects.filter(listener=listener, kind=Interaction.Kind.PLAY)
    page = " ".join(page.split())
    truth = {
        "plays in all": mine.count(),
        "different songs": mine.values("song").distinct().count(),
        "different artists": mine.values("song__artist").distinct().count(),
    }
    return [
        f"{n} {what}" for what, n in truth.items() if f"<strong>{n}</strong> {what}" not in page
    ]


def lies_of_beyond(page: str, pack: SeedPack, truth: Truth) -> tuple[int, list[str]]:
    """Check each song and album to look for: not here, and so many elsewhere played it with a song of mine.

    Each album of this pack holds one song.
    """
    names = list(zip(pack.labels.titles, pack.labels.artist_names, strict=True))
    rows = re.findall(
        r'<p class="title" dir="auto">(?:Album of )?(.*?) <span class="soft">(.*?)</span></p>\s*'
        r'<p class="meta">(\d+) listeners? elsewhere played (?:it|a song on it) together with “(.*?)” by (.*?)\.</p>',
        html.unescape(page),
    )
    lies = []
    for title, artist, n, other, by in rows:
        together = pack.prior.together.maximum(pack.prior.together.T)
        counted = together[names.index((title, artist)), names.index((other, by))]
        if int(n) != int(counted) or not truth.is_listed(None, None, other, by):
            lies.append(f"{title}: {n} with {other}, not {counted}")
        if Song.objects.filter(title=title, artist__name=artist).exists():
            lies.append(f"{title} is here")
    return len(rows), lies


def lies_of_blend(listener: User, client: Client, truth: Truth) -> tuple[int, list[str]]:
    """Check the reasons that a blend with another listener gives to this one."""
    other = User.objects.exclude(pk=listener.pk).order_by("pk").first()
    if other is None:
        return 0, []
    blend = blends.create_blend(listener, "Kitchen")
    blends.invite_listener(blend, listener, other.username)
    blends.join_blend(blend, other)
    page = html.unescape(client.get(f"/blends/{blend.pk}/").content.decode())
    rows = []
    for row in page.split("<li"):
        song, claim = (
            re.search(r'href="/songs/(\d+)/"', row),
            re.search(r"For you: (.*?)\s*</p>", row, re.DOTALL),
        )
        if song and claim:
            rows.append((song[1], claim[1]))
    songs = Song.objects.in_bulk([int(pk) for pk, _said in rows])
    return len(rows), lies_of_notes(
        [(songs[int(pk)], claim.strip()) for pk, claim in rows], truth, "blend"
    )


def test_there_are_thirty_sites_and_each_is_another():
    sites = [*WORLDS, *((*world, "seeded") for world in SEEDED)]
    assert len(set(sites)) == len(sites) >= LEAST_SITES


@pytest.mark.parametrize(
    ("world", "is_seeded"),
    [*((world, False) for world in WORLDS), *((world, True) for world in SEEDED)],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else str(value),
)
def test_every_sentence_holds_in_the_database(world, is_seeded, settings):
    """It said “Popular with 0 listeners” five times on a site of one listener, and “audio features” without any."""
    *size, preset = world
    make_site(*size)
    pack = load_pack() if is_seeded else None
    listener = User.objects.get(username="listener_0")
    truth, client = Truth(listener), Client()
    client.force_login(listener)
    lies = lies_of_cards(client.get("/").content.decode(), truth, None)
    run = training_requests.request_training(
        preset=preset, trigger="command", options={"evaluate": False, "precompute": False}
    )
    run = pipeline.run_training(run.pk)
    assert run.status == "succeeded", run.error
    songs = list(Song.objects.order_by("pk"))[::7]
    pages = {"/": None, "/mixes/1/": None, "/taste/": None, f"/artists/{songs[0].artist_id}/": None}
    pages |= {f"/home/{section}/": None for section in home.SECTIONS}
    pages |= {f"/songs/{song.pk}/": song for song in songs}
    n_cards: Counter[str] = Counter()
    for path, about in pages.items():
        page = client.get(path).content.decode()
        n_cards[path.split("/")[1]] += len(CARD.findall(page))
        lies += lies_of_cards(page, truth, about)
    for song in songs:
        lies += lies_of_why(client.get(f"/songs/{song.pk}/why/").content.decode(), song, truth)
    for album in Album.objects.all()[:3]:
        lies += lies_of_album(client.get(f"/albums/{album.pk}/").content.decode(), album, listener)
    lies += lies_of_statistics(
        client.get("/library/listening/?period=all").content.decode(), listener
    )
    n_notes = {}
    for name, (n, found_lies) in {
        "weekly": lies_of_playlists(listener, client, truth),
        "queues": lies_of_queues(listener, truth),
        "blend": lies_of_blend(listener, client, truth),
        "beyond": lies_of_beyond(client.get("/library/beyond/").content.decode(), pack, truth)
        if pack
        else (0, []),
    }.items():
        n_notes[name] = n
        lies += found_lies
    assert not lies, "\n".join(lies)
    # nothing passes because nothing is said
    assert n_cards[""] >= 12 and n_cards["home"] >= 12 and n_cards["songs"] >= 20
    assert n_notes["weekly"] > 5 and n_notes["queues"] > 5
    assert n_notes["blend"] > 3 or size[0] == 1
    assert n_notes["beyond"] > 0 or pack is None


def test_what_changed_in_the_week_is_so_in_the_database():
    """A song of last week's discovery that was played since is named with that; one that is new was not there."""
    make_site(3, False, True, True)
    run = training_requests.request_training(
        preset="standard", trigger="command", options={"evaluate": False, "precompute": False}
    )
    assert pipeline.run_training(run.pk).status == "succeeded"
    listener = User.objects.get(username="listener_0")
    truth = Truth(listener)
    last_week = Playlist.objects.create(
        owner=listener, title="Last week", kind=Playlist.Kind.WEEKLY_DISCOVERY,
        period=generated_playlists.format_week(timezone.localdate() - timedelta(days=7)),
    )  # fmt: skip
    played = truth.mine.distinct()[:2]
    hidden = Song.objects.exclude(pk__in=truth.mine.values("pk")).last()
    ListenerControl.objects.create(
        listener=listener, song=hidden, kind=ListenerControl.Kind.HIDE_SONG
    )
    for position, song in enumerate([*played, hidden], start=1):
        PlaylistItem.objects.create(playlist=last_week, song=song, position=position)
    client = Client()
    client.force_login(listener)
    page = html.unescape(client.get("/").content.decode())
    panel = page.split('class="panel changes"')[1].split("</details>")[0]
    rows = re.findall(
        r'href="/songs/(\d+)/".*?(?:<span class="soft small">(.*?)</span>)?</li>', panel, re.DOTALL
    )
    claims = {Song.objects.get(pk=int(pk)): text for pk, text in rows}
    now = Playlist.objects.get(owner=listener, kind="weekly-discovery", title__startswith="Weekly")
    for song in played:
        assert claims[song] in (
            "You played it, so it is no longer new to you.",
            "You liked it, so it is no longer new to you.",
        )
    assert claims[hidden] == "You took it out of your recommendations."
    entered = [song for song in claims if song not in (*played, hidden)]
    assert entered
    for song in entered:
        assert now.items.filter(song=song).exists()
        assert truth.holds(claims[song].strip(), song), claims[song]


def test_figures_of_a_few_listeners_are_not_shown():
    """NDCG was 1.000 on a site of one listener."""
    make_site(2, False, True, True)
    run = pipeline.run_training(
        training_requests.request_training(preset="classic", trigger="command").pk
    )
    assert run.status == "succeeded", run.error
    version = run.version
    assert version.metrics["report"]["n_listeners"] <= 2
    assert model_comparison.summarise_headline(version) is None
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    page = client.get(f"/admin/recommendations/modelversion/{version.pk}/change/").content.decode()
    assert "Not measurable yet" in page
    assert (
        "not measurable yet" in client.get("/admin/recommendations/modelversion/").content.decode()
    )
    assert "1.000" not in page.split("<details>")[0]


def test_no_section_is_one_artist_alone():
    """A model of one listener put twelve songs of one artist first, and songs like one were all by its artist."""
    make_site(1, False, True, True)
    run = pipeline.run_training(training_requests.request_training(trigger="command").pk)
    assert run.status == "succeeded", run.error
    client = Client()
    client.force_login(User.objects.get(username="listener_0"))
    for path, section in (
        ("/", "made-"),
        (f"/songs/{Interaction.objects.first().song_id}/", "similar-"),
    ):
        page = client.get(path).content.decode()
        ids = [int(song_id) for prefix, song_id, _line in CARD.findall(page) if prefix == section]
        artists = Counter(Song.objects.filter(pk__in=ids).values_list("artist_id", flat=True))
        assert len(ids) >= 6, path
        assert max(artists.values()) <= artist_variety.MOST_OF_ARTIST, path
