"""The names of columns as exporters in many languages write them, in one form in which they are compared."""

import re

from catalog.names.text import normalise

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def normalise_column_name(cell: str) -> str:
    """Return a header's cell as it is compared: "trackName", "Track_Name" and "track name" are one, "Titel" is "titel".

    lastfmstats.com writes the user behind its last column: Date#nora.
    """
    name = _HUMP.sub(" ", cell.strip().partition("#")[0])
    return normalise(name.replace("_", " ")) if name.strip() else ""


def _split_names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(normalise(name) for name in text.split(",")))


OF_A_PLAY = {
    "time": _split_names(
        """uts, timestamp, date uts, utc time, date, time, datetime, date time, date and time, scrobbled at,
        scrobble time, scrobble date, played at, listened at, utc date, date scrobbled, date played, end time,
        ts, play date, datum, zeitpunkt, zeit, uhrzeit, horodatage, fecha, fecha y hora, data, data e hora,
        data e ora,
        data i godzina, дата, время, дата и время, dato, tid, tarih, 日時, 日付, 再生日時, 时间, 日期, 時間,
        播放时间, 播放時間, 播放日期, 收聽時間, 收听时间,
        날짜, 시간, 일시, dátum, ngày, เวลา, التاريخ, תאריך, endzeit, abgespielt am, gehört am, gespielt am,
        date d'écoute, écouté le, date de lecture, heure, heure de fin, hora, hora de fin, hora de finalización,
        hora de término, hora final, escuchado el, reproducido el, ouvido em, data de reprodução, ora, ora di fine,
        ascoltato il, luisterdatum, čas, datum a čas, dátum a čas, čas přehrání, időpont, idő, dátum és idő,
        päivämäärä, aika, pvm, soittoaika, ημερομηνία, ώρα, ημερομηνία και ώρα, дата й час, дата і час, час, dată,
        data și ora, data ora, oră, време, дата и време, datum i vrijeme, vrijeme, vreme, datum in čas, tanggal,
        waktu,
        played, played on, listened, heard, heard at, scrobbled, timestamp utc, time utc, local time, utc,
        tanggal dan waktu, data i hora, kuupäev, aeg, data ir laikas, laikas, datums, laiks, spilletidspunkt,
        thời gian, تاریخ, زمان, الوقت, תאריך ושעה, שעה, दिनांक, तारीख, समय, วันที่,
        started, started at, start time, eindtijd, odtworzono, data odtworzenia, время окончания"""
    ),
    "artist": _split_names(
        """artist, artist name, artists, artist names, track artist, künstler, künstlername, interpret, interpreten,
        artiste, nom de l'artiste, interprète, artista, nombre del artista, nome dell'artista, artiest, wykonawca,
        исполнитель, артист, виконавець, performer,
        artist name s, artist names s, grandparent title, master metadata album artist name, sanatçı, umělec,
        előadó, nghệ sĩ, アーティスト, アーティスト名, 歌手, 艺术家,
        singer, band,
        艺人, 藝人, 演出者, 아티스트, 가수, ศิลปิน, الفنان, אמן, esittäjä, kunstner, künstlernamen, künstler name,
        καλλιτέχνης, ερμηνευτής, interpretul, изпълнител, извођач, izvođač, izvajalec, artis, penyanyi, esitaja,
        atlikėjas, izpildītājs, هنرمند, خواننده, اسم الفنان, שם האמן, זמר, कलाकार, गायक, 表演者, 演唱者, 歌手名,
        nom artiste, nombre artista, nome do artista, nome artista, naam artiest, имя исполнителя"""
    ),
    "album": _split_names(
        """album, album name, parent title, master metadata album album name, release, release name, album title,
        albumtitel, titre de l'album, nom de l'album,
        nombre del álbum, nome do álbum, nome dell'album, albumname, альбом, albüm, albumi,
        άλμπουμ, албум, 專輯名稱, 专辑名称, アルバム, アルバム名, 专辑, 專輯, 앨범, อัลบั้ม, الألبوم, אלבום"""
    ),
    "title": _split_names(
        """track, track name, master metadata track name, product name, title, tittel, låttittel, track title, song,
        song name, song title, name, titel, titelname, lied, stück,
        titre, morceau, chanson, título, canción, pista, titolo, brano, canzone, faixa, música, utwór, tytuł,
        piosenka, название, трек, песня, композиция, назва, şarkı, parça, låt, sång, låttitel, skladba, sang,
        kappale, cím, nummer, bài hát, 曲名, 曲, タイトル, トラック名, 歌曲, 歌名, 标题, 標題, 曲目, 제목, 곡,
        노래, 곡명, เพลง, الأغنية, שיר, songtitel, songname, trackname, titre de la piste, titre du morceau,
        titre de la chanson, nom du titre, nom de la piste, nom du morceau, nom de la chanson, piste,
        nombre de la canción, nombre de la pista, título de la canción, nombre de pista, nome da faixa,
        nome da música, título da música, nome del brano, titolo del brano, nome brano, traccia, naam nummer,
        název skladby, název, píseň, názov, názov skladby, pieseň, dal, szám, dalcím, biisi, kappaleen nimi,
        τραγούδι, τίτλος, κομμάτι, τίτλος τραγουδιού, пісня, назва пісні, композиція, piesă, piesa, melodie, titlu,
        песен, заглавие, песма, pjesma, pesma, naslov, lagu, judul, judul lagu, cançó, títol, laul, pala, daina,
        dziesma, آهنگ, عنوان, اسم الأغنية, العنوان, المقطع,
        שם השיר, शीर्षक, गाना, गीत, 歌曲名稱, 歌曲名称, 歌曲名, 歌名稱, tên bài hát,
        nazwa utworu, tytuł utworu,
        название трека, название песни, название композиции"""
    ),
    "mbid": _split_names("track mbid, recording mbid, mbid"),
    "loved": _split_names(
        """loved, is loved, user loved, userloved, love, liked, is liked, like, favorite, favourite, is favorite,
        is favourite, favorited, favourited, geliebt, lieblingssong, favorit, aimé, favori, me gusta, favorito,
        favorita, preferito, curtida, curtido, ulubione, ulubiony, любимая, любимый, gefällt mir, gefällt"""
    ),
    "played_ms": _split_names(
        """ms played, played ms, milliseconds played, play duration milliseconds, play duration ms,
        consumption duration in milliseconds"""
    ),
    "played_seconds": _split_names(
        "seconds played, played seconds, consumption duration in seconds, listening time in seconds"
    ),
    "medium": _split_names("media type, media kind"),
    "user": _split_names(
        "user, username, user name, benutzer, benutzername, utilisateur, usuario, utente"
    ),
}
"""The names under which the columns of a table of plays, or the keys of a list, may go; the usual ones first."""

