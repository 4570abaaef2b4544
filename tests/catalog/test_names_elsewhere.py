"""Names as other countries and services write them: pairs that are one song, and pairs that are two."""

import pytest

from catalog.models import Song
from catalog.names.artist_credits import find_guests, get_main_artist
from catalog.names.artist_keys import build_artist_key
from catalog.names.song_keys import build_match_key, build_song_keys
from catalog.records import SongRecord
from catalog.songs import resolver

SAME_TITLE = [
    ("Tide (duet with Bo)", "Tide"),
    ("Tide (Duet with Bo Berg)", "Tide"),
    ("Lied (im Duett mit Nena)", "Lied"),
    ("Chanson (en duo avec Zaz)", "Chanson"),
    ("Canción (dueto con Rosalía)", "Canción"),
    ("Canción (con la participación de Rosalía)", "Canción"),
    ("Canção (com a participação de Anitta)", "Canção"),
    ("Chanson (avec la participation d'Indila)", "Chanson"),
    ("Песня (совместно с Бастой)", "Песня"),
    ("Tide w/ Bo", "Tide"),
    ("Tide - Original Radio Edit", "Tide"),
    ("Tide - UK Single Version", "Tide"),
    ("Tide - B-Side", "Tide"),
    ("Tide - Non-Album Single", "Tide"),
    ("Tide - Single", "Tide"),
    ("Tide (Rimasterizzato)", "Tide"),
    ("Tide (Uncensored)", "Tide"),
    ("Tide (Hi-Res)", "Tide"),
    ("Tide -Remastered 2009-", "Tide"),
    ("曲(リマスター・バージョン)", "曲"),
    ("曲 〜リマスター〜", "曲"),
    ("曲 (TVアニメ「夢」オープニングテーマ)", "曲"),
    ("歌 (电影《梦》主题曲)", "歌"),
    ("歌 (電視劇《夢》片尾曲)", "歌"),
    ("歌 (《梦》插曲)", "歌"),
    ("노래 (드라마 '꿈' 주제곡)", "노래"),
    ("Tide (Live à l'Olympia)", "Tide (Live)"),
    ("Tide (Live w Krakowie)", "Tide (Live)"),
    ("Tide (Live på Gröna Lund)", "Tide (Live)"),
    ("Tide (Na żywo)", "Tide (Live)"),
    ("Tide (Élőben)", "Tide (Live)"),
    ("Tide (Naživo)", "Tide (Live)"),
    ("曲 (ライブ・バージョン)", "曲 (Live)"),
    ("曲 -Live-", "曲 (Live)"),
    ("歌 (Live版)", "歌 (Live)"),
    ("歌 (演唱会版)", "歌 (Live)"),
    ("노래 (라이브 버전)", "노래 (Live)"),
    ("Песня (концертная версия)", "Песня (Live)"),
    ("Песня (вживую)", "Песня (Live)"),
    ("שיר (הופעה חיה)", "שיר (Live)"),
    ("Lied (2. Teil)", "Lied (Teil 2)"),
    ("Tide (1st Part)", "Tide (Part 1)"),
    ("Canção (2ª parte)", "Canção (Parte 2)"),
    ("Песня (2 часть)", "Песня (часть 2)"),
    ("Symphony #5", "Symphony No. 5"),
    ("Symphonie n° 5", "Symphonie Nr. 5"),
    ("Tide™", "Tide"),
    ("Tide (Remasterad 2009)", "Tide"),
    ("Песня (альбомная версия)", "Песня"),
    ("שיר (קליפ רשמי)", "שיר"),
    ("שיר (הקליפ הרשמי)", "שיר"),
    ('שיר (מתוך האלבום "ים")', "שיר"),
    ("Tide [Oficiální klip]", "Tide"),
    ("Tide (320kbps)", "Tide"),
    ("Tide (Official Video) [4K UPGRADE]", "Tide"),
    ("Tide (slowed + reverb)", "Tide (Slowed & Reverbed)"),
    ("Tide (Versión en Español)", "Tide (Spanish Version)"),
    ("Tide (version française)", "Tide (French Version)"),
    ("Lied (Deutsche Version)", "Lied (German Version)"),
    ("Tide (Akoestisch)", "Tide (Acoustic)"),
    ("Tide (Akustisk version)", "Tide (Acoustic)"),
    ("曲 -2018ver.-", "曲 (2018 Ver.)"),
    ("Tide - Live from the Garden, New York, NY - July 1973", "Tide (Live)"),
    ("Tide - Live - 27 July 1973", "Tide (Live)"),
    ("Tide (Live) [1973-07-27]", "Tide (Live)"),
]
OTHER_TITLE = [
    ("Мой мир", "Мои мир"),
    ("Твой", "Твои"),
    ("їжа", "іжа"),
    ("ЎЗБЕК", "УЗБЕК"),
    ("Tide (2020 Version)", "Tide (2010 Version)"),
    ("Tide (2020 Version)", "Tide"),
    ("Tide (Live a Little)", "Tide (Live)"),
    ("Tide (Duet)", "Tide"),
    ("曲 -Instrumental-", "曲"),
    ("曲 〜夢〜", "曲"),
    ("Tide (Single Ladies)", "Tide"),
    ("Tide #2", "Tide #1"),
    ("Tide (2. Teil)", "Tide (3. Teil)"),
    ("Chapter 1", "Chapter 2"),
    ("Tide b/w Sand", "Tide"),
    ("Tide (Live V)", "Tide (Live IV)"),
    ("Tide (Part. I Allegro)", "Tide"),
    ("Tide (International Version)", "Tide"),
    ("Tide (Duets)", "Tide"),
    ("Tide -Sand-", "Tide"),
    ("Tide (July 1973)", "Tide"),
    ("Tide (Live) - May", "Tide (Live)"),
    ("Tide (German Version)", "Tide (French Version)"),
    ("Tide (Deutsche Version)", "Tide"),
    ("Tide (slowed + reverb)", "Tide (Slowed)"),
    ("曲 -2018ver.-", "曲 -2019ver.-"),
    ("Король и Шут", "Король"),
    ("歌 (伴奏)", "歌"),
    ("歌 (粤语版)", "歌"),
]
SAME_ARTIST = [
    ("Drake w/ Rihanna", "Drake"),
    ("Rosalía y Bad Bunny", "Rosalía & Bad Bunny"),
    ("Zaz et Kad", "Zaz & Kad"),
    ("Nena und Kim", "Nena & Kim"),
    ("Nena og Kim", "Nena & Kim"),
    ("Баста и Нойз", "Баста & Нойз"),
    ("米津玄師、Aimer", "米津玄師, Aimer"),
    ("Цой", "ЦОЙ"),
    ("BTS (방탄소년단)", "BTS"),
    ("아이유(IU)", "아이유"),
    ("周杰倫 (Jay Chou)", "周杰倫"),
    ("Кино (Kino)", "Кино"),
    ("DJ Snake • Lil Jon", "DJ Snake & Lil Jon"),
    ("DJ Snake\\Lil Jon", "DJ Snake; Lil Jon"),
    ("DJ Snake | Lil Jon", "DJ Snake, Lil Jon"),
    ("Zaz • Kad", "Zaz & Kad"),
    ("Цой", "Цои\u0306"),
]
OTHER_ARTIST = [
    ("Y La Bamba", "La Bamba"),
    ("Et Cetera", "Cetera"),
    ("And Also the Trees", "Also the Trees"),
    ("Цой", "Цои"),
    ("Portugal. The Man", "Portugal"),
    ("Above & Beyond", "Above"),
    ("Prince (2)", "Prince"),
    ("Nirvana (UK)", "Nirvana"),
    ("(G)I-DLE", "I-DLE"),
    ("Sunn O)))", "Sunn"),
    ("(방탄소년단)", "BTS"),
    ("Daryl Hall & John Oates", "Daryl Hall"),
    ("Neil Young & Crazy Horse", "Neil Young"),
]


