"""Names as real collections hold them: one recording, two versions of one work, or two songs; one artist or several."""

import pytest

from catalog.models import Album, ArtistCredit, Song
from catalog.names.artist_credits import find_guests, get_main_artist, split_credit
from catalog.names.artist_keys import build_artist_key
from catalog.names.song_keys import build_song_keys
from catalog.names.text import normalise
from catalog.records import SongRecord
from catalog.songs import resolver

SAME_RECORDING = [
    ("Ode - Love Theme from “Up”", "Ode"),
    ('Ode (Theme from "Up")', "Ode"),
    ("Ode (Theme from Up)", "Ode"),
    ('Ode (Music From "Up")', "Ode"),
    ('Ode (From Disney\'s "Up 2")', "Ode"),
    ("Ode [From Up The Album]", "Ode"),
    ("Sonata No. 5", "Sonata №5"),
    ("Sonata No. 5", "Sonata Nº5"),
    ("Sonata, Op. 27, No. 2 - I. Adagio", "Sonata, Op.27 No.2: I. Adagio"),
    ("Ode (Official Video Remastered)", "Ode"),
    ("Ode (Official Video) (Remastered in 4K)", "Ode"),
    ("Ode (Official Performance Video)", "Ode"),
    ("Ode (Audio Only)", "Ode"),
    ("Ode (w/ lyrics)", "Ode"),
    ("Ode [NCS Release]", "Ode"),
    ("Ode (Official Lyric Video) | Album Out Now", "Ode"),
    ("Ode (Official Live Video)", "Ode (Live)"),
    ("Ode - Live Aid", "Ode (Live)"),
    ("Ode (Live-Mitschnitt)", "Ode (Live)"),
    ("Ode (Liveversion)", "Ode (Live)"),
    ("Ode (En Concierto)", "Ode (Live)"),
    ("Ode (Bo RMX)", "Ode [Bo Remix]"),
    ("Ode (Legacy Edition)", "Ode"),
    ("Ode (Japanese Edition)", "Ode"),
    ("Ode - EP", "Ode"),
    ("10,000 Days", "10000 Days"),
    ("کتاب من", "كتاب من"),
    ("فارسی", "فارسي"),
    ("曲＜Remix＞", "曲 (Remix)"),
    ("Ode (feat. Bo) - Remix", "Ode (Remix) [feat. Bo]"),
    ("Ode (feat. Bo) - Cy Remix", "Ode (Cy Remix)"),
    ("Rock `n´ Roll", "Rock & Roll"),
    ("Ode ½", "Ode 1/2"),
    ("Ode Ⅱ", "Ode II"),
    ("\ufeffOde", "O\u200bde"),
    ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
]
SAME_WORK = [
    ("Ode (Speed Up)", "Ode"),
    ("Ode (8D Audio)", "Ode"),
    ("Ode (Slowed + Reverb)", "Ode"),
    ("Ode (Originally Performed by Bo Berg) [Karaoke Version]", "Ode"),
    ("Ode (In the Style of Bo Berg)", "Ode"),
    ("Ode (Tribute to Bo Berg)", "Ode"),
    ("Ode (My Version) (From The Vault)", "Ode"),
    ("Ode (TV Size)", "Ode"),
    ("曲 (TVサイズ)", "曲"),
    ("曲 (Off Vocal)", "曲"),
    ("曲 - From THE FIRST TAKE", "曲"),
    ("Ode - Spotify Singles", "Ode"),
    ("Ode (Re-Recording)", "Ode"),
    ("Ode (Reimagined)", "Ode"),
    ("Ode (Lo-Fi)", "Ode"),
    ("Ode (Klavierversion)", "Ode"),
    ("Ode (Voice Memo)", "Ode"),
    ("Ode (Remix) [feat. Bo]", "Ode (Remix) [feat. Cy]"),
    ("Ode (feat. Bo) - Remix", "Ode (feat. Cy) - Remix"),
    ("Ode (Remix) [feat. Bo]", "Ode"),
    ("曲〈Remix〉", "曲"),
]
OTHER_SONG = [
    ("💔 (Live)", "💋 (Live)"),
    ("?? (Live)", "!! (Live)"),
    ("÷ (Interlude)", "× (Interlude)"),
    ("Life w/o You", "Life"),
    ("Nights w/ u", "Nights"),
    ("Stay (w/ U)", "Stay"),
    ("Stay (w/o You)", "Stay"),
    ('Main Title (Theme from "Up")', 'Main Title (Theme from "Heat")'),
    ("10,000 Days", "10 Days"),
    ("+44", "44"),
    ("-1", "1"),
    ("<3", "3"),
    ("50%", "50"),
    ("Song Two", "Song 2"),
    ("Ode (Diversion)", "Ode"),
]
SAME_ARTIST = [
    ("Ana Lima/Bo Berg", "Ana Lima & Bo Berg"),
    ("Ana Lima;Bo Berg", "Ana Lima & Bo Berg"),
    ("Ana Lima con Bo Berg", "Ana Lima & Bo Berg"),
    ("Ana Lima with Bo Berg", "Ana Lima & Bo Berg"),
    ("Ana Lima e Bo Berg", "Ana Lima & Bo Berg"),
    ("リン(CV:花澤香菜)", "リン"),
    ("リン（CV：花澤香菜）", "リン (CV. 花澤香菜)"),
    ("Toten Hosen, Die", "Die Toten Hosen"),
    ("Fabulosos Cadillacs, Los", "Los Fabulosos Cadillacs"),
    ("Queen & David Bowie", "David Bowie & Queen"),
    ("周杰伦/费玉清", "周杰伦"),
    ("米津玄師, 菅田将暉", "米津玄師 × 菅田将暉"),
    ("아이유, 슈가", "아이유"),
    ("Rammstein – Thema", "Rammstein"),
    ("Soda Stereo - Tema", "Soda Stereo"),
]
OTHER_ARTIST = [
    ("Black Country, New Road", "Black Country"),
    ("Right Away, Great Captain!", "Right Away"),
    ("Sleeping with Sirens", "Sleeping"),
    ("+44", "44"),
    ("Crosby, Stills & Nash", "Crosby, Stills, Nash & Young"),
    ("Bach; Glenn Gould", "Glenn Gould"),
    ("CVBZ", "C"),
    ("神様、僕は気づいてしまった", "神様"),
    ("周杰伦", "周深"),
    ("TOMORROW X TOGETHER", "Tomorrow"),
]


