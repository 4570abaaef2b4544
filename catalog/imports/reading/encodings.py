"""What a text that is no UTF-8 seems to be written in, for the sentence that refuses it or for files older than UTF-8.

A guess names an encoding so that somebody can save the file anew; only old playlists and logs are read by one, and only
where it is Western: a wrong guess would fill the catalog with names that nobody can read.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъіїєў"
_WESTERN = "éèêëàâäáãåçñöôóòõøüûùúíîïìßæœÉÈÖÜÄÅØÇÑÓÁÍÚÀÊ’‘“”…–—´°"
_SIMPLIFIED = (
    "的一是不了人我在有他这中大来上个们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军"
    "二无同么经法当起与好看学进种将还分此心前面又定见只主没公从爱情歌曲爱周陈林李王张刘黄杨吴赵孙风花雪月夜梦雨海光星晴夏秋冬春"
)
_TRADITIONAL = (
    "的一是不了人我在有他這中大來上個們到說國和地也子時道出而要於就下得可你年生自會那後能對著事其裡所去行過家十用發天如然作方成者多日都三小軍"
    "二無同麼經法當起與好看學進種將還分此心前面又定見只主沒公從愛情歌曲周陳林李王張劉黃楊吳趙孫風花雪月夜夢雨海光星晴夏秋冬春"
)


class Encoding(NamedTuple):
    """An encoding by the name that editors and spreadsheets list it under, and the codec that reads it."""

    title: str
    codec: str
    frequent: str
    is_western: bool = False


# where two fit as well, the first one is named
_OF_ONE_BYTE = (
    Encoding("Windows-1255 (Hebrew)", "cp1255", "".join(map(chr, range(0x5D0, 0x5EB)))),
    Encoding("Windows-1251 (Cyrillic)", "cp1251", _CYRILLIC),
    Encoding("KOI8-R (Cyrillic)", "koi8-r", _CYRILLIC),
    Encoding("DOS 866 (Cyrillic)", "cp866", _CYRILLIC),
    Encoding("Mac Cyrillic", "mac-cyrillic", _CYRILLIC),
    Encoding("Windows-1253 (Greek)", "cp1253", "αοιετσνηυρπκμλςγδβχθφωξζψάέήίόύώ"),
    Encoding("Windows-1256 (Arabic)", "cp1256", "".join(map(chr, range(0x621, 0x64B)))),
)
_LATIN = (
    Encoding("Windows-1252 (Western)", "cp1252", _WESTERN, is_western=True),
    Encoding("Mac Roman (Western)", "mac-roman", _WESTERN, is_western=True),
    Encoding("DOS 850 (Western)", "cp850", _WESTERN),
    Encoding("Windows-1250 (Central European)", "cp1250", "ąćęłńóśźżáčďéěíňřšťúůýžäöüőűŁŚŻŠČŘŽ"),
    Encoding("Windows-1254 (Turkish)", "cp1254", "ğışçöüİĞŞâî"),
)
_OF_TWO_BYTES = (
    Encoding("Shift-JIS (Japanese)", "cp932", ""),
    Encoding("EUC-JP (Japanese)", "euc-jp", ""),
    Encoding("Windows-949 (Korean)", "cp949", ""),
    Encoding("GB18030 (Chinese)", "gb18030", _SIMPLIFIED),
    Encoding("Big5 (Chinese)", "big5", _TRADITIONAL),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_LOOKED_AT = 65_536
_SURE, _LIKELY = 0.85, 0.5
# the share of bytes above 127 that have another one beside them, from which on the letters are no Latin ones
_BESIDE_ONE_ANOTHER = 0.4


def detect_encoding(head: bytes) -> Encoding | None:
    """Return what a text's beginning seems to be written in; None where nothing fits."""
    text = b"\n".join(line for line in head[:_LOOKED_AT].splitlines() if _is_foreign(line))
    runs = _HIGH.findall(text)
    n_high = sum(map(len, runs))
    if not n_high:
        return None
    if sum(len(run) for run in runs if len(run) > 1) < _BESIDE_ONE_ANOTHER * n_high:
        return _choose(text, _LATIN, _LIKELY)
    return (
        _choose(text, _OF_ONE_BYTE, _SURE)
        or _choose_of_two_bytes(text)
        or _choose(text, (*_OF_ONE_BYTE, *_LATIN), _LIKELY)
    )


def is_mostly_foreign(head: bytes) -> bool:
    """Whether more lines of a text's beginning are no UTF-8 than are UTF-8 with letters beyond ASCII."""
    n_foreign = n_utf8 = 0
    for line in head.splitlines():
        if not line.isascii():
            is_foreign = _is_foreign(line)
            n_foreign += is_foreign
            n_utf8 += not is_foreign
    return n_foreign > n_utf8


def find_utf16(head: bytes) -> str:
    """Return which UTF-16 a text without a byte order mark is, "" for any other: every second byte is nothing."""
    even, odd = head[:4096:2], head[1:4096:2]
    if len(odd) < 2 or head[:4096].count(0) > 0.55 * len(head[:4096]):
        return ""
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.01 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.01 * len(odd):
        return "utf-16-be"
    return ""


def _is_foreign(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _choose(text: bytes, encodings: tuple[Encoding, ...], least: float) -> Encoding | None:
    best = max(encodings, key=lambda encoding: _rate(text, encoding))
    return best if _rate(text, best) >= least else None


def _rate(text: bytes, encoding: Encoding) -> float:
    """Return the share of the letters beyond ASCII that are frequent ones, if the text were in that encoding.

    Capitals count half: KOI8 has capitals where Windows-1251 has small letters.
    """
    letters = list(_list_letters(text.decode(encoding.codec, "replace")))
    n_small = sum(letter in encoding.frequent for letter in letters)
    n_all = sum(letter.lower() in encoding.frequent for letter in letters)
    return (n_small + n_all) / 2 / max(len(letters), 1)


def _choose_of_two_bytes(text: bytes) -> Encoding | None:
    readings = {}
    for encoding in _OF_TWO_BYTES:
        try:
            readings[encoding] = list(_list_letters(text.decode(encoding.codec)))
        except UnicodeDecodeError:
            continue
    for encoding, letters in readings.items():
        n_kana = sum("\u3041" <= letter <= "\u30ff" for letter in letters)
        n_hangul = sum("\uac00" <= letter <= "\ud7a3" for letter in letters)
        if "Japanese" in encoding.title and n_kana > 0.1 * len(letters):
            return encoding
        if "Korean" in encoding.title and n_hangul > 0.8 * len(letters):
            return encoding
    chinese = [encoding for encoding in readings if encoding.frequent]
    best = max(chinese, key=lambda encoding: _rate(text, encoding), default=None)
    return best if best and _rate(text, best) > 0.1 else None


def _list_letters(text: str) -> Iterator[str]:
    return (letter for letter in text if letter > "\x7f")