@pytest.mark.parametrize(("one", "other"), SAME_TITLE)
def test_the_same_song_under_two_titles_matches(one, other):
    assert build_match_key("A", one) == build_match_key("A", other)


@pytest.mark.parametrize(("one", "other"), OTHER_TITLE)
def test_different_songs_keep_apart(one, other):
    assert build_match_key("A", one) != build_match_key("A", other)


@pytest.mark.parametrize(("one", "other"), SAME_ARTIST)
def test_the_same_artist_under_two_names_matches(one, other):
    assert build_artist_key(one) == build_artist_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER_ARTIST)
def test_different_artists_keep_apart(one, other):
    assert build_artist_key(one) != build_artist_key(other)


@pytest.mark.parametrize(
    "title",
    ["曲 -Instrumental-", "曲 ~Remix~", "曲 (Live版)", "曲 (2020 Version)", "曲 -Acoustic ver.-"],
)
def test_versions_in_other_spellings_are_one_work(title):
    assert build_song_keys("A", title).work_key == build_song_keys("A", "曲").work_key


def test_guests_of_a_duet_and_behind_a_slash_are_found():
    assert find_guests("Ode (duet with Ana Lima)") == ["Ana Lima"]
    assert find_guests("Ode (con la participación de Ana Lima)") == ["Ana Lima"]
    assert find_guests("Bo Berg w/ Ana Lima") == ["Ana Lima"]
    assert get_main_artist("Bo Berg w/ Ana Lima") == "Bo Berg"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("artist", "title"),
    [
        ("Unbekannter Künstler", "Tide"),
        ("Artiste inconnu", "Tide"),
        ("Неизвестный исполнитель", "Tide"),
        ("不明なアーティスト", "Tide"),
        ("群星", "Tide"),
        ("Varios Artistas", "Tide"),
        ("Verschiedene Interpreten", "Tide"),
        ("[no artist]", "Tide"),
        ("Ana Lima", "Titel 01"),
        ("Ana Lima", "Трек 1"),
        ("Ana Lima", "Sans titre"),
        ("Ana Lima", "無題"),
        ("Ana Lima", "인트로"),
    ],
)
def test_names_that_say_nothing_need_the_same_album(artist, title):
    for album in ("One", "Two", "One"):
        resolver.find_or_add_song(SongRecord(0, title, artist, album=album))
    assert Song.objects.count() == 2
