"""The words by which the notes of titles are judged, in the normal form of `catalog.names.text`.

`catalog.names.title_notes` applies them; docs/matching.md shows them with examples. English stands first in
each table,
behind it what services and labels write in other languages. `catalog.names.title_keys` reads the numbers of parts.
"""

from catalog.names.text import join_loose_words, normalise


def _split_list(text: str) -> tuple[str, ...]:
    return tuple(" ".join(map(normalise, text.split())).split())


def _split_words(text: str) -> frozenset[str]:
    return frozenset(_split_list(text))


def _split_phrases(text: str) -> tuple[str, ...]:
    return tuple(normalise(phrase) for phrase in text.split(","))


def _split_beginnings(text: str) -> tuple[str, ...]:
    """Return phrases with a blank behind them, so that their last word is a whole one: "del film " in no Filmore."""
    return tuple(f"{phrase} " for phrase in _split_phrases(text))


# --- Guests -----------------------------------------------------------------------------------------------------------

# "A Feat of Strength", "No Small Feat", "Road to Ft. Worth": these words stand before a deed or a fort
BEFORE_OWN_WORD = _split_words(
    """a an the no my your our his her their this that these those one any some every each great small mean another
    to from of in at near on by for and or old one two three four five six seven eight nine ten twenty thirty forty
    fifty hundred thousand"""
)
# "Leaving Ft. Worth": forts after which nobody is called by one name
FORTS = _split_words(
    "worth lauderdale apache bragg sumter mchenry benning leavenworth ticonderoga laramie"
)
AFTER_A_DEED = _split_words("of in for to that which and or")
COUNTING = _split_words("part pt vol volume no nr number op #")
# "(with You)" belongs to the title, "(with Sting)" does not
NO_GUESTS = _split_words(
    """a an all any each every everything everybody everyone nothing no one you u me us him her it them this that
    these those my your our his their its love out in on or strings orchestra choir piano guitar band lyrics
    words intro outro introduction interlude eyes arms hands open toi moi lui elle nous vous eux ti tigo mi
    migo el ella ellos ellas usted ustedes nosotros voce voces mim nos dir mir ihm ihr uns euch dig mig dem dej
    mij jou ons"""
)
# "(con Rosalía)": nouns are not capitalised in these languages, so a capital letter behind them is a name
WITH_NAME = _split_words("avec con com med met")
# nouns are capitalised in German: only two capitals in a row are a name
WITH_FULL_NAME = _split_words("mit")

# --- Pressings of the same recording ----------------------------------------------------------------------------------

REMASTERS = _split_words(
    """remaster remasters remastered remastering remasterizado remasterizada remasterise remasterisee
    remasterizzato remasterizzata remasteriseret rimasterizzato rimasterizzata remasterizat remastrovano
    remasteroitu remasterad remasterade remasterat
    mono stereo explicit clean deluxe expanded anniversary reissue reissued censored uncensored"""
)
# parts of words that are written without blanks: 2009年リマスター, ремастеринг
REMASTER_STEMS = ("リマスター", "리마스터", "ремастер", "ремастир", "重制版", "重製版")
PRESSING_WORDS = REMASTERS | _split_words(
    """re digital digitally version versions versao versione versie версия edition edicion edicao edizione edit mix
    album single lp ep radio original main standard full length inch bonus track tracks super special collector
    collectors s limited release in the a and en de of from vinyl cd disc 7 12 7in 12in 7inch 12inch
    16 24 bit 16bit 24bit hd 4k dolby atmos recording new バージョン ヴァージョン 버전"""
)
_PRESSING_KINDS = _split_phrases(
    """single, album, lp, ep, radio, original, main, standard, full, full length, 7, 12, 7in, 12in, 7inch, 12inch,
    7 inch, 12 inch, single album, original album, original single, album single, original radio, uk single,
    us single, uk album, us album, uk radio, us radio, german single"""
)
_EDITIONS = _split_phrases(
    """legacy, platinum, gold, diamond, complete, ultimate, definitive, tour, japan, japanese, european,
    international,
    uk, us, american, collectors"""
)
PRESSING_PHRASES = (
    frozenset(f"{kind} {form}" for kind in _PRESSING_KINDS for form in ("version", "edit", "mix"))
    | frozenset(f"{kind} edition" for kind in _EDITIONS)
    | frozenset(
        _split_phrases(
            """explicit content, studio version, vinyl version, cd version, dolby atmos mix, atmos mix, 360
            reality audio,
        mastered for itunes, apple digital master, flac, itunes exclusive, full song, original, edit, radio,
        original recording, original recordings, bonus, bonus track,
        bonus track version, bonus version, bonus edition, standard edition,
        special edition, limited edition, collectors edition, collector s edition, hidden track, edited,
        edited version, dirty, dirty version, dolby atmos, dolby atmos version, spatial audio, originalversion,
        albumversion, singleversion, radioversion, radioedit, альбомная версия, сингл версия,
        оригинальная версия, радиоверсия, version originale, version original,
        versione originale, versao original, version album, version single, version radio, versione album,
        versione singolo, versao album, versao single, new stereo mix, stereo mix, mono mix, single,
        non album single, non album track, b side, b side single, parental advisory, high resolution, hi res,
        hi res version, hi res audio, ep, lp, neu gemastert, bonus track for japan"""
        )
    )
)
# with a year before or behind them
YEAR_PHRASES = frozenset(
    _split_phrases("mix, edition, edit, stereo mix, mono mix, digital mix, release")
)
# behind a country, a shop or nothing: "Japanese Bonus Track"
BONUS_ENDINGS = _split_phrases("bonus track, bonus tracks, bonus version")

