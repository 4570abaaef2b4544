"""Under which keys songs are looked up by their names: stated once for players, files and the API.

The match key finds the recording: artist and title without what does not tell recordings apart (see
`catalog.names.title_notes` and the table of docs/matching.md). The work key is looser and the
same for all versions of a song: studio, concert, remix, demo.
"""

import re
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from catalog.names.artist_credits import (
    find_guests,
    get_main_artist,
    has_joiner,
    is_list_of_full_names,
    list_guest_names,
    split_credit,
)
from catalog.names.artist_keys import build_artist_key, build_lookup_key, build_name_key
from catalog.names.inverted_names import names_classical
from catalog.names.text import KEY_PART_LENGTH, collapse_blanks, fit_key
from catalog.names.title_keys import add_guests_of_remix, is_composed, is_count, join_title_words
from catalog.names.title_notes import may_name_version, names_version
from catalog.names.title_pieces import Piece, read_pieces

_MOST_GUESTS = 3
# a history names the same songs again and again
_KEPT_NAMES = 4_096
# "Ana Lima 'Tide' MV", "Ana Lima「Tide」"
_QUOTED_TITLE = re.compile(
    r"^([^'‘“\"「『]{1,120}?)\s?(?:[-–—:]\s)?(?:(?<=\s)['‘“\"]|[「『])([^'’”\"」』]+)['’”\"」』](?!\w)(.*)$"
)
_OWN_ARTIST_SIGN = re.compile(r": |/|／|[\s][‘'“\"]|[「『]")


class SongKeys(NamedTuple):
    """The two lookup keys of a song, computed from its names."""

    match_key: str
    work_key: str


@lru_cache(_KEPT_NAMES)
def build_song_keys(artist: str, title: str) -> SongKeys:
    """Return both keys of a song; linear in the names, of which 500 letters count."""
    artist = _leave_out_guests(artist, title)
    key = build_artist_key(artist)
    pieces = _read_title(key, title)
    main_pieces = [piece for piece in pieces if not (piece.is_note and names_version(piece.text))]
    match = join_title_words(pieces, title)
    key = _build_performers_key(artist, match) or key
    work = (
        join_title_words(main_pieces, title)
        if main_pieces and len(main_pieces) < len(pieces)
        else match
    )
    match = add_guests_of_remix(match, pieces, artist, title)
    return SongKeys(fit_key(f"{key}|{match}"), fit_key(f"{key}|{work}"))


def build_match_key(artist: str, title: str) -> str:
    """Return the key that identifies a recording without ids."""
    return build_song_keys(artist, title).match_key


GuestKeys = tuple[tuple[str, frozenset[str]], ...]
"""Match keys, each with the lookup keys of guests."""


@lru_cache(_KEPT_NAMES)
def build_guest_keys(artist: str, match_key: str, title: str) -> GuestKeys:
    """Return further match keys under which a recording may be stored, with the guests who have to be named there.

    One source writes "Ana & Bo", another "Ana" and "Tide (feat. Bo)". Names that show by themselves to be several
    artists' need none of this.
    """
    names = split_credit(get_main_artist(artist))
    guests = [one for one in dict.fromkeys(list_guest_names(artist, title)) if one not in names]
    title_key = match_key.partition("|")[2]
    keys: list[tuple[str, frozenset[str]]] = []
    if len(guests) <= _MOST_GUESTS:
        for n in range(len(guests), 0, -1):
            for main_guests in combinations(guests, n):
                joint = build_artist_key(", ".join([*names, *main_guests]))
                others = frozenset(map(build_lookup_key, set(guests) - set(main_guests)))
                keys.append((fit_key(f"{joint}|{title_key}"), others))
    if 1 < len(names) <= _MOST_GUESTS + 1 and not is_list_of_full_names(names):
        others = frozenset(map(build_lookup_key, names[1:]))
        keys.append((fit_key(f"{build_name_key(names[0])}|{title_key}"), others))
    return tuple((key, others) for key, others in keys if key != match_key)


def is_same_name(artist: str, title: str, other_artist: str, other_title: str) -> bool:
    """Whether an id may make one song of two pairs of names, which are the parts of match keys.

    Titles that agree are enough, as artists are written in other scripts. Where the artists agree, one title may
    go on behind the other, but not with the name of a version or a number.
    """
    if title.replace(" ", "") == other_title.replace(" ", ""):
        return True
    if not (artist.startswith(other_artist) or other_artist.startswith(artist)):
        return False
    shorter, longer = sorted((title.split(), other_title.split()), key=len)
    rest = longer[len(shorter) :]
    is_longer = bool(shorter) and longer[: len(shorter)] == shorter
    return is_longer and not may_name_version(rest) and not any(is_count(word) for word in rest)


def _leave_out_guests(artist: str, title: str) -> str:
    """Return a credit without those whom the title names as guests: "Ana, Bo" of "Tide (feat. Bo)" is "Ana"."""
    if not has_joiner(artist):
        return artist
    guests = find_guests(title)
    if not guests:
        return artist
    keys = {build_lookup_key(name) for guest in guests for name in (guest, *split_credit(guest))}
    names = split_credit(get_main_artist(artist))
    staying = [name for name in names if build_lookup_key(name) not in keys]
    return ", ".join(staying) if staying and len(staying) < len(names) else artist


def _build_performers_key(artist: str, title_key: str) -> str:
    """Return a key of everybody in a credit of classical music, "" for any other.

    There the first name is mostly the composer's or the orchestra's, under which many performers play one work.
    """
    names = split_credit(get_main_artist(artist))
    if len(names) < 2 or not is_list_of_full_names(names):
        return ""
    if not is_composed(title_key) and not any(map(names_classical, names)):
        return ""
    return ",".join(sorted({build_lookup_key(name) for name in names}))[:KEY_PART_LENGTH]


def _read_title(artist: str, title: str) -> list[Piece]:
    """Return the pieces that count; video sites put the artist before the title: "Ana Lima - Tide (Video)"."""
    whole = collapse_blanks(title)
    pieces = read_pieces(
        _cut_own_artist(artist, whole) if _OWN_ARTIST_SIGN.search(whole) else whole
    )
    if len(pieces) < 2:
        return pieces
    first, second, *_ = pieces
    is_begun = second.is_behind_dash and artist in (
        build_lookup_key(first.text),
        build_artist_key(first.text),
    )
    if is_begun and second.text != "live" and not names_version(second.text):
        return [second._replace(is_note=False), *pieces[2:]]
    if second.is_behind_dash and build_lookup_key(second.text) == artist:  # "Tide - Ana Lima"
        return [first, *pieces[2:]]
    return pieces


def _cut_own_artist(artist: str, title: str) -> str:
    """Return a title without its artist, before it or behind it: "Ana Lima 'Tide' MV", "Tide / Ana Lima"."""
    quoted = _QUOTED_TITLE.match(title)
    if quoted is not None and build_artist_key(quoted[1]) == artist:
        return f"{quoted[2]} {quoted[3].strip()}".strip()
    before, colon, rest = title.partition(": ")
    if colon and build_lookup_key(before) == artist and rest.lower() != "live":
        return rest
    before, slash, rest = title.rpartition("/")
    if slash and before.strip() and build_lookup_key(rest) == artist:
        return before.strip()
    return title
