"""Names as keyboards, labels and services of more languages write them, and names that end with a joining letter."""

import pytest

from catalog.names.artist_credits import find_guests, get_main_artist, split_credit
from catalog.names.artist_keys import build_artist_key
from catalog.names.song_keys import build_song_keys
from catalog.names.text import normalise

SAME_RECORDING = [
    ("น้ำ", "นํ้า"),
    ("๑๐๐ ปี", "100 ปี"),
    ("٣ دقات", "3 دقات"),
    ("۳ شب", "3 شب"),
    ("१२ बजे", "12 बजे"),
    ("เพลง [แสดงสด]", "เพลง (Live)"),
    ("गाना (लाइव)", "गाना (Live)"),
    ("Песня (Live из Москвы)", "Песня (Live)"),
    ("Песня (с участием Басты)", "Песня"),
    ("Песня (совместно с Бастой)", "Песня"),
    ("Τραγούδι (συμμ. Άννα)", "Τραγούδι"),
    ("노래 (피처링 아이유)", "노래"),
    ("Piosenka (gość. Ania)", "Piosenka"),
    ("Piosenka (z udziałem Ani)", "Piosenka"),
    ("Piosenka (wersja akustyczna)", "Piosenka (Acoustic)"),
    ("Ode (Acapella)", "Ode (A Cappella)"),
    ("Ode (A Capella Version)", "Ode (acappella)"),
    ("Ode (Dirty)", "Ode"),
    ("曲～Remix～", "曲 (Remix)"),
    ("Symphony No. 5: I. Allegro", "Symphony No. 5: 1. Allegro"),
    ("Sonata - IV. Rondo", "Sonata - 4. Rondo"),
    ("Sonata in A Major, K. 331", "Sonata in A Major, KV 331"),
    ("Sonata in A Major, K331", "Sonata in A Major, K. 331"),
    ("Suite BWV1007", "Suite, BWV 1007"),
    ("Nocturne, Op.9/2", "Nocturne, Opus 9 No. 2"),
    ("Aida, Act I: Celeste Aida", "Aida, Act 1: Celeste Aida"),
    ("Carmen, Acte II: Toreador", "Carmen, Act 2: Toreador"),
    ("Ode: Chapter One", "Ode (Chapter I)"),
    ("Ode (Acoustic / Live)", "Ode (Live Acoustic)"),
    ("Ode (Live) [Acoustic]", "Ode [Acoustic] (Live)"),
    ("Ode (feat. Bo) feat. Cy", "Ode"),
    ("Ode (f. Bo)", "Ode"),
    ("Ode (medverkan av Bo)", "Ode"),
    ("Песня (гость: Баста)", "Песня"),
    ("曲（フィーチャリング 林）", "曲"),
    ("שיר (מתוך הופעה)", "שיר (Live)"),
    ("أغنية (بث مباشر)", "أغنية (Live)"),
    ("أغنية (حفلة)", "أغنية (Live)"),
    ("Sång (Live från Globen)", "Sång (Live)"),
    ("Píseň (Z filmu „Mráz“)", "Píseň"),
    ("Ode (New Stereo Mix)", "Ode"),
    ("Ode (Versione Album)", "Ode"),
    ("Ode (Clipe Oficial)", "Ode"),
    ("Ode (Премьера клипа, 2023)", "Ode"),
    ("Ode (2012 Re-Master)", "Ode"),
    ("Ode (Music From The Netflix Series Frost)", "Ode"),
    ('Ode (Title Track from "Frost")', "Ode"),
    ('Ode (Саундтрек к фильму "Мороз")', "Ode"),
    ("Ode (アニメ「夢」ED)", "Ode"),
]
OTHER_SONG = [
    ("Песня (совместно)", "Песня"),
    ("Sonata: I. Rondo", "Sonata: IV. Rondo"),
    ("Ode: I Am", "Ode: 1 Am"),
    ("三", "3"),
    ("Dirty", "Clean"),
    ("٣", "٤"),
    ("曲〜夢〜", "曲"),
    ("Ode (A Cappella Choir)", "Ode (Acapella)"),
    ("Nocturne, Op. 9 No. 12", "Nocturne, Op. 91 No. 2"),
    ("Nocturne, Op. 9 No. 1", "Nocturne, Op. 9 No. 2"),
    ("Suite BWV1007", "Suite BWV1008"),
    ("Aida, Act I: Prelude", "Aida, Act II: Prelude"),
    ("Act of Love", "Act One of Love"),
    ("Ode (F. Chopin)", "Ode (F. Liszt)"),
    ("Песня (гость из будущего)", "Песня"),
    ("حفلة", "حفل"),
    ("Ode (Acoustic / Live)", "Ode (Live)"),
    ("Ode (Master)", "Ode"),
    ("Ode (Music from Home)", "Ode"),
]
SAME_ARTIST = [
    ("Lil Nas X & Billy Ray Cyrus", "Lil Nas X"),
    ("Lil Nas X x Bo Berg", "Lil Nas X"),
    ("Malcolm X and Bo", "Malcolm X & Bo"),
    ("!!! (Chk Chk Chk)", "!!!"),
    ("††† (Crosses)", "†††"),
    ("+/- {Plus/Minus}", "+/-"),
    ("ACϟDC", "AC/DC"),
    ("Ana Lima×Bo Berg", "Ana Lima x Bo Berg"),
    ("Bach, J.S.", "J. S. Bach"),
    ("Ana Lima (with Bo Berg)", "Ana Lima"),
    ("Ana Lima [avec Bo Berg]", "Ana Lima"),
]
OTHER_ARTIST = [
    ("Malcolm X & Bo", "Malcolm & Bo"),
    ("Lil Nas X & Bo Berg", "Lil Nas"),
    ("!!! (Chk Chk Chk)", "!!"),
    ("(Crosses)", "†††"),
    ("X×Y", "X"),
    ("Bach, J.C.", "Bach, J.S."),
    ("Ana Lima (with you)", "Ana Lima"),
]


@pytest.mark.parametrize(("one", "other"), SAME_RECORDING)
def test_one_recording_under_two_titles_matches(one, other):
    assert build_song_keys("A", one) == build_song_keys("A", other)


@pytest.mark.parametrize(("one", "other"), OTHER_SONG)
def test_two_songs_keep_apart(one, other):
    assert build_song_keys("A", one).match_key != build_song_keys("A", other).match_key


@pytest.mark.parametrize(("one", "other"), SAME_ARTIST)
def test_one_artist_under_two_names_matches(one, other):
    assert build_artist_key(one) == build_artist_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER_ARTIST)
def test_two_artists_keep_apart(one, other):
    assert build_artist_key(one) != build_artist_key(other)


def test_the_last_letter_of_a_name_joins_nothing():
    assert split_credit("Lil Nas X & Billy Ray Cyrus") == ["Lil Nas X", "Billy Ray Cyrus"]
    assert split_credit("Malcolm X vs. Bo") == ["Malcolm X", "Bo"]
    assert split_credit("Ana x Bo") == ["Ana", "Bo"]


def test_how_signs_are_spoken_is_no_part_of_the_name():
    assert get_main_artist("!!! (Chk Chk Chk)") == "!!!"


def test_guests_in_more_languages_are_found():
    assert find_guests("Песня (с участием Басты)") == ["Басты"]
    assert find_guests("노래 (피처링 아이유)") == ["아이유"]


def test_a_search_finds_digits_of_every_script():
    assert normalise("۱۹۸۴") == normalise("१९८४") == normalise("１９８４") == "1984"