# --- Soundtracks ------------------------------------------------------------------------------------------------------

SOURCE_WORDS = _split_words("film movie series musical show game")
SOUNDTRACK_BEGINNINGS = _split_beginnings(
    """ost, original soundtrack from, from the album, bo du film, tema de la pelicula, tema del film, musik aus,
    soundtrack version, title song from, מתוך האלבום, מתוך הסרט, מתוך הסדרה, из альбома,
    z albumu, del álbum, de l album, aus dem album, do álbum, dall album, саундтрек к фильму, саундтрек к сериалу,
    music from the motion picture, music from the original, music from the film,
    music from the series, songs from the motion picture,
    banda sonora, bande originale, bande son du, colonna sonora, trilha sonora, filmmusik, musik aus dem film,
    aus dem film, aus dem kinofilm, aus der serie, aus dem musical, du film, extrait du film, extrait de la bande,
    tire du film, tiree du film, del film, dal film, de la pelicula, de la serie, do filme, da novela, da serie,
    fran filmen, fra filmen, uit de film, z filmu, ze serialu, din filmul, iz filma, a filmbol,
    из фильма, из кинофильма, из к ф, из сериала, из мультфильма, из м ф"""
)
SOUNDTRACK_WORDS = _split_words(
    "soundtrack ost filmmusik саундтрек originalsoundtrack filmsoundtrack originalfilmmusik"
)
# parts of words that are written without blanks
SOUNDTRACK_STEMS = _split_list(
    """主題歌 サウンドトラック テーマソング オープニングテーマ エンディングテーマ 挿入歌 イメージソング
    主题曲 主題曲 主题歌 片头曲 片頭曲 片尾曲 插曲 插入曲 推广曲 推廣曲 宣传曲 宣傳曲 原声带 原聲帶 주제곡 삽입곡"""
)
# "TVアニメ『夢』OPテーマ", "映画『夢』より": the work that a theme or a quotation is from
EASTERN_WORKS = ("アニメ", "映画", "ドラマ", "ゲーム", "劇場版", "舞台", "ミュージカル", "特撮")
EASTERN_SOURCES = (
    "テーマ",
    "より",
    "主題歌",
    "挿入歌",
    "op",
    "ed",
    "opテーマ",
    "edテーマ",
    "劇中歌",
    "から",
)
# titles that say nothing without the film: "Main Title (From "Up")"
SCORE_TITLES = _split_words(
    """main end opening closing love title titles theme themes credits credit overture prologue epilogue ending finale
    suite score intro introduction outro prelude music medley reprise the from of and
    hauptthema titelmelodie titelmusik tema principale principal thema generique sigla
    one two three 1 2 3 4 5 i ii iii"""
)

# --- Concerts ---------------------------------------------------------------------------------------------------------