MUSIC = _split_names(
    "track, audio, music, song, songs, musik, titel, lied, musique, música, musica"
)
"""How a column of media calls what is no film and no podcast."""

OF_ANOTHER_MOMENT = frozenset(
    _split_names(
        """added, modified, changed, updated, created, released, release, purchased, bought, saved, first, rated, birth,
        hinzugefügt, geändert, gekauft, erstellt, ajouté, modifié, acheté, añadido, agregado, modificado, adicionado,
        aggiunto, modificato, toegevoegd, dodano, zmieniono, добавлено, изменено, eklendi, přidáno, lagt, tillagd"""
    )
)
"""Words by which tables call a moment that is none of a play: when a song came into a library."""

OF_ANOTHER_MOMENT_INSIDE = _split_names(
    "追加, 添加, 加入, 新增, 추가, 更新, 수정, 作成, 创建, 建立, 購入, 购买, 購買, 구매, 発売, 发行"
)
"""The same in writings without blanks between words, where they stand inside of a name."""

COUNTS = _split_names(
    """plays, play count, playcount, scrobbles, listens, listen count, count, times played, total plays, wiedergaben,
    anzahl, écoutes, reproducciones, riproduzioni, reproduções, odtworzenia, прослушивания"""
)
"""How tables call the number of plays; "play count" and a title are no scrobble."""
