"""Which song a record means: ids are believed where names agree, and names where nothing speaks against them."""

import uuid
from pathlib import Path

import pytest
from django.db import transaction

from catalog.curation import merge
from catalog.imports import import_jobs
from catalog.models import Artist, ArtistCredit, Song, SongAlias
from catalog.records import SongRecord
from catalog.songs import resolver, search
from catalog.songs.resolver import SongResolver
from catalog.songs.search import SongSearch

pytestmark = pytest.mark.django_db

ONE, OTHER, ARTIST_ID = (str(uuid.UUID(int=n + 2**100)) for n in range(3))
CASES = Path(__file__).parents[1] / "cases"


def record(title: str, artist: str = "Mara Bug", **details) -> SongRecord:
    return SongRecord(1, title, artist, **details)


def resolve(*records: SongRecord) -> list[int | None]:
    """Resolve records as an import does, together."""
    batch = SongResolver()
    batch.prepare(records)
    with transaction.atomic():
        return batch.resolve(records).ids


def hear(*records: SongRecord) -> list[int | None]:
    """Resolve records as a player sends them, one by one."""
    return [resolver.find_or_add_song(one)[0].pk for one in records]


both_ways = pytest.mark.parametrize("bring", [resolve, hear], ids=["a file", "a player"])

SAME = {
    "accents and pressing": (record("Tidé"), record("Tide - 2011 Remaster")),
    "an id and another script": (record("Tide", mbid=ONE), record("Tide", "マーラ", mbid=ONE)),
    "an ISRC and a longer title": (
        record("Sonata", isrc="GBUM71029604"),
        record("Sonata in Blue", isrc="GB-UM7-10-29604"),
    ),
    "two ids, as compilations have": (record("Tide", mbid=ONE), record("Tide", mbid=OTHER)),
    "another album": (record("Tide", album="Single"), record("Tide", album="Album")),
    "another length": (
        record("Tide", duration_ms=200_000),
        record("Tide - Radio Edit", duration_ms=150_000),
    ),
    "an intro without details": (record("Intro"), record("Intro")),
    "a placeholder on one album": (
        record("Track 01", "Unknown Artist", album="Mix"),
        record("Track 01", "unknown artist", album="mix"),
    ),
    "a sonata without details": (
        record("Sonata No. 2", "L. Bug", album="Vienna"),
        record("Sonata No. 2", "L. Bug"),
    ),
    "a song that is called a sonata": (
        record("Sonata in Blue", album="Single"),
        record("Sonata in Blue", album="Album"),
    ),
    "a remaster on a deluxe edition": (
        record("Tide", mbid=ONE, album="Low"),
        record("Tide - 2011 Remaster", mbid=OTHER, album="Low (Deluxe Edition)"),
    ),
    **{
        f"an album with its disc: {album}": (
            record("Tide", mbid=ONE, album="The Wall"),
            record("Tide", mbid=OTHER, album=album),
        )
        for album in (
            "The Wall (Disc 2)",
            "The Wall [CD1]",
            "The Wall, Disc 1",
            "The Wall CD 2",
            "The Wall (Disc One)",
            "The Wall (Disc 1 of 2)",
            "The Wall CD2: Live",
        )
    },
    **{
        f"an edition of an album: {album}": (
            record("Tide", mbid=ONE, album="Low"),
            record("Tide", mbid=OTHER, album=album),
        )
        for album in (
            "Low: Deluxe Edition",
            "Low (3am Edition)",
            "Low (The Complete Edition)",
            "Low (2CD)",
            "Low (Vinyl Rip)",
            "Low (24bit-96kHz)",
            "Low (Target Exclusive)",
            "Low (International Version)",
            "Low (Edición Especial)",
            "Low (初回生産限定盤A)",
            "Low 【通常盤】",
            "Low (디럭스)",
            "Low (豪华版)",
            "Low OST",
        )
    },
    "an intro of two editions": (
        record("Intro", album="Low"),
        record("Intro", album="Low [2011 Remaster]"),
    ),
    "a name without blanks": (record("Bolt", "R.E.M."), record("Bolt", "REM")),
    **{
        f"no work of a catalogue: {title}": (
            record(title, album="Single"),
            record(title, album="Album"),
        )
        for title in (
            "Woo, I Like That",
            "Co-op Vibes",
            "Co-op 2",
            "RV Vibes",
            "Waltz in a Flatbed",
        )
    },
}
OTHERS = {
    **{
        f"another album: {album}": (
            record("Tide", mbid=ONE, album="Low"),
            record("Tide", mbid=OTHER, album=album),
        )
        for album in ("Low (Ana's Version)", "Low (Acoustic)", "Low 2", "Edition")
    },
    "one id under two titles": (record("First Title", mbid=ONE), record("Second Title", mbid=ONE)),
    "one ISRC under two names": (
        record("Alpha", "A Bug", isrc="USRC17607839"),
        record("Beta", "B Bug", isrc="USRC17607839"),
    ),
    "one id for studio and concert": (record("Tide", mbid=ONE), record("Tide (Live)", mbid=ONE)),
    "one id for two parts": (record("Ode", mbid=ONE), record("Ode, Part 2", mbid=ONE)),
    "one Spotify id under two names": (
        record("Alpha", spotify_id="a" * 22),
        record("Beta", "Other", spotify_id="a" * 22),
    ),
    "an intro of two albums": (record("Intro", album="Silent"), record("Intro", album="Heart")),
    "intros of two discs": (
        record("Intro", album="The Wall (Disc 1)"),
        record("Intro", album="The Wall (Disc 2)"),
    ),
    "other ids on the album of a concert": (
        record("Tide", mbid=ONE, album="Low"),
        record("Tide", mbid=OTHER, album="Low (Live)"),
    ),
    "an intro of two lengths": (
        record("Intro", duration_ms=118_000),
        record("Intro", duration_ms=42_000),
    ),
    "a work by two performers": (
        record("Prelude in C", "J. S. Bug", mbid=ONE, duration_ms=118_000),
        record("Prelude in C", "J. S. Bug", mbid=OTHER, duration_ms=151_000),
    ),
    "a sonata of two performers": (
        record("Sonata No. 2: I. Allegro", "L. Bug", album="Vienna 1963"),
        record("Sonata Nr. 2: I. Allegro", "L. Bug", album="Berlin 1975"),
    ),
    "a work of a catalogue on two albums": (
        record("Aria, BWV 988", "J. S. Bug", album="1955"),
        record("Aria, BWV 988", "J. S. Bug", album="1981"),
    ),
    "a work of Hoboken's catalogue on two albums": (
        record("Allegro, Hob. XVI:34", "J. Bug", album="1955"),
        record("Allegro, Hob. XVI:34", "J. Bug", album="1981"),
    ),
    "a sonata of Köchel's catalogue on two albums": (
        record("Sonata, K. 331", "W. A. Bug", album="1955"),
        record("Sonata, K. 331", "W. A. Bug", album="1981"),
    ),
    "a part of an opus on two albums": (
        record("Adagio, Op. 27b", "L. Bug", album="1955"),
        record("Adagio, Op. 27b", "L. Bug", album="1981"),
    ),
    "a work in two lengths": (
        record("Nocturne in E-flat major", "F. Bug", duration_ms=240_000),
        record("Nocturne in E-flat major", "F. Bug", duration_ms=300_000),
    ),
    "other ids and albums": (
        record("Tide", mbid=ONE, album="Here"),
        record("Tide", mbid=OTHER, album="There"),
    ),
    "other lengths and albums": (
        record("Tide", album="Here", duration_ms=100_000),
        record("Tide", album="There", duration_ms=200_000),
    ),
    "a placeholder on two albums": (
        record("Track 01", "Unknown Artist", album="One"),
        record("Track 01", "Unknown Artist", album="Two"),
    ),
    "a placeholder with an album and without": (
        record("Hit", "Various Artists", album="One"),
        record("Hit", "Various Artists"),
    ),
}