@pytest.mark.parametrize(("one", "other"), SAME_RECORDING)
def test_one_recording_under_two_titles_matches(one, other):
    assert build_song_keys("A", one) == build_song_keys("A", other)


@pytest.mark.parametrize(("one", "other"), SAME_WORK)
def test_versions_are_one_work_and_two_recordings(one, other):
    keys, other_keys = build_song_keys("A", one), build_song_keys("A", other)
    assert keys.match_key != other_keys.match_key
    assert keys.work_key == other_keys.work_key


@pytest.mark.parametrize(("one", "other"), OTHER_SONG)
def test_two_songs_keep_apart(one, other):
    assert build_song_keys("A", one).work_key != build_song_keys("A", other).work_key


@pytest.mark.parametrize(("one", "other"), SAME_ARTIST)
def test_one_artist_under_two_names_matches(one, other):
    assert build_artist_key(one) == build_artist_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER_ARTIST)
def test_two_artists_keep_apart(one, other):
    assert build_artist_key(one) != build_artist_key(other)


@pytest.mark.parametrize(
    ("title", "one", "other", "is_same"),
    [
        ("Goldberg Variations: Aria", "Johann Sebastian Bach, Glenn Gould", "Johann Sebastian Bach, Lang Lang", False),
        ("Goldberg Variations: Aria", "Johann Sebastian Bach; Glenn Gould", "Glenn Gould, Johann Sebastian Bach", True),
        ("Finlandia", "Berliner Philharmoniker & Herbert von Karajan", "Berliner Philharmoniker, Simon Rattle", False),
        ("Sonata No. 2", "Ana Lima, Bo Berg", "Ana Lima, Cy Dee", False),
        ("Tide", "Ana Lima, Bo Berg", "Ana Lima", True),
        ("Tide (Remix)", "Ana Lima feat. Bo", "Ana Lima feat. Cy", False),
    ],
)  # fmt: skip
def test_the_performers_of_classical_music_tell_recordings_apart(title, one, other, is_same):
    """All but the first name were dropped, so that everybody who plays Bach played the same recording."""
    keys = [build_song_keys(artist, title).match_key for artist in (one, other)]
    assert (keys[0] == keys[1]) is is_same


