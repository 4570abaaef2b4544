"""Which song of the catalog a listen from elsewhere means: rules stated once for players, files and the API.

A listen matches by the first of these that finds a song:

1. the MusicBrainz recording id,
2. the ISRC,
3. the match key: artist and title in the normal form of `catalog.text`, after these rules.

Artist: guests after "feat.", "ft." or "featuring" do not count; neither do a leading "The", "and" and "&".

Title: a note in brackets or after " - " is
  - dropped when it names guests: "(feat. Rihanna)", "[with Sting]";
  - dropped when it names a pressing of the same recording: "- Remastered 2011", "(2004 Remaster)", "(Mono)",
    "- Radio Edit", "(Album Version)", "(Explicit)", "(Bonus Track)", "(Deluxe Edition)";
  - brought to the one word "live" when it names a concert: "(Live)", "- Live at Wembley, 1986". A concert is
    another recording, so it never matches the studio one;
  - kept in full otherwise: "(Acoustic)", "- Club Remix", "(Part 2)" are other songs.

Two recordings with different MusicBrainz ids and the same match key are one song here: compilations give
the same song several ids, and what matters is whether the listener likes it.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from catalog.text import normalise

_GUEST_WORD = re.compile(r"\b(?:feat|ft|featuring)\b\.?\s", re.IGNORECASE)
_BRACKETED_NOTE = re.compile(r"[\(\[\{]([^\(\)\[\]\{\}]*)[\)\]\}]")
_DASHED_NOTE = re.compile(r"\s[-–—]\s(?P<note>[^-–—]*(?:[-–—]\S[^-–—]*)*)$")
_GUEST_NOTE = re.compile(r"^(?:feat|ft|featuring|with)\b")
_LIVE_NOTE = re.compile(r"^(?:recorded )?live\b|\blive$|\blive (?:at|in|from|on|version|recording|session)\b")
_YEAR = r"(?:19|20)\d\d"
_PRESSING_NOTE = re.compile(
    "|".join(
        (
            # 2011 remastered version · remastered 2011 · mono · stereo mix
            rf"^(?:{_YEAR} )?(?:digital(?:ly)? )?(?:re ?master(?:ed)?|mono|stereo|explicit|clean)"
            rf"(?: (?:version|edition|mix|edit|album|single))*(?: (?:in )?{_YEAR})?"
            r"(?: (?:version|edition|mix|remaster))?$",
            # album version · radio edit · 12 inch version
            r"^(?:single|album|lp|ep|radio|original|main|standard|full length|7|12)"
            r"(?: (?:inch|album|single))? (?:version|edit|mix)$",
            r"^(?:original|bonus track|edit)$",
            # super deluxe edition · bonus track version
            r"^(?:\w+ )?(?:deluxe|expanded|anniversary|special|collector s|bonus track)"
            r"(?: (?:edition|version|remaster(?:ed)?))+$",
            r"^(?:from|taken from) .*(?:soundtrack|motion picture).*$",
            rf"^{_YEAR} (?:version|digital remaster)$",
        )
    )
)
_LEADING_THE = re.compile(r"^the (?=\S)")
_AND = re.compile(r" and (?=\S)")
_PART = re.compile(r"\bpt\b")

# two of them, of four bytes a letter, fit into the 2,704 bytes of a PostgreSQL index entry
MAX_LENGTH = 300
# as long as a name that is stored; what comes behind it decides nothing
_READ_LENGTH = 500
_MAX_NOTES = 8
_ISRC = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")


@dataclass(frozen=True, slots=True)
class SongIdentifiers:
    """By what a listen identifies its song; the match key is computed here, before any transaction."""

    artist: str
    title: str
    mbid: uuid.UUID | None = None
    isrc: str = ""
    match_key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "match_key", match_key(self.artist, self.title))

    def lookups(self) -> Iterator[tuple[str, object]]:
        """Yield (field of Song, value) in the order in which they are to be looked up."""
        if self.mbid:
            yield "mbid", self.mbid
        if self.isrc:
            yield "isrc", self.isrc
        yield "match_key", self.match_key


def match_key(artist: str, title: str) -> str:
    """Return what a song without ids is recognised by."""
    return f"{artist_key(artist)}|{title_key(title)}"


def artist_key(artist: str) -> str:
    """Return the main artist in normal form: no guests, no leading "the", no "and"."""
    words = normalise(main_artist(artist))
    return _AND.sub(" ", _LEADING_THE.sub("", words))[:MAX_LENGTH]


def main_artist(artist: str) -> str:
    """Return `artist` without guests, as it is written: "Drake feat. Rihanna" → "Drake"."""
    return _cut_guests(_collapse_blanks(artist)) or artist.strip()


def title_key(title: str) -> str:
    """Return `title` in normal form with its notes dropped, shortened or kept, by the rules above."""
    title = _collapse_blanks(title)
    plain = _cut_guests(_apply_to_notes(title))
    return _tidy(normalise(plain) or normalise(title))


def clean_isrc(isrc: str) -> str:
    """Return an ISRC as twelve characters without hyphens, or "" when it is none."""
    bare = isrc.replace("-", "").replace(" ", "").upper()
    return bare if _ISRC.match(bare) else ""


def _collapse_blanks(name: str) -> str:
    return " ".join(name[:_READ_LENGTH].split())


def _cut_guests(name: str) -> str:
    """Cut a name where its guests begin; one search, linear in the name."""
    guests = _GUEST_WORD.search(name)
    return (name[: guests.start()].rstrip(" ([") if guests else name).strip()


def _apply_to_notes(title: str) -> str:
    without_brackets = _BRACKETED_NOTE.sub(lambda found: f" {_judged(found[1])} ", title)
    shortened = without_brackets
    for _ in range(_MAX_NOTES):
        note = _DASHED_NOTE.search(shortened)
        if note is None or _judged(note["note"]) == note["note"]:
            break
        shortened = f"{shortened[: note.start()]} {_judged(note['note'])}"
    return shortened


def _judged(note: str) -> str:
    words = normalise(note)
    if _GUEST_NOTE.search(words) or _PRESSING_NOTE.search(words):
        return ""
    return "live" if _LIVE_NOTE.search(words) else note


def _tidy(words: str) -> str:
    return _PART.sub("part", _AND.sub(" ", words))[:MAX_LENGTH].rstrip()