@both_ways
@pytest.mark.parametrize("name", SAME)
def test_two_records_of_one_song(bring, name):
    ids = bring(*SAME[name])
    assert ids[0] == ids[1] is not None
    assert bring(*reversed(SAME[name])) == ids


@both_ways
@pytest.mark.parametrize("name", OTHERS)
def test_two_records_of_two_songs(bring, name):
    first, second = bring(*OTHERS[name])
    assert None not in (first, second)
    assert first != second
    assert bring(*OTHERS[name]) == [first, second], "heard again they are the same two"


def test_files_and_players_agree():
    """Whatever comes first and wherever from: the batch and the single listen end at the same songs."""
    records = [one for pair in [*SAME.values(), *OTHERS.values()] for one in pair]
    together = resolve(*records)
    assert hear(*records) == together
    assert SongResolver().find(records) == together


def test_a_wrong_id_renames_nothing():
    """T74: who claims an id under another name gets a song of their own."""
    (true,) = resolve(record("Tide", mbid=ONE, artist_mbid=ARTIST_ID))
    hear(record("Evil", "Somebody Else", mbid=ONE, artist_mbid=ARTIST_ID))
    song = Song.objects.select_related("artist").get(pk=true)
    assert (song.title, song.artist.name, str(song.mbid)) == ("Tide", "Mara Bug", ONE)
    evil = Song.objects.select_related("artist").get(title="Evil")
    assert (evil.artist.name, evil.mbid, evil.artist.mbid) == ("Somebody Else", None, None)


def test_the_id_of_one_artist_is_not_believed_of_several():
    hear(record("Duo", "Mira Bug / Jon Bug", artist_mbid=ARTIST_ID))
    hear(record("Solo", "Mira Bug", artist_mbid=ARTIST_ID))
    assert Song.objects.get(title="Solo").artist.name == "Mira Bug"
    assert Song.objects.get(title="Duo").artist.name == "Mira Bug / Jon Bug"
    assert str(Artist.objects.get(name="Mira Bug").mbid or ARTIST_ID) == ARTIST_ID


