"""What a joined account thinks and plays on its server, into its listener's likes and history, and likes back there.

Only what changed there since the last reading changes something here, so that what a listener does here stays:

- a star, or a rating of 4 or 5, is a like; a rating of 1 is a dislike; a star counts before a rating, and where the
  server tells its time, the like is of that time;
- taking a star or a rating back takes the opinion back, if it is still the one that came from there;
- the last play of a song, where the server tells its time, is a play at that time. The others become a number of plays
  without a time: as many as the server counts more than this history has, so that what was scrobbled counts once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.listening import interactions, play_counts
from catalog.listening.interactions import ListenEntry
from catalog.listening.models import Interaction
from catalog.servers import playlist_out
from catalog.servers.clients import ServerClient, ServerItem, open_client
from catalog.servers.models import ServerAccount, ServerAccountSong, ServerSong, ServerSync
from catalog.servers.song_writer import find_item_ids, load_present_songs
from catalog.songs.models import Song
from common.bulk_sql import VALUES_A_QUERY, cut_chunks
from common.jobs import JobReporter

Kind = Interaction.Kind
LIKE, DISLIKE = "like", "dislike"
_KINDS = {LIKE: Kind.LIKE, DISLIKE: Kind.DISLIKE}
_TOGETHER = 500
FEW_VANISHED = 20


@dataclass
class _Answer:
    """What the server says about the account's songs now, by our rows of its songs."""

    opinions: dict[int, str] = field(default_factory=dict)
    starred: set[int] = field(default_factory=set)
    starred_at: dict[int, datetime] = field(default_factory=dict)
    plays: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)
    is_whole: bool = False
    note: str = ""


def read_account(sync: ServerSync, reporter: JobReporter, ends_at: float | None) -> bool:
    """Read stars, ratings and plays of the sync's account; always done in one turn. Raises ServerError."""
    account = sync.account
    assert account is not None  # noqa: S101  (whose syncs are read here)
    client = open_client(sync.server, account)
    rows = load_present_songs(sync.server_id)
    answer = _read_stars(client, rows)
    reporter.report(0.1)
    if sync.is_forced:
        _read_songs(client, rows, answer, reporter)
    song_ids = dict(rows.values())
    before = _load_before(account)
    n_changed = n_plays = 0
    if sync.server.sync_opinions:
        n_changed = _apply_opinions(account, answer, before, song_ids, is_light=not sync.is_forced)
        if account.star_back:
            _push_stars(account, client, answer, song_ids)
    if sync.server.sync_plays and sync.is_forced:
        n_plays = _apply_plays(account, answer, before, song_ids)
    _store_answer(account, answer, before, is_light=not sync.is_forced, syncs=sync)
    playlist_out.write_playlists(account, client)
    reporter.write(n_read=len(answer.plays), n_added=n_plays, n_changed=n_changed, note=answer.note)
    ServerAccount.objects.filter(pk=account.pk).update(last_pull_at=timezone.now(), last_error="")
    return True


# --- Reading ----------------------------------------------------------------------------------------------------------


def _read_stars(client: ServerClient, rows: dict[str, tuple[int, int]]) -> _Answer:
    answer = _Answer()
    for item in client.list_starred():
        if item.item_id in rows:
            row_id = rows[item.item_id][0]
            answer.starred.add(row_id)
            answer.opinions[row_id] = LIKE
            if item.starred_at is not None:
                answer.starred_at[row_id] = item.starred_at
    return answer


def _read_songs(
    client: ServerClient,
    rows: dict[str, tuple[int, int]],
    answer: _Answer,
    reporter: JobReporter,
) -> None:
    """Go through the whole library as the account, for ratings and plays; songs without either are not kept."""
    counts_plays = client.counts_plays_by_account
    cursor, n_seen = None, 0
    while True:
        page = client.list_songs(cursor)
        for item in page.items:
            if item.item_id in rows:
                _note_item(answer, rows[item.item_id][0], item, counts_plays=counts_plays)
        n_seen += len(page.items) + len(page.rejected)
        reporter.report(min(0.8, 0.1 + 0.7 * n_seen / max(len(rows), n_seen + 1)))
        if page.note:
            answer.note = page.note
        cursor = page.cursor
        if cursor is None or n_seen > 2 * len(rows) + 10_000:
            answer.is_whole = cursor is None
            return


def _note_item(answer: _Answer, row_id: int, item: ServerItem, *, counts_plays: bool) -> None:
    if row_id not in answer.starred and item.rating in (4, 5):
        answer.opinions[row_id] = LIKE
    elif row_id not in answer.starred and item.rating == 1:
        answer.opinions[row_id] = DISLIKE
    if counts_plays and item.play_count:
        answer.plays[row_id] = (item.play_count, item.played_at)


def _load_before(account: ServerAccount) -> dict[int, ServerAccountSong]:
    stored = ServerAccountSong.objects.filter(account=account)
    return {row.server_song_id: row for row in stored.iterator(2000)}


# --- Opinions ---------------------------------------------------------------------------------------------------------