LIVE_ELSEWHERE = _split_phrases(
    """en vivo, en concierto, em concerto, em concierto, ao vivo, en directo, en direct, en concert, en public, dal
    vivo, in concert, концертная запись, концертная версия, живой концерт, живая запись, живой звук, canli
    performans, canli kayit, na zywo, w koncercie, nagranie koncertowe, ζωντανη ηχογραφηση, trực tiếp, הופעה
    חיה, בהופעה חיה, מתוך הופעה, حفلة مباشرة, حفلة حية, نسخة حية, نسخه حيه, بث مباشر, تسجيل حي, اجرای زنده, на живо"""
)
# notes of one word
LIVE_WORDS = _split_words(
    """แสดงสด บันทึกการแสดงสด लाइव
    ライブ ライヴ ライブ版 ライブver ライブバージョン 라이브 라이브버전 现场 現場 现场版 現場版 live版 演唱会版
    演唱會版 концерт вживую наживо สด canli ζωντανα uzivo nazivo naživo živě eloben elo livenä מהופעה בהופעה
    现场演唱 現場演唱 live现场 live現場 לייב בלייב הופעה لايف مباشر حفلة حفل زنده
    liveversion livemitschnitt liveaufnahme livekonzert"""
)
AFTER_LIVE = _split_words(
    """at in from on version versions recording recordings session sessions performance performances concert edit mix
    take video audio bbc mtv kexp radio tour bootleg album single track remaster remastered mono stereo tv studio
    lounge digital bonus ep lp aid mitschnitt aufnahme en au aus im bei beim vom zum auf by with i pa w z na v op dans
    chez all alla allo al dal dalla nel nella sul em no na do desde aan uit bij
    из в на fran fra dari ze az"""
)
PLACE_WORDS = _split_words("at in from on version recording session sessions lounge")
# "ライブ・アット・武道館", "Концерт в Москве"
EASTERN_LIVE = _split_words("ライブ ライヴ 라이브 现场 現場 концерт")
AFTER_EASTERN_LIVE = _split_words("at in from アット イン フロム в на из 版")
# "(Long Live)", "(Where We Live)" are words of a title
BEFORE_TO_LIVE = _split_words(
    """i you we they he she who it to long where how the people that never always gotta must will let lets cant dont
    only still could would should can ill well and or did do us wanna gonna"""
)
BESIDE_LIVE = _split_words("acoustic unplugged demo instrumental remix medley piano orchestral")

# --- Video labels -----------------------------------------------------------------------------------------------------

VIDEO_CORES = _split_words(
    """video audio lyric lyrics visualizer visualiser hd hq 4k uhd 1080p 720p clip clipe videoclip mv letra musikvideo
    klip klibi teledysk клип видео видеоклип 公式 ミュージックビデオ リリックビデオ 뮤직비디오 歌詞 歌詞付き 歌詞つき
    קליפ הקליפ paroles testo tekst songtext sözleri текст legendado legendada subtitulado subtitulada
    가사 歌词 歌词版 动态歌词 متن کلیپ ویدیو كليب فيديو כליפ קליפ מילים"""
)
VIDEO_WORDS = VIDEO_CORES | _split_words(
    """רשמי הרשמי oficiální oficiálny
    official music officiel officielle oficial offizielles offizieller ufficiale officiell officielt resmi
    officiële animated oficjalny официальный официальное премьера with w full in the m v s and con on screen
    original only
    performance"""
)
VIDEO_PHRASES = frozenset(
    _split_phrases(
        """mit text, eng sub, english sub, english subtitles, sub espanol, lyrics sub espanol, color coded lyrics,
        premiere, new song, youtube, m v, official, officiel, oficial, official visual, премьера клипа, ncs
        release, monstercat release,
        hq audio, high quality, 320kbps, 320 kbps, 192kbps, 192 kbps, 256kbps, 256 kbps, 128kbps, 128 kbps,
        4k upgrade, hd upgrade, 4k upscale, hd remaster, free download, free dl, out now, album out now, ep out now"""
    )
)

# --- Versions: other recordings of one work ---------------------------------------------------------------------------

