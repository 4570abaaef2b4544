"""The artists of songs: the one that a song is listed under, and everybody else its credit names.

A song belongs to one artist, called as the credit is written without its guests ("A & B" of "A & B feat. C"). Beside
it every single artist is linked by an `ArtistCredit`: A, B and C. A joined name is cut only on evidence, as it may
be one name: see `_JoinedName`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.names.artist_credits import (
    find_guests,
    get_main_artist,
    is_list_of_full_names,
    split_credit,
    strip_channel,
)
from catalog.names.artist_keys import build_lookup_key
from catalog.names.text import NAME_LENGTH, normalise_name
from catalog.records import SongRecord
from catalog.songs.former_artists import (
    ArtistAlias,
    FormerArtist,
    choose_former_artist,
    find_former_artists,
)
from catalog.songs.models import Artist, ArtistCredit, Song
from common.bulk_sql import cut_chunks, load_ids

_MOST_ARTISTS = 20


def build_credit(artist: str, main: str) -> str:
    """Return the whole credit where it says more than the main artist, else nothing."""
    credit = strip_channel(artist)[:NAME_LENGTH]
    return "" if credit == main else credit


def find_or_add_artists(records: Sequence[SongRecord]) -> list[int]:
    """Return the id of the main artist of each record, adding artists that are new.

    An artist's MusicBrainz id counts only where its name agrees; the id of one artist is never given to a
    credit of several. A name that nobody has now is that of the artist who had it before.
    """
    names = [get_main_artist(record.artist)[:NAME_LENGTH] for record in records]
    mbids = _select_trusted_mbids(names, records)
    keys = {name: normalise_name(name) for name in set(names)}
    by_name = _find_by_name(names)
    identities = [(keys[name], mbid) for name, mbid in zip(names, mbids, strict=True)]
    written = dict(zip(reversed(identities), reversed(names), strict=True))
    ids: dict[tuple[str, str], int] = {}
    # spellings of one name in one batch make one artist: AC/DC and ACDC
    new: dict[tuple[str, str], Artist] = {}
    unknown: dict[tuple[str, str], tuple[str, str]] = {}
    missing = []
    for key, mbid in dict.fromkeys(identities):
        artist = _choose(by_name.get(key, ()), mbid)
        if artist is not None:
            ids[key, mbid] = artist.pk
        else:
            missing.append((key, mbid, _make_artist(written[key, mbid], mbid)))
    former = find_former_artists(artist.lookup_key for _key, _mbid, artist in missing)
    for key, mbid, artist in missing:
        before = choose_former_artist(former.get(artist.lookup_key, ()), mbid)
        if before is not None:
            ids[key, mbid] = before.pk
            continue
        unknown[key, mbid] = artist.lookup_key, mbid
        new.setdefault(unknown[key, mbid], artist)
    if new:
        Artist.objects.bulk_create(new.values(), ignore_conflicts=True, batch_size=500)
        by_name = _find_by_name([artist.name for artist in new.values()])
        for wanted, added in unknown.items():
            same = by_name[new[added].search_text]
            ids[wanted] = (_choose(same, wanted[1]) or same[0]).pk
    return [ids[wanted] for wanted in identities]


def link_artists(records: Mapping[int, SongRecord]) -> None:
    """Link new songs, by their ids, to every artist that their credit or title names beside the main one."""
    candidates = {song_id: _split_names(record) for song_id, record in records.items()}
    candidates = {song_id: names for song_id, names in candidates.items() if names[0] or names[1]}
    if not candidates:
        return
    unsure = {name for _, joined in candidates.values() for one in joined for name in one.names}
    known_keys = _find_known_lookup_keys(unsure)
    sure = {
        song_id: [*names, *(name for one in joined for name in one.choose(known_keys))]
        for song_id, (names, joined) in candidates.items()
    }
    mbids = {
        build_lookup_key(name): mbid
        for record in records.values()
        for name, mbid in record.credit
        if mbid
    }
    ids = _find_or_add_by_lookup_key({name for names in sure.values() for name in names}, mbids)
    main = dict(Song.objects.filter(pk__in=sure).values_list("pk", "artist_id"))
    rows = [
        ArtistCredit(song_id=song_id, artist_id=artist_id)
        for song_id, names in sure.items()
        for artist_id in dict.fromkeys(
            ids[build_lookup_key(name)] for name in names[:_MOST_ARTISTS]
        )
        if artist_id != main.get(song_id)
    ]
    ArtistCredit.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


class _JoinedName(NamedTuple):
    """A name with joiners in it, which may be one artist's or several ones'."""

    whole: str  # "" for the main artist's, who is linked anyway
    names: list[str]

    def choose(self, known_keys: Collection[str]) -> list[str]:
        """Return the names between the joiners where each has songs of its own, else the whole name."""
        if all(build_lookup_key(name) in known_keys for name in self.names):
            return self.names
        return [self.whole] if self.whole else []


def _split_names(record: SongRecord) -> tuple[list[str], list[_JoinedName]]:
    """Return the artists that are named for sure, and the names that may be several ones'."""
    main = get_main_artist(record.artist)
    guests = [guest for text in (record.artist, record.title) for guest in find_guests(text)]
    joined = [
        _JoinedName(guest, names) for guest in guests if len(names := split_credit(guest)) > 1
    ]
    sure = [guest for guest in guests if guest not in [one.whole for one in joined]]
    if len(record.credit) > 1:
        return [*(name for name, _ in record.credit), *sure], joined
    names = split_credit(main)
    if len(names) < 2:
        return sure, joined
    if is_list_of_full_names(names):
        return [*names, *sure], joined
    return sure, [_JoinedName("", names), *joined]