def _apply_opinions(
    account: ServerAccount,
    answer: _Answer,
    before: dict[int, ServerAccountSong],
    song_ids: dict[int, int],
    *,
    is_light: bool,
) -> int:
    """Write what changed since the last reading; return how many opinions that were."""
    source = account.server.source_name
    new = {
        song_ids[row_id]: opinion
        for row_id, opinion in answer.opinions.items()
        if row_id not in before or before[row_id].opinion != opinion
    }
    first = (
        {song_ids[row_id] for row_id in answer.opinions if row_id not in before}
        if account.last_pull_at is None
        else set()
    )
    own = _load_opinions(account.user, new)
    # at the first reading, what the listener said here stays
    new = {
        song_id: one for song_id, one in new.items() if not (song_id in first and song_id in own)
    }
    moments = {song_ids[row_id]: at for row_id, at in answer.starred_at.items()}
    n_changed = 0
    for some in cut_chunks(new.items(), _TOGETHER):
        songs = Song.objects.in_bulk([song_id for song_id, _opinion in some])
        opinions = [(songs[song_id], _KINDS[one]) for song_id, one in some if song_id in songs]
        n_changed += sum(
            interactions.set_opinions(account.user, opinions, source=source, moments=moments)
        )
    return n_changed + _take_back(account, answer, before, song_ids, is_light=is_light)


def _take_back(
    account: ServerAccount,
    answer: _Answer,
    before: dict[int, ServerAccountSong],
    song_ids: dict[int, int],
    *,
    is_light: bool,
) -> int:
    """Take back opinions that the server had and has no more.

    Where more than half of many vanished at once, the next reading must miss them, too.
    """
    had = {row_id: row for row_id, row in before.items() if row.opinion and row_id in song_ids}
    if is_light or not answer.is_whole:  # ratings were not read, or not all
        had = {row_id: row for row_id, row in had.items() if row.is_starred}
    vanished = [row for row_id, row in had.items() if row_id not in answer.opinions]
    if len(vanished) > FEW_VANISHED and len(vanished) > len(had) / 2:
        doubtful = [row for row in vanished if row.missing_since is None]
        vanished = [row for row in vanished if row.missing_since is not None]
        _mark_missing(doubtful, answer)
    kept = {song_ids[row_id] for row_id in answer.opinions if row_id in song_ids}
    song_ids_by_opinion: dict[str, list[int]] = defaultdict(list)
    for row in vanished:
        if song_ids[row.server_song_id] not in kept:
            song_ids_by_opinion[row.opinion].append(song_ids[row.server_song_id])
        row.opinion, row.is_starred, row.missing_since = "", False, None
        row.save(update_fields=["opinion", "is_starred", "missing_since"])
    return sum(
        interactions.clear_opinions(account.user, some_ids, _KINDS[one])
        for one, ids in song_ids_by_opinion.items()
        for some_ids in cut_chunks(ids)
    )


def _mark_missing(rows: Iterable[ServerAccountSong], answer: _Answer) -> None:
    now = timezone.now()
    for row in rows:
        row.missing_since = now
        row.save(update_fields=["missing_since"])
        # counts as said until the next reading
        answer.opinions[row.server_song_id] = row.opinion
        if row.is_starred:
            answer.starred.add(row.server_song_id)
    answer.note = _(
        "Many stars were gone at once. They count until the next sync misses them, too."
    )


def _load_opinions(user: User, song_ids: Iterable[int]) -> dict[int, int]:
    opinions: dict[int, int] = {}
    for some_ids in cut_chunks(song_ids):
        rows = Interaction.objects.for_listener(user).opinions().filter(song__in=some_ids)
        opinions.update(rows.values_list("song_id", "kind"))
    return opinions


def _push_stars(
    account: ServerAccount,
    client: ServerClient,
    answer: _Answer,
    song_ids: dict[int, int],
) -> None:
    """Star there what is liked here, and take back there what was taken back here."""
    liked = set(
        Interaction.objects.for_listener(account.user).likes().values_list("song_id", flat=True)
    )
    starred_songs = {song_ids[row_id] for row_id in answer.starred}
    items = find_item_ids(account.server_id, sorted(liked - starred_songs))
    row_by_item = {
        item_id: row_id
        for item_id, (row_id, _song) in load_present_songs(account.server_id).items()
        if item_id in set(items.values())
    }
    for item_id in items.values():
        client.star([item_id])
        answer.starred.add(row_by_item[item_id])
        answer.opinions[row_by_item[item_id]] = LIKE
    _pull_back_stars(account, client, answer, song_ids, liked)


def _pull_back_stars(
    account: ServerAccount,
    client: ServerClient,
    answer: _Answer,
    song_ids: dict[int, int],
    liked: set[int],
) -> None:
    """Unstar there what is liked here no more. Stars that were set there just now became likes before this."""
    unwanted = [row_id for row_id in answer.starred if song_ids[row_id] not in liked]
    rows = ServerAccountSong.objects.filter(
        account=account, server_song__in=unwanted[:VALUES_A_QUERY]
    )
    for row in rows.filter(is_starred=True, missing_since=None).select_related("server_song"):
        client.unstar([row.server_song.item_id])
        answer.starred.discard(row.server_song_id)
        answer.opinions.pop(row.server_song_id, None)
        row.opinion, row.is_starred = "", False
        row.save(update_fields=["opinion", "is_starred"])


