"""Names as players, servers and video sites write them: one recording, two versions of one work, or two songs."""

import pytest

from catalog.models import ArtistCredit, Song
from catalog.names.artist_credits import find_guests, get_main_artist
from catalog.names.artist_keys import build_artist_key
from catalog.names.song_keys import build_song_keys
from catalog.names.text import normalise
from catalog.records import SongRecord
from catalog.songs import resolver

SAME_RECORDING = [
    # guests
    ("Ode (starring Ilo Bug)", "Ode"),
    ("Ode (with special guest Ilo Bug)", "Ode"),
    ("Ode (special guest Ilo Bug)", "Ode"),
    ("Ode (feat: Ilo Bug)", "Ode"),
    ("Ode (features Ilo Bug)", "Ode"),
    ("꿈 (Duet. 아이유)", "꿈"),
    ("Ｏｄｅ　ｆｅａｔ．　Ｉｌｏ　Ｂｕｇ", "Ode"),
    # letters of Arabic and Persian, blanks at will
    ("أحبك", "احبك"),
    ("إنت عمري", "انت عمرى"),
    ("آه يا زين", "اه يا زين"),
    ("حلوة", "حلوه"),
    ("می‌خواهم", "می خواهم"),
    ("می‌خواهم", "میخواهم"),
    ("너의 의미", "너의의미"),
    ("夢 の 中", "夢の中"),
    ("أغنية (ريمكس)", "أغنية (Remix)"),
    ("أغنية (نسخة حية)", "أغنية (Live)"),
    ("שיר (רמיקס)", "שיר (Remix)"),
    # pressings
    ("Ode (Album Ver.)", "Ode"),
    ("Ode -Single Ver.-", "Ode"),
    ("꿈 (Clean Ver.)", "꿈"),
    ("꿈 (2020 Remastered Ver.)", "꿈"),
    ("夢 (シングル・バージョン)", "夢"),
    ("夢 (アルバムバージョン)", "夢"),
    ("夢 (ボーナス・トラック)", "夢"),
    ("Ode (Original Recording Remastered)", "Ode"),
    ("Ode (Radio)", "Ode"),
    # soundtracks
    ("Ode (OST Frost)", "Ode"),
    ("꿈 [별 OST Part.3]", "꿈"),
    ("夢 (TVアニメ『空』OPテーマ)", "夢"),
    ("夢 (映画『空』より)", "夢"),
    ("夢 (TVアニメ『空』オープニング・テーマ)", "夢"),
    # video sites and files
    ("Ode OFFICIAL VIDEO", "Ode"),
    ("Ode M/V", "Ode"),
    ("夢 Official Music Video", "夢"),
    ("夢【歌詞付き】", "夢"),
    ("夢 (ミュージックビデオ)", "夢"),
    ("꿈 (뮤직비디오)", "꿈"),
    ("「夢」Music Video", "夢"),
    ("Mara Bug 'Ode' Official MV", "Ode"),
    ("Mara Bug - 'Ode' MV", "Ode"),
    ("Mara Bug「Ode」", "Ode"),
    ("Mara Bug: Ode", "Ode"),
    ("Mara Bug x Ilo Bug - Ode (Official Video) [4K]", "Ode"),
    ("【MV】Ode / Mara Bug", "Ode"),
    ("Ode - Mara Bug (Official Video)", "Ode"),
    ("Ode.mp3", "Ode"),
    ("01 - Ode.flac", "Ode"),
    # concerts
    ("Ode (Live beim Lollapalooza)", "Ode (Live)"),
    ("Ode (BBC Radio 1 Live Lounge)", "Ode (Live)"),
    ("Ode (Концерт в Москве)", "Ode (Live)"),
    ("夢 (ライブ・アット・武道館)", "夢 (Live)"),
    ("夢 (日本武道館ライブ)", "夢 (Live)"),
    ("梦 (Live现场)", "梦 (Live)"),
    ("梦 (Live 版)", "梦 (Live)"),
    # versions in other words
    ("Ode (Speed Up)", "Ode (Sped Up)"),
    ("Ode (spedup)", "Ode - sped up"),
    ("Ode (Off Vocal)", "Ode (off vocal ver.)"),
    ("Ode (Remixed by Cy Dee)", "Ode (Cy Dee Remix)"),
    ("Ode (Cy Dee's Remix)", "Ode (Cy Dee Remix)"),
    ("Ode (Official Remix)", "Ode (Remix)"),
    ("Ode (8D)", "Ode (8D Audio)"),
    ("Ode (Re-Recorded Version)", "Ode (Rerecorded)"),
    ("夢 (ピアノ・バージョン)", "夢 (Piano)"),
    ("夢 (アコースティックver.)", "夢 (Acoustic)"),
    ("夢 (林リミックス)", "夢 (林 Remix)"),
    ("夢 (英語バージョン)", "夢 (英語版)"),
    ("夢 (ショートバージョン)", "夢 (Short Version)"),
    ("夢 (オリジナル・カラオケ)", "夢 (Original Karaoke)"),
    ("꿈 (MR)", "꿈 (Instrumental)"),
    ("꿈 (반주)", "꿈 (Inst.)"),
    ("梦 (伴奏)", "梦 (Instrumental)"),
    ("梦 (Demo版)", "梦 (小样)"),
    ("梦 (钢琴版)", "梦 (Piano)"),
    ("梦 (国语版)", "梦 (国语)"),
    ("梦 (cover 李)", "梦 (Cover：李)"),
    ("Ode Pt2", "Ode (Part 2)"),
    ("Ode Ep. 2", "Ode (Episode 2)"),
    ("Ode (Explicit Content)", "Ode"),
    ("Ode (Studio Version)", "Ode"),
    ("Ode (Ilo Bug Remaster)", "Ode"),
    ("Ode (Remastered by Ilo Bug)", "Ode"),
    ("Ode (Dolby Atmos Mix)", "Ode"),
    ("Ode (Full Song)", "Ode"),
    ("Ode with lyrics", "Ode"),
    ("Ode (Paroles)", "Ode"),
    ("Ode (Legendado)", "Ode"),
    ("Ode [Premiere]", "Ode"),
    ("Ode (Directed by Ilo Bug)", "Ode"),
    ("Ode (from the album Low)", "Ode"),
    ('Ode (Aus "Low")', "Ode"),
    ('Ode (De "Low")', "Ode"),
    # works
    ("Symphony No. 5: III. Scherzo", "Symphony No. 5: III Scherzo"),
    ("Symphony No. 5, Op. 67: I. Allegro", "Symphony No. 5, Op. 67 (I. Allegro)"),
    ("Symphony No. 5, Op. 67: I. Allegro", "Symphony No. 5 Op. 67, I. Allegro"),
    ("Sonata, K. 545", "Sonata, Köchel 545"),
    ("Für Elise, WoO 59", "Für Elise, WoO59"),
    ("Gymnopédie No. 1", "Gymnopédie núm. 1"),
]
SAME_WORK = [
    ("Ode (Bonus Beats)", "Ode"),
    ("Ode (Minus One)", "Ode"),
    ("Ode (Work in Progress)", "Ode"),
    ("夢 (日本語版)", "夢"),
    ("夢 (弾き語りver.)", "夢"),
    ("夢 (歌ってみた)", "夢"),
    ("夢 (カバー)", "夢"),
    ("夢 (アニメサイズ)", "夢"),
    ("夢 (林ソロVer.)", "夢"),
    ("夢 (オルゴール)", "夢"),
    ("夢 (8bit)", "夢"),
    ("꿈 (커버)", "꿈"),
    ("꿈 (MR)", "꿈"),
    ("梦 (DJ版)", "梦"),
    ("梦 (女声版)", "梦"),
    ("梦 (粤语)", "梦"),
    ("梦 (纯音乐版)", "梦"),
    ("梦 (翻唱)", "梦"),
    ("梦 (翻自 李)", "梦"),
    ("梦 (加速版)", "梦"),
    ("Ode (Remixed by Cy Dee)", "Ode"),
    ("Ode (Mixed)", "Ode"),
    ("Ode (Cy Dee Re-Work)", "Ode"),
    ("Ode (Cy Dee Refix)", "Ode"),
    ("Ode (Mash-Up)", "Ode"),
    ("Ode (1 Hour)", "Ode"),
    ("Ode (Drumless)", "Ode"),
    ("Ode (NPR Tiny Desk Concert)", "Ode"),
    ("Ode (Amazon Music Original)", "Ode"),
    ("Ode (Unreleased)", "Ode"),
    ("Ode (Live in Rio Remaster)", "Ode"),
]
OTHER_SONG = [
    ("Ode +", "Ode"),
    ("Tide ++", "Tide +"),
    ("2²", "22"),
    ("Ode²", "Ode"),
    ("A Special Guest Star", "A"),
    ("The Guest Sings", "The"),
    ("Starring Role", "Role"),
    ("Ode (Mr. Bo)", "Ode"),
    ("Ode: I Am", "Ode: 1 Am"),
    ("1. Allegro", "2. Allegro"),
    ("夢 (空)", "夢"),
    ("夢 (ドライブ)", "夢 (Live)"),
    ("夢「空」", "夢"),
    ("Ode (Part 2 Remastered)", "Ode"),
    ("Ode Pt2", "Ode Pt3"),
    ("Ode (1 Hour Later)", "Ode"),
    ("Ode (Mixed Feelings)", "Ode"),
    ("Ode (Premiere Night)", "Ode"),
    ("Mara Bug", "Ode"),
    ("(I Want Your) Video", "I Want Your"),
    ("Allegro, Hob. XVI:34", "Allegro, Hob. XV:34"),
    ("أنا", "انت"),
]
SAME_ARTIST = [
    ("Mara Bug starring Ilo Bug", "Mara Bug"),
    ("Mara Bug with special guest Ilo Bug", "Mara Bug"),
    ("Mara Bug introducing Ilo Bug", "Mara Bug"),
    ("Mara Bug duet with Ilo Bug", "Mara Bug"),
    ("Mara Bug part. Ilo Bug", "Mara Bug"),
    ("Mara Bug при участии Ilo Bug", "Mara Bug"),
    ("Mara Bug con la colaboración de Ilo Bug", "Mara Bug"),
    ("Mara Bug avec la participation de Ilo Bug", "Mara Bug"),
    ("Mara Bug pres. Ilo Bug", "Mara Bug presents Ilo Bug"),
    ("Mara presents Ilo", "Mara & Ilo"),
    ("Mara＆Ilo", "Mara & Ilo"),
    ("Mara ✕ Ilo", "Mara x Ilo"),
    ("Mara，Ilo", "Mara, Ilo"),
    ("Mara,Ilo", "Mara, Ilo"),
    ("Mara；Ilo", "Mara; Ilo"),
    ("Mara Bug／Ilo Bug", "Mara Bug & Ilo Bug"),
    ("Mara Bug&Ilo Bug", "Mara Bug & Ilo Bug"),
    ("Mara Bug v Ilo Bug", "Mara Bug & Ilo Bug"),
    ("椎名林檎&宮本浩次", "椎名林檎 & 宮本浩次"),
    ("椎名林檎,宮本浩次", "椎名林檎"),
    ("椎名林檎 with 宮本浩次", "椎名林檎"),
    ("椎名林檎 [Sheena Ringo]", "椎名林檎"),
    ("Mara Bug - Onderwerp", "Mara Bug"),
    ("Mara Bug - Konu", "Mara Bug"),
    ("Mara Bug - หัวข้อ", "Mara Bug"),
    ("MaraBugVevo", "Mara Bug"),
    ("Mara Bug Official", "Mara Bug"),
    ("椎名林檎 公式", "椎名林檎"),
    ("Mara Bugs (The)", "The Mara Bugs"),
    ("Mara Bugs,The", "The Mara Bugs"),
    ("Mara Bug, Jr.", "Mara Bug Jr."),
    ("M|O|O|N", "MOON"),
    ("Mara Bug (conductor)", "Mara Bug"),
    ("أم كلثوم", "ام كلثوم"),
]
OTHER_ARTIST = [
    ("10,000 Maniacs", "10"),
    ("V V Mara", "V Mara"),
    ("Mara Bug - Low Tide", "Mara Bug"),
    ("R&B Kings", "R"),
    ("Official HIGE DANdism", "HIGE DANdism"),
    ("The Presents", "The"),
    ("Mara presents", "Mara"),
    ("Mara Bug Jr.", "Mara Bug"),
    ("Ana Lima, Jr. & Bo Berg", "Ana Lima"),
    ("Hall&Oates", "Hall"),
    ("Vevo", ""),
]