def _find_known_lookup_keys(names: Iterable[str]) -> set[str]:
    """Return the lookup keys of those names under which an artist has songs of their own."""
    keys = {build_lookup_key(name) for name in names}
    known_keys: set[str] = set()
    for some_keys in cut_chunks(keys):
        rows = Artist.objects.filter(lookup_key__in=some_keys, songs__isnull=False)
        former = ArtistAlias.objects.filter(lookup_key__in=some_keys).order_by()
        own = rows.order_by().values_list("lookup_key", flat=True)
        known_keys.update(own.union(former.values_list("lookup_key", flat=True)))
    return known_keys


def _find_or_add_by_lookup_key(names: Iterable[str], mbids: Mapping[str, str]) -> dict[str, int]:
    """Return artists by lookup key; new ones get their MusicBrainz id of `mbids` where nobody has it."""
    written = {build_lookup_key(name): name for name in names}
    ids = load_ids(Artist, "lookup_key", written)
    missing = [key for key in sorted(written) if key not in ids]
    former = _find_former(missing, mbids)
    missing = [key for key in missing if key not in former]
    key_by_mbid = _read_owners(mbids[key] for key in missing if key in mbids)
    new = []
    for key in missing:
        mbid = mbids.get(key, "")
        new.append(_make_artist(written[key][:NAME_LENGTH], "" if mbid in key_by_mbid else mbid))
        key_by_mbid[mbid] = key
    if new:
        Artist.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
        by_text = load_ids(Artist, "search_text", (artist.search_text for artist in new))
        ids = load_ids(Artist, "lookup_key", written) | {
            artist.lookup_key: by_text[artist.search_text] for artist in new
        }
    return former | ids


def _find_former(lookup_keys: Iterable[str], mbids: Mapping[str, str]) -> dict[str, int]:
    """Return the artists who had some names before, by lookup key."""
    chosen: dict[str, FormerArtist | None] = {
        key: choose_former_artist(artists, mbids.get(key, "").lower())
        for key, artists in find_former_artists(lookup_keys).items()
    }
    return {key: artist.pk for key, artist in chosen.items() if artist is not None}


def _select_trusted_mbids(names: Sequence[str], records: Sequence[SongRecord]) -> list[str]:
    """Return the artist's MusicBrainz id of each record, "" where it belongs to another name or to one of several."""
    mbids = [record.artist_mbid.lower() for record in records]
    if not any(mbids):
        return mbids
    owners = _read_owners(mbid for mbid in mbids if mbid)
    believed = []
    for name, mbid in zip(names, mbids, strict=True):
        key = build_lookup_key(name)
        is_free = mbid not in owners and len(split_credit(name)) == 1
        if mbid and is_free:
            owners[mbid] = key
        believed.append(mbid if mbid and owners.get(mbid) == key else "")
    return believed


def _read_owners(mbids: Iterable[str]) -> dict[str, str]:
    """Return the lookup keys of the artists that have some of these MusicBrainz ids, by id."""
    owners: dict[str, str] = {}
    for some_mbids in cut_chunks(set(mbids)):
        rows = Artist.objects.filter(mbid__in=some_mbids).values_list("mbid", "lookup_key")
        owners.update({str(mbid): key for mbid, key in rows})
    return owners


def _find_by_name(names: Iterable[str]) -> dict[str, list[Artist]]:
    """Return the artists by the normal form of their names, else by the lookup key without blanks."""
    keys = {normalise_name(name): build_lookup_key(name) for name in set(names)}
    by_name: dict[str, list[Artist]] = {}
    for some_keys in cut_chunks(keys):
        for artist in Artist.objects.filter(search_text__in=some_keys).order_by("pk"):
            by_name.setdefault(artist.search_text, []).append(artist)
    missing = {lookup: key for key, lookup in keys.items() if key not in by_name}
    for some_keys in cut_chunks(missing):
        for artist in Artist.objects.filter(lookup_key__in=some_keys).order_by("pk"):
            by_name.setdefault(missing[artist.lookup_key], []).append(artist)
    return by_name


def _choose(artists: Sequence[Artist], mbid: str) -> Artist | None:
    """Return the artist of that id, else the first one whose id does not speak against it."""
    if not mbid:
        return next(
            (artist for artist in artists if artist.mbid is None), artists[0] if artists else None
        )
    same = next((artist for artist in artists if str(artist.mbid) == mbid), None)
    return same or next((artist for artist in artists if artist.mbid is None), None)


def _make_artist(name: str, mbid: str) -> Artist:
    return Artist(
        name=name,
        search_text=normalise_name(name),
        lookup_key=build_lookup_key(name),
        mbid=mbid or None,
    )