@pytest.mark.parametrize(
    ("text", "guests"),
    [
        ("Ode (feat. Tyler, The Creator)", ["Tyler, The Creator"]),
        ("Ode (feat. Al$ Z, Tyler, The Creator & Bo Berg)", ["Al$ Z", "Tyler, The Creator", "Bo Berg"]),
        ("Ode (feat. Earth, Wind & Fire)", ["Earth, Wind & Fire"]),
        ("Ode (feat. Bo Berg, Cy, Di the Rapper & Lil Ed)", ["Bo Berg", "Cy", "Di the Rapper", "Lil Ed"]),
        ("Ode (feat. Bo Berg, Cy & The Wailers)", ["Bo Berg, Cy & The Wailers"]),
        ("Ode (feat. Bo Berg, The Roots & Cy Dee)", ["Bo Berg", "The Roots", "Cy Dee"]),
        ("Ode (feat. 初音ミク & 鏡音リン)", ["初音ミク", "鏡音リン"]),
        ("Ode (feat. Crosby, Stills & Nash and Bo Berg)", ["Crosby, Stills & Nash", "Bo Berg"]),
        ("Bo Berg featuring Cy Dee with Di Fox", ["Cy Dee", "Di Fox"]),
        ("リン(CV:花澤香菜)", ["花澤香菜"]),
        ("Ode w/o You", []),
        ("Ode (w/ U)", []),
    ],
)  # fmt: skip
def test_guests_are_cut_one_by_one(text, guests):
    assert find_guests(text) == guests


def test_a_credit_keeps_names_whole_that_are_one_artist():
    assert split_credit("Ana Lima, Tyler, The Creator & Simon & Garfunkel") == [
        "Ana Lima",
        "Tyler, The Creator",
        "Simon & Garfunkel",
    ]
    assert split_credit("AC/DC") == ["AC/DC"]
    assert get_main_artist("Rin (CV: Ana Lima)") == "Rin"


def test_signs_before_a_bracket_are_the_name():
    assert normalise("÷ (Deluxe)") == "÷ deluxe"
    assert normalise('"Heroes" (Live)') == normalise("(“Heroes”) live") == "heroes live"


@pytest.mark.django_db
def test_albums_that_differ_by_a_sign_are_two():
    """Albums called +, ÷ and = were one as soon as each was a deluxe edition."""
    for title, album in (("Ode", "÷ (Deluxe)"), ("Tide", "= (Deluxe)")):
        resolver.find_or_add_song(SongRecord(0, title, "Ana Lima", album=album))
    assert Album.objects.count() == 2


@pytest.mark.django_db
def test_guests_who_have_songs_of_their_own_are_linked_one_by_one():
    for artist in ("Bo", "Cy"):
        resolver.find_or_add_song(SongRecord(0, "Own", artist))
    songs = [
        resolver.find_or_add_song(SongRecord(0, title, "Ana Lima"))[0]
        for title in ("Ode (feat. Bo & Cy)", "Tide (feat. Bo & Nobody)", "Ebb (feat. Nico & Vinz)")
    ]
    names = [
        set(ArtistCredit.objects.filter(song=song).values_list("artist__name", flat=True))
        for song in songs
    ]
    assert names == [{"Bo", "Cy"}, {"Bo & Nobody"}, {"Nico & Vinz"}]
    assert Song.objects.count() == 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("title", "album", "duration_ms", "is_other"),
    [
        ("Ode?", "Tide", 199_000, True),
        ("Ode?", "Tide", 255_000, False),
        ("Ode?", "Tide", None, False),
        ("Ode?", "Ebb", 255_000, False),
        ("Ode", "Tide", 199_000, False),
    ],
)
def test_a_question_of_another_length_on_the_same_album_is_another_song(
    title, album, duration_ms, is_other
):
    """One album has "In the Flesh?" and "In the Flesh"; elsewhere sources forget the sign."""
    resolver.find_or_add_song(SongRecord(0, "Ode", "Ana Lima", album="Tide", duration_ms=255_000))
    record = SongRecord(0, title, "Ana Lima", album=album, duration_ms=duration_ms)
    assert resolver.find_or_add_song(record)[1] is is_other