def test_the_case_of_one_id_under_two_titles(django_user_model):
    listener = django_user_model.objects.create_user("ada")
    import_jobs.import_file(CASES / "lastfm-one-mbid-two-titles.csv", "history", listener=listener)
    assert set(Song.objects.values_list("title", flat=True)) == {"First Title", "Second Title"}


def test_a_song_keeps_all_ids_it_was_heard_with():
    first, second = hear(record("Tide", mbid=ONE), record("Tide", mbid=OTHER, isrc="GBUM71029604"))
    song = Song.objects.get(pk=first)
    assert (first, str(song.mbid), song.isrc) == (second, ONE, "GBUM71029604")
    assert [(alias.kind, alias.value) for alias in song.aliases.all()] == [("mbid", OTHER)]
    # the alias is as good as an own id
    assert hear(record("Tide", "Мара", mbid=OTHER)) == [first]


def test_a_known_song_learns_ids_and_its_length():
    (resolved,) = resolve(record("Tide"))
    resolve(record("Tide", mbid=ONE, spotify_id="b" * 22, isrc="GBUM71029604", duration_ms=200_000))
    song = Song.objects.get()
    assert (song.pk, str(song.mbid), song.spotify_id, song.isrc) == (
        resolved,
        ONE,
        "b" * 22,
        "GBUM71029604",
    )
    assert song.duration_ms == 200_000
    assert SongAlias.objects.count() == 0


# --- Credits ----------------------------------------------------------------------------------------------------------


def list_credits(title: str) -> list[str]:
    names = ArtistCredit.objects.filter(song__title=title).order_by("artist__name")
    return list(names.values_list("artist__name", flat=True))


@both_ways
def test_every_artist_of_a_credit_is_linked(bring):
    bring(
        record("List", "Ana Lima, Bo Berg"),
        record("Pair", "Ana Lima & Bo Berg"),
        record("Guest", "Ana Lima feat. Cy Dahl & Bo Berg"),
        record("In title (feat. Cy Dahl)", "Ana Lima"),
        record("Listed", "Dax & Fay", credit=(("Dax", ARTIST_ID), ("Fay", ""))),
    )
    assert list_credits("List") == list_credits("Pair") == ["Ana Lima", "Bo Berg"]
    assert list_credits("Guest") == ["Bo Berg", "Cy Dahl"]
    assert list_credits("In title (feat. Cy Dahl)") == ["Cy Dahl"]
    assert list_credits("Listed") == ["Dax", "Fay"]
    assert str(Artist.objects.get(name="Dax").mbid) == ARTIST_ID
    guest = Song.objects.select_related("artist").get(title="Guest")
    assert (guest.artist.name, guest.credit) == ("Ana Lima", "Ana Lima feat. Cy Dahl & Bo Berg")
    ana = Artist.objects.get(name="Ana Lima")
    assert Song.objects.by_artists([ana.pk]).count() == 4


@both_ways
@pytest.mark.parametrize(
    "name",
    ["Simon & Garfunkel", "Earth, Wind & Fire", "Tyler, The Creator", "Nick Cave & The Bad Seeds"],
)
def test_one_name_is_not_split(bring, name):
    bring(record("Tide", name))
    assert [artist.name for artist in Artist.objects.all()] == [name]
    assert ArtistCredit.objects.count() == 0


def test_parts_that_are_artists_of_their_own_are_linked():
    hear(
        record("Solo", "Dax"),
        record("Solo", "Fay"),
        record("Duo", "Dax & Fay"),
        record("Trio", "Dax, Fay & Gus"),
    )
    assert list_credits("Duo") == ["Dax", "Fay"]
    assert list_credits("Trio") == [], "nobody is called Gus here"


@both_ways
def test_an_artist_is_found_by_a_spelling_without_blanks(bring):
    bring(
        record("One", "AC/DC"),
        record("Two", "ACDC"),
        record("Three", "Ke$ha"),
        record("Four", "Kesha"),
    )
    assert sorted(Artist.objects.values_list("name", flat=True)) == ["AC/DC", "Ke$ha"]
    matches = search.search_songs(SongSearch(words="acdc"), None)
    assert sorted(song.title for song in matches) == ["One", "Two"]
    assert [artist.name for artist in search.search_artists("acdc", None)] == ["AC/DC"]


def test_what_is_stored_is_what_saving_would_store():
    hear(
        record("Guest (feat. Cy Dahl)", "Ana Lima feat. Bo"),
        record("Top", "Mara Bug - Topic"),
        record("A", "AC/DC"),
    )
    for song in Song.objects.select_related("artist"):
        stored = song.search_text, song.match_key, song.work_key
        song.update_derived()
        assert stored == (song.search_text, song.match_key, song.work_key)
    assert Song.objects.get(title="Top").credit == ""


def test_aliases_and_credits_follow_a_merge():
    first, second = resolve(
        record("Tide", mbid=ONE, album="Here"),
        record("Tide", "Mara Bug feat. Cy", mbid=OTHER, album="There"),
    )
    keeper, duplicate = Song.objects.get(pk=first), Song.objects.get(pk=second)
    merge.merge_songs(keeper, [duplicate])
    assert hear(record("Tide", mbid=OTHER)) == [first]
    assert list_credits("Tide") == ["Cy"]