@pytest.mark.parametrize(("one", "other"), SAME_RECORDING)
def test_one_recording_under_two_titles_matches(one, other):
    assert build_song_keys("Mara Bug", one) == build_song_keys("Mara Bug", other)


@pytest.mark.parametrize(("one", "other"), SAME_WORK)
def test_versions_are_one_work_and_two_recordings(one, other):
    keys, other_keys = build_song_keys("Mara Bug", one), build_song_keys("Mara Bug", other)
    assert keys.match_key != other_keys.match_key
    assert keys.work_key == other_keys.work_key


@pytest.mark.parametrize(("one", "other"), OTHER_SONG)
def test_two_songs_keep_apart(one, other):
    keys, other_keys = build_song_keys("Mara Bug", one), build_song_keys("Mara Bug", other)
    assert keys.work_key != other_keys.work_key


@pytest.mark.parametrize(("one", "other"), SAME_ARTIST)
def test_one_artist_under_two_names_matches(one, other):
    assert build_artist_key(one) == build_artist_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER_ARTIST)
def test_two_artists_keep_apart(one, other):
    assert build_artist_key(one) != build_artist_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ludwig van Beethoven; Herbert von Karajan", "Beethoven, Ludwig van; Herbert von Karajan"),
        ("Berliner Philharmoniker, Herbert von Karajan", "Herbert von Karajan - Berliner Philharmoniker"),
        ("Berliner Philharmoniker, Herbert von Karajan", "Berliner Philharmoniker conducted by Herbert von Karajan"),
        ("Frédéric Chopin, Maurizio Pollini", "Chopin, Frédéric / Maurizio Pollini (piano)"),
    ],
)  # fmt: skip
def test_credits_of_classical_music_in_other_spellings_are_one(one, other):
    title = "Nocturne in E-Flat Major, Op. 9 No. 2"
    assert build_song_keys(one, title) == build_song_keys(other, title)