PLAIN_VERSIONS = _split_words(
    "acoustic instrumental demo extended unplugged karaoke piano orchestral alternate remix"
)
# the word for a version, before or behind its kind
VERSION_NAMES = _split_words(
    """version versions ver versione versao versie wersja verze verzia версия バージョン ヴァージョン 버전 版 판
    نسخة نسخه גרסה גרסת"""
)
# the same behind a word of any script, without a blank: "国语版", "アコースティックver.", "ピアノバージョン"
GLUED_VERSION_NAMES = ("バージョン", "ヴァージョン", "버전", "ver", "版")
# words for pressings and kinds of versions in other scripts
WORDS_ELSEWHERE = {
    **dict.fromkeys(_split_list("シングル 싱글 单曲 單曲"), "single"),
    **dict.fromkeys(_split_list("アルバム 앨범 专辑 專輯"), "album"),
    **dict.fromkeys(_split_list("オリジナル 오리지널 原"), "original"),
    **dict.fromkeys(_split_list("フル 풀 完整"), "full"),
    **dict.fromkeys(_split_list("ショート"), "short"),
    **dict.fromkeys(_split_list("ロング"), "long"),
    **dict.fromkeys(_split_list("ボーナストラック 보너스트랙"), "bonus track"),
    **dict.fromkeys(_split_list("ボーナス 보너스"), "bonus"),
    **dict.fromkeys(_split_list("トラック 트랙"), "track"),
    **dict.fromkeys(_split_list("ステレオ"), "stereo"),
    **dict.fromkeys(_split_list("モノラル"), "mono"),
    **dict.fromkeys(_split_list("エディット"), "edit"),
    **dict.fromkeys(_split_list("ミックス"), "mix"),
    **dict.fromkeys(_split_list("カバー カヴァー 커버 翻唱"), "cover"),
    **dict.fromkeys(_split_list("オリジナルカラオケ"), "original karaoke"),
    **dict.fromkeys(_split_list("カラオケ"), "karaoke"),
}
GLUED_REMIXES = ("リミックス",)
VERSIONS_ELSEWHERE = {
    **dict.fromkeys(
        _split_list("""akoestisch akoestische akustisk
        akustik akustisch akustische akustikversion acustico acustica acoustique akustinen akustyczna
        акустика акустическая アコースティック アコースティックバージョン 어쿠스틱 أكوستيك אקוסטי אקוסטית"""),
        "acoustic",
    ),
    **dict.fromkeys(_split_list("ピアノ 피아노 钢琴 鋼琴"), "piano"),
    **dict.fromkeys(_split_list("オーケストラ 오케스트라 交响 交響 管弦"), "orchestral"),
    **dict.fromkeys(_split_list("アンプラグド 언플러그드 不插电 不插電"), "unplugged"),
    **dict.fromkeys(_split_list("アカペラ 아카펠라 清唱"), "cappella"),
    **dict.fromkeys(
        _split_list("""inst instr instrumentale strumentale instrumentalversion инструментал инструментальная インスト
        インストゥルメンタル インストゥルメンタルバージョン インストルメンタル 인스트루멘탈 반주 伴奏 موسيقى"""),
        "instrumental",
    ),
    **dict.fromkeys(
        _split_list("ремикс リミックス 리믹스 remezcla ريمكس رمیکس ריمיקס רמיקס 混音"), "remix"
    ),
    **dict.fromkeys(_split_list("караоке カラオケ"), "karaoke"),
    **dict.fromkeys(_split_list("демо демоверсия デモ 데모 小样 小樣"), "demo"),
    **dict.fromkeys(_split_list("acapella acappella capella"), "cappella"),
}
VERSION_WORDS = (
    PLAIN_VERSIONS | set(VERSIONS_ELSEWHERE) | LIVE_WORDS | VERSION_NAMES
) | _split_words(
    """drumless daycore refix redux reconstruction reinterpretation retouch remodel rerub percapella voicenote uncut
    unedited commentary mixed blend treatment interpretation unreleased 弾き語り 弾き語ver 歌ってみた
    セルフカバー セルフカヴァー オルゴール リアレンジ
    arrange arranged 8bit 翻自 翻唱 カバー カヴァー
    커버 스페드업 加速 降速 纯音乐 純音樂 live remix remixed mix rmx edit version dub session sessions take rework
    bootleg cover slowed reverb sped
    rehearsal outtake remaster remastered acapella cappella rerecorded recorded vip flip mashup medley alternative
    capella rough early stripped symphonic chopped screwed nightcore reworked reimagined revisited remake lofi 8d
    klavierversion orchesterversion langversion kurzversion karaokeversion maxiversion neuversion kinoversion
    klavierfassung orchesterfassung langfassung kurzfassung neufassung neuaufnahme"""
)
VERSION_PHRASES = _split_phrases(
    """mash up, re work, re rub, tiny desk, amazon original, amazon music original, apple music edition,
    a colors show, isolated vocals, vocals only, no drums, music box, bass boosted, jersey club, voice note,
    phone memo, tv size, tvサイズ, アニメサイズ, anime size, movie size, game size, short size, bonus beats,
    minus one, playback,
    work in progress, the first take, off vocal, オフボーカル, オフ ボーカル, backing track,
    spotify singles, from the vault, voice memo, hardstyle, phonk, originally performed by, in the style of,
    made famous by, tribute to, re recording, lo fi, re imagined"""
)
# These name a version at the end of a note, before a number or before the words here: "Bo Cover", "Take 2", "Recorded
# at Home", but not "Cover Me", "Take On Me", "Piano Man", "Early Morning"
VERSIONS_AT_THE_END = {
    **dict.fromkeys(
        _split_list(
            """take mix dub flip vip early rough alternative mixed blend treatment interpretation unreleased
            commentary"""
        ),
        frozenset[str](),
    ),
    "cover": _split_words("by of"),
    "piano": _split_words("and solo vocal vocals"),
    "recorded": _split_words("at by during for in live on"),
}
# whole notes that say the same in other words; "MR" is Korean for an accompaniment
WHOLE_NOTES = {
    **dict.fromkeys(_split_phrases("mr, instrumental mr"), "instrumental"),
    **dict.fromkeys(_split_phrases("8d, 8d audio, 8d version"), "8d"),
    **dict.fromkeys(
        _split_phrases(
            """sped up, spedup, speed up, speeded up, sped up version, speed up version, sped up ver, speed up ver,
            加速版, スピードアップ, 스페드업, 스페드 업"""
        ),
        "sped up",
    ),
    **dict.fromkeys(
        _split_phrases(
            "off vocal, offvocal, off vocal version, off vocal ver, オフボーカル, オフ ボーカル"
        ),
        "off vocal",
    ),
    **dict.fromkeys(_split_phrases("official remix"), "remix"),
    **dict.fromkeys(
        _split_phrases(
            """slowed and reverb, slowed reverb, slowed reverbed, slowed and reverbed, slowed down reverb,
            slowed down and reverb, slowed with reverb"""
        ),
        "slowed reverb",
    ),
    **{
        phrase: f"{language} version"
        for language, phrases in (
            (
                "spanish",
                "version en espanol, version espanola, en espanol, spanische version, versione spagnola",
            ),
            (
                "english",
                "version en ingles, version inglesa, englische version, version anglaise, in english",
            ),
            (
                "german",
                "deutsche version, deutsche fassung, version allemande, auf deutsch, in german",
            ),
            ("french", "version francaise, version en francais, en francais, französische version"),
            ("italian", "versione italiana, version italiana, version italienne, in italiano"),
            (
                "portuguese",
                "versao em portugues, versao portuguesa, em portugues, version portuguesa",
            ),
            ("russian", "русская версия, на русском, russische version"),
            ("japanese", "japanische version, version japonaise, 日本語, 日本語 version"),
            ("korean", "koreanische version, version coreenne, 韓国語, 한국어"),
        )
        for phrase in _split_phrases(phrases)
    },
    **{
        word: f"{language} version"
        for language, word in zip(
            _split_list("国语 國語 粤语 粵語 國語 粵語 国语 粤语 英文 日文 中文"),
            _split_list("国语 國語 粤语 粵語 國 粵 国 粤 英文 日文 中文"),
            strict=True,
        )
    },
    **dict.fromkeys(
        _split_phrases(
            """re recorded, rerecorded, re recorded version, rerecorded version, re recording, rerecording,
            re recorded remastered, new recording"""
        ),
        "rerecorded",
    ),
}
# behind a guest's name they are no name: "(feat. Bo Remix)"; "Little Mix" is one
BEHIND_GUESTS = _split_words("remix rmx bootleg live acoustic instrumental demo karaoke")

