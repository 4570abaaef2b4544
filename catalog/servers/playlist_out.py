"""Playlists into a joined account's server: made, renewed, and taken away again. Another's playlist is never touched.

Which ones are ours says the table `WrittenPlaylist`, by the server's own ids. A server that was set up anew may have
given such an id to somebody's own playlist: one with another owner, or with a comment that lacks our mark, is not ours.
A playlist that somebody deleted there is made anew with its next songs, one whose owner renamed it keeps our name.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts.languages import activate_language
from catalog.playlists.models import Playlist
from catalog.servers.clients import ItemGone, ServerClient, ServerPlaylist
from catalog.servers.models import MusicServer, ServerAccount, ServerSong, WrittenPlaylist
from catalog.servers.song_writer import find_item_ids

Kind = Playlist.Kind
MARK = "musicrec"
_MOST_MIXES = 6


class OutgoingPlaylist(NamedTuple):
    """A list as it should be there. `name` stays the same from week to week."""

    name: str
    title: str
    item_ids: list[str]

    @property
    def digest(self) -> str:
        text = "\n".join([self.title, *self.item_ids])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def write_playlists(account: ServerAccount, client: ServerClient) -> int:
    """Write the account's lists that changed into the server; return how many. Raises ServerError."""
    return sum(_write(account, client, one) for one in _list_changed(account))


def has_changed_playlists(account: ServerAccount) -> bool:
    """Return whether there is something to write."""
    return next(_list_changed(account), None) is not None


def write_own_playlist(account: ServerAccount, client: ServerClient, playlist: Playlist) -> int:
    """Write one of the listener's lists now, and from then on whenever it changes; return its number of songs there."""
    outgoing = _build(account, str(playlist.pk), playlist)
    if outgoing.item_ids:
        _write(account, client, outgoing)
    return len(outgoing.item_ids)


def delete_playlists(account: ServerAccount, client: ServerClient) -> None:
    """Delete what we wrote for this account; what is gone there already is only forgotten here."""
    rows = list(WrittenPlaylist.objects.filter(account=account))
    ours = _list_our_ids(account, client) if rows else set()
    for row in rows:
        if row.playlist_id in ours:
            with suppress(ItemGone):
                client.delete_playlist(row.playlist_id)
        row.delete()


def _list_our_ids(account: ServerAccount, client: ServerClient) -> set[str]:
    """Return the ids there of playlists that can be ours, by their owner and comment."""
    return {one.playlist_id for one in client.list_playlists() if _can_be_ours(account, one)}


def _can_be_ours(account: ServerAccount, there: ServerPlaylist) -> bool:
    """Whether nothing that a server says of a playlist speaks against us; some say no owner, and keep no comment."""
    has_our_owner = there.owner.casefold() in ("", account.account_name.casefold())
    return has_our_owner and (not there.comment or f"[{MARK}:" in there.comment)


def render_m3u8(server: MusicServer, playlist: Playlist) -> str:
    """Return the playlist as extended M3U with the paths that the server tells; songs without one are comments."""
    items = list(playlist.listed_items.select_related("song__artist"))
    rows = ServerSong.objects.present().filter(server=server, song__in=[i.song_id for i in items])
    paths = dict(rows.exclude(path="").order_by("-pk").values_list("song_id", "path"))
    lines = ["#EXTM3U", f"#PLAYLIST:{_join_lines(playlist.shown_title)}"]
    for item in items:
        song = item.song
        name = f"{_join_lines(song.artist.name)} - {_join_lines(song.title)}"
        if song.pk not in paths:
            lines.append(f"# Not on this server: {name}")
            continue
        seconds = round(song.duration_ms / 1000) if song.duration_ms else -1
        path = re.sub(r"[\r\n]", " ", paths[song.pk])
        lines += [f"#EXTINF:{seconds},{name}", f"./{path}" if path.startswith("#") else path]
    return "\n".join(lines) + "\n"


def _join_lines(text: str) -> str:
    return " ".join(text.split())


def _list_changed(account: ServerAccount) -> Iterator[OutgoingPlaylist]:
    if not (account.writes_playlists and account.server.write_playlists):
        return
    written = dict(WrittenPlaylist.objects.filter(account=account).values_list("name", "digest"))
    for name, playlist in _list_wanted(account, written):
        outgoing = _build(account, name, playlist)
        if outgoing.item_ids and written.get(name) != outgoing.digest:
            yield outgoing


def _list_wanted(account: ServerAccount, written: dict[str, str]) -> Iterator[tuple[str, Playlist]]:
    """Yield the newest jams and discovery, the newest day's mixes, and own lists that were sent before."""
    playlists = Playlist.objects.filter(owner=account.user)
    for kind in (Kind.WEEKLY_JAMS, Kind.WEEKLY_DISCOVERY):
        newest = playlists.filter(kind=kind).order_by("-period").first()
        if newest is not None:
            yield str(kind), newest
    mixes = list(playlists.filter(kind=Kind.DAILY_MIX).order_by("-period")[:_MOST_MIXES])
    for mix in reversed(mixes):
        day, _dash, number = mix.period.rpartition("-")
        if mixes[0].period.startswith(f"{day}-"):
            yield f"{Kind.DAILY_MIX}-{number}"[:50], mix
    for own in playlists.filter(kind=Kind.OWN):
        if str(own.pk) in written:
            yield str(own.pk), own


def _build(account: ServerAccount, name: str, playlist: Playlist) -> OutgoingPlaylist:
    """Return the list with the server's ids; songs that the server does not have are left out."""
    song_ids = list(playlist.listed_items.values_list("song_id", flat=True))
    items = find_item_ids(account.server_id, song_ids)
    title = playlist.title if playlist.kind == Kind.OWN else _name_generated(account, playlist)
    item_ids = [items[song_id] for song_id in song_ids if song_id in items]
    return OutgoingPlaylist(name, title, item_ids)


def _name_generated(account: ServerAccount, playlist: Playlist) -> str:
    """Return a title without the week, so that a player keeps its place in its list."""
    with activate_language(account.user):
        if playlist.kind == Kind.WEEKLY_JAMS:
            return _("Weekly jams")
        if playlist.kind == Kind.WEEKLY_DISCOVERY:
            return _("Weekly discovery")
        return playlist.shown_title


def _write(account: ServerAccount, client: ServerClient, outgoing: OutgoingPlaylist) -> bool:
    """Renew our playlist there, or make it; the row is written at once, so that none of ours is ever lost."""
    with activate_language(account.user):
        comment = _("Made by Musicrec and renewed by it; changes here are overwritten.")
    comment = f"{comment} [{MARK}:{outgoing.name}]"
    row = WrittenPlaylist.objects.filter(account=account, name=outgoing.name).first()
    if row is None or not _renew(row, account, client, outgoing, comment):
        playlist_id = client.create_playlist(outgoing.title, outgoing.item_ids, comment)
        row = row or WrittenPlaylist(account=account, name=outgoing.name)
        row.playlist_id = playlist_id
    row.digest, row.n_songs = outgoing.digest, len(outgoing.item_ids)
    row.save()
    return True


def _renew(
    row: WrittenPlaylist,
    account: ServerAccount,
    client: ServerClient,
    outgoing: OutgoingPlaylist,
    comment: str,
) -> bool:
    """Write new songs over our playlist; return False when it is not there any more."""
    if row.playlist_id not in _list_our_ids(account, client):
        return False
    try:
        client.replace_playlist(row.playlist_id, outgoing.title, outgoing.item_ids, comment)
    except ItemGone:
        return False
    return True