def test_a_title_s_guests_are_no_main_artists():
    """Services list everybody as an artist and the guests in the title, too."""
    assert build_song_keys("Mara, Ilo", "Ode (feat. Ilo)") == build_song_keys("Mara", "Ode")
    assert build_song_keys("Mara, Ilo", "Ode") != build_song_keys("Mara", "Ode")


def test_guests_behind_other_words_are_linked():
    assert find_guests("Bo Berg starring Ana Lima") == ["Ana Lima"]
    assert find_guests("Bo Berg with special guest Ana Lima") == ["Ana Lima"]
    assert find_guests("Bo Berg duet with Ana Lima") == ["Ana Lima"]
    assert get_main_artist("Bo Berg Official") == "Bo Berg"


def test_a_search_finds_alefs_in_every_form():
    assert normalise("أنت") == normalise("إنت") == normalise("انت")


ONE_RECORDING = [
    (("Mara & Ilo", "Ode"), ("Mara", "Ode (feat. Ilo)")),
    (("Mara, Ilo", "Ode"), ("Mara feat. Ilo", "Ode")),
    (("Mara, Ilo & Cy", "Ode"), ("Mara", "Ode (feat. Ilo & Cy)")),
    (("Mara & Ilo", "Ode (feat. Cy)"), ("Mara", "Ode (feat. Ilo & Cy)")),
    (("Mara Bug & Ilo", "Ode"), ("Mara Bug", "Ode (with Ilo)")),
    (("Mara x Ilo Bug", "Ode"), ("Mara", "Ode [feat. Ilo Bug]")),
]
TWO_RECORDINGS = [
    (("Mara & Ilo", "Ode"), ("Mara", "Ode")),
    (("Mara & Ilo", "Ode"), ("Mara", "Ode (feat. Cy)")),
    (("Mara & Ilo", "Ode"), ("Mara", "Ode (feat. Ilo) [Live]")),
    (("Mara, Ilo & Cy", "Ode"), ("Mara", "Ode (feat. Ilo)")),
]


@pytest.mark.django_db
@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize(
    ("one", "other", "n_songs"),
    [(*pair, 1) for pair in ONE_RECORDING] + [(*pair, 2) for pair in TWO_RECORDINGS],
)
def test_an_artist_whom_another_source_calls_a_guest_makes_no_second_song(
    one, other, n_songs, in_order
):
    """Whether "A & B" is one artist can't be seen in the letters; a guest of that name shows it."""
    for artist, title in (one, other) if in_order else (other, one):
        resolver.find_or_add_song(SongRecord(0, title, artist))
    assert Song.objects.count() == n_songs


@pytest.mark.django_db
def test_guests_found_by_new_words_are_credited():
    song, _ = resolver.find_or_add_song(SongRecord(0, "Ode", "Bo Berg starring Ana Lima"))
    assert song.artist.name == "Bo Berg"
    assert [credit.artist.name for credit in ArtistCredit.objects.filter(song=song)] == ["Ana Lima"]