# --- Parts and numbers ------------------------------------------------------------------------------------------------

COUNTED = {
    **dict.fromkeys(
        _split_list("pt pts part parts teil tl parte pte partie ptie deel часть ч"), "part"
    ),
    **dict.fromkeys(_split_list("vol volume"), "volume"),
    **dict.fromkeys(_split_list("ch chapter chapitre kapitel capitulo capitolo глава"), "chapter"),
    **dict.fromkeys(_split_list("act acte akt acto atto"), "act"),
    **dict.fromkeys(_split_list("ep episode"), "episode"),
    **{word: word for word in ("scene", "book")},
}
NUMBERED = _split_words("no nr num number")
NUMBERS = {
    word: str(i + 1)
    for numerals in (
        _split_list("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"),
        _split_list("one two three four five six seven eight nine ten eleven twelve"),
    )
    for i, word in enumerate(numerals)
}
# works that many performers record, often listed under their composer: "Sonata No. 2", "Prelude in C"
WORK_FORMS = _split_words(
    """symphony symphonie sinfonie sinfonia sonata sonate sonatina concerto konzert quartet quartett quintet quintett
    trio prelude praeludium präludium fugue fuge nocturne etude mazurka waltz walzer valse polonaise ballade impromptu
    partita suite overture ouverture cantata kantate toccata bagatelle intermezzo rhapsody scherzo serenade variations
    mass messe requiem aria invention"""
)