def has_unsent_stars(account: ServerAccount) -> bool:
    """Return whether a like was given or taken back here that the server was not told of yet."""
    if not (account.star_back and account.server.sync_opinions):
        return False
    starred = ServerAccountSong.objects.filter(account=account, is_starred=True, missing_since=None)
    likes = Interaction.objects.for_listener(account.user).likes()
    has_song_there = ServerSong.objects.present().filter(
        server=account.server_id, song=OuterRef("song")
    )
    unsent = likes.filter(Exists(has_song_there)).exclude(
        song__in=starred.values("server_song__song")
    )
    taken_back = starred.exclude(server_song__song__in=likes.values("song"))
    return unsent.exists() or taken_back.exists()


# --- Plays ------------------------------------------------------------------------------------------------------------


def _apply_plays(
    account: ServerAccount,
    answer: _Answer,
    before: dict[int, ServerAccountSong],
    song_ids: dict[int, int],
) -> int:
    """Add the plays that the server counts and this history lacks; return how many."""
    n_timed = _record_last_plays(account, answer, before, song_ids)
    totals: Counter[int] = Counter()
    grown: Counter[int] = Counter()
    for row_id, (count, _at) in answer.plays.items():
        totals[song_ids[row_id]] += count
        count_before = before[row_id].play_count if row_id in before else 0
        grown[song_ids[row_id]] += max(0, count - count_before)
    n_untimed = 0
    for some in cut_chunks(totals.items()):
        n_untimed += _write_untimed(account, dict(some), grown)
    return n_timed + n_untimed


def _record_last_plays(
    account: ServerAccount,
    answer: _Answer,
    before: dict[int, ServerAccountSong],
    song_ids: dict[int, int],
) -> int:
    """Record the last play of each song at its time, once; one that was scrobbled, too, is the same play."""
    latest = timezone.now() + timedelta(days=1)
    new = [
        (song_ids[row_id], at)
        for row_id, (_count, at) in answer.plays.items()
        if at is not None
        and at <= latest
        and (row_id not in before or before[row_id].played_at != at)
    ]
    n_new = 0
    for some in cut_chunks(new, _TOGETHER):
        songs = Song.objects.in_bulk([song_id for song_id, _at in some])
        entries = [ListenEntry(songs[song_id], at) for song_id, at in some if song_id in songs]
        n_new += sum(
            interactions.record_listens(account.user, entries, source=account.server.source_name)
        )
    return n_new


def _write_untimed(account: ServerAccount, totals: dict[int, int], grown: Counter[int]) -> int:
    """Set the number of plays without a time, so that all plays of a song are never more than the server counts.

    The number rises by at most what was played since the last reading: what a listener deleted stays deleted.
    """
    source = account.server.source_name
    present = play_counts.load_play_counts(account.user, totals, source=source)
    others = play_counts.load_other_plays(account.user, totals, source=source)
    wanted = {
        song_id: max(
            0, min(present.get(song_id, 0) + grown[song_id], total - others.get(song_id, 0))
        )
        for song_id, total in totals.items()
    }
    play_counts.set_play_counts(account.user, wanted, source=source)
    return sum(max(0, n - present.get(song_id, 0)) for song_id, n in wanted.items())


# --- What is remembered -----------------------------------------------------------------------------------------------


def _store_answer(
    account: ServerAccount,
    answer: _Answer,
    before: dict[int, ServerAccountSong],
    *,
    is_light: bool,
    syncs: ServerSync,
) -> None:
    """Store what the server said, for the next reading; what is switched off now is read as new when it is on again."""
    new: list[ServerAccountSong] = []
    changed: list[ServerAccountSong] = []
    for row_id in answer.opinions.keys() | answer.plays.keys():
        row = before.get(row_id) or ServerAccountSong(account=account, server_song_id=row_id)
        old = (row.opinion, row.is_starred, row.play_count, row.played_at)
        if syncs.server.sync_opinions and row_id in answer.opinions:
            row.opinion, row.is_starred = answer.opinions[row_id], row_id in answer.starred
        if syncs.server.sync_plays and row_id in answer.plays:
            row.play_count, row.played_at = answer.plays[row_id]
        if row.pk is None:
            new.append(row)
        elif old != (row.opinion, row.is_starred, row.play_count, row.played_at):
            changed.append(row)
    ServerAccountSong.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    ServerAccountSong.objects.bulk_update(
        changed, ["opinion", "is_starred", "play_count", "played_at"], batch_size=100
    )
    returned = ServerAccountSong.objects.filter(account=account).exclude(missing_since=None)
    if not answer.note:
        returned.update(missing_since=None)