MONTHS = _split_words(
    """january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec januar februar märz mai juni juli oktober dezember janvier fevrier mars avril juin juillet
    aout septembre octobre novembre decembre enero febrero marzo abril mayo junio julio agosto septiembre octubre
    noviembre diciembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro"""
)

# --- Names that say nothing -------------------------------------------------------------------------------------------

# under which many different songs hide, as players, taggers and services write them
PLACEHOLDER_ARTISTS = _split_phrases(
    """unknown artist, unknown, various artists, various, va, v a, artist, artists, n a, no artist, none, null,
    untagged, not known, anonymous, anonymous artist, untitled artist, tbd, unbekannter künstler,
    unbekannter interpret, unbekannt, verschiedene interpreten, verschiedene künstler, verschiedene, diverse,
    diverse interpreten, artiste inconnu, inconnu, artistes divers, artistes variés, multi interprètes,
    artista desconocido, desconocido, varios artistas, varios, artista desconhecido, desconhecido,
    vários artistas, vários intérpretes, artista sconosciuto, sconosciuto, artisti vari, autori vari,
    onbekende artiest, onbekend, diverse artiesten, nieznany wykonawca, nieznany artysta, różni wykonawcy,
    różni artyści, okänd artist, okända artister, ukendt kunstner, ukjent artist, diverse artister,
    tuntematon artisti, eri esittäjiä, bilinmeyen sanatçı, çeşitli sanatçılar, neznámý umělec,
    neznámý interpret, různí interpreti, ismeretlen előadó, válogatás, άγνωστος καλλιτέχνης,
    διάφοροι καλλιτέχνες, неизвестный исполнитель, неизвестный артист, неизвестен, разные исполнители, сборник,
    невідомий виконавець, різні виконавці, 不明なアーティスト, アーティスト不明, 不明, ヴァリアス アーティスト,
    オムニバス, 未知艺术家, 未知藝人, 未知歌手, 未知艺人, 佚名, 群星, 华语群星, 알 수 없는 아티스트, 알 수 없음,
    여러 아티스트, ไม่ทราบศิลปิน, فنان غير معروف, فنانون متنوعون, אמן לא ידוע, אמנים שונים,
    nghệ sĩ không xác định, nhiều nghệ sĩ, artis tidak dikenal"""
)
# titles of which an artist has one on every album
GENERIC_TITLES = frozenset(
    join_loose_words(phrase)
    for phrase in _split_phrases(
        """intro, introduction, outro, interlude, skit, prelude, overture, untitled, unknown, hidden track,
        unknown track, untitled track, ohne titel, unbekannter titel, unbekannt, sans titre, titre inconnu,
        sin título, título desconocido, senza titolo, sem título, faixa desconhecida, zonder titel, bez tytułu,
        без названия, неизвестный трек, неизвестно, 無題, 无题, 제목 없음, başlıksız, introducción, introdução,
        introduzione, вступление, интро, аутро, 인트로, 아웃트로, イントロ, アウトロ, 前奏, intermission,
        bonus track, silence"""
    )
)
# "Track 1", "Titel 01", "Piste 3"
COUNTED_TRACKS = _split_words(
    "track titel piste pista traccia faixa utwor трек дорожка spor spår トラック 曲 音轨 트랙 parca skladba audio"
)
