"""The flight recorder: each list that was served, with everything that made it, written after the answer was sent.

A record is one row of compressed JSON, complete in itself: the list as it was served, and for each model version that
took part the history by song ids and strengths, what must not come, discovery, the rules to keep with the facts they
were judged by, the candidates with their scores, and the seed of an interleaving's coins. It names no listener. The
same list of a listener is recorded once; answers from the cache write nothing. Outside of requests nothing is recorded.
"""

import base64
import hashlib
import json
import logging
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from asgiref.local import Local
from django.core.cache import cache
from django.db import transaction
from numpy.typing import NDArray

from accounts.models import User
from common.retention import compute_cutoff
from recommendations.conf import conf
from recommendations.engine import Recommender, SongFacts
from recommendations.models import ListenerState, ModelVersion, ServedRecord
from recommendations.services.lists.joint_list import JointTrail
from recommendations.services.lists.list_query import Trail
from recommendations.services.lists.list_rules import FactReader
from recommendations.services.lists.served_list import ListDraft
from recommendations.services.versions import trends

FORMAT = 1

logger = logging.getLogger(__name__)
_request = Local()


class RecordBroken(Exception):
    """A record's data is not what was written; the message says so."""


@dataclass(frozen=True)
class Note:
    """A list that was served; `make_trail` says how one is made of which nothing is known any more.

    `generation` is the listener's as of the list: who has deleted plays since has a later one.
    """

    listener_id: int
    generation: int
    version: ModelVersion
    draft: ListDraft
    arm: str
    n: int
    settings: Mapping[str, Any]
    make_trail: Callable[[ModelVersion, ListDraft], Trail | None]


# --- Around a request -------------------------------------------------------------------------------------------------


def begin() -> None:
    """Begin to collect the lists that this request serves."""
    _request.notes = []


def note(served: Note) -> None:
    """Note a list to be recorded when the request is over; the same one is noted once an hour."""
    notes = getattr(_request, "notes", None)
    if notes is None or not conf.recorded_lists_days:
        return
    settings = json.dumps(dict(served.settings), sort_keys=True, default=str)
    digest = hashlib.sha256(f"{served.version.pk}:{served.arm}:{settings}".encode()).hexdigest()
    key = f"musicrec:recorded:{served.listener_id}:{served.generation}:{digest[:24]}"
    if cache.add(key, 1, conf.list_cache_seconds):
        notes.append(served)


def take_notes() -> list[Note]:
    """Return what was noted since `begin`, and take no more notes."""
    notes: list[Note] | None = getattr(_request, "notes", None)
    _request.notes = None
    return notes or []


def finish() -> None:
    """Record the collected lists; where that fails the log says so, and the lists are served all the same."""
    notes = take_notes()
    if not notes:
        return
    try:
        write(notes)
    except Exception:  # the answer was sent: nothing that goes wrong here may end the worker
        logger.exception("The lists that a request served could not be recorded.")


def write(notes: Sequence[Note]) -> None:
    """Record lists of listeners who did nothing since: what they deleted meanwhile is not written back.

    Costs three queries with the insert, and for lists that were not made now the queries that a history takes.
    """
    listener_ids = {served.listener_id for served in notes}
    agreed = User.objects.filter(pk__in=listener_ids, personalised=True)
    agreed_ids = set(agreed.values_list("pk", flat=True))
    records = [
        (served, _make_record(served)) for served in notes if served.listener_id in agreed_ids
    ]
    with transaction.atomic(savepoint=False):
        current = _read_generations(agreed_ids)
        ServedRecord.objects.bulk_create(
            [
                record
                for served, record in records
                if current.get(served.listener_id, 0) == served.generation
            ],
            ignore_conflicts=True,
        )


def _read_generations(listener_ids: Collection[int]) -> dict[int, int]:
    """Return the present generation of each of these listeners who ever did anything.

    Until the end of the transaction, who deletes plays or opts out waits where the database locks rows.
    """
    states = ListenerState.objects.filter(listener__in=listener_ids).select_for_update()
    return dict(states.values_list("listener_id", "generation"))


def _make_record(served: Note) -> ServedRecord:
    body = encode(describe(served))
    return ServedRecord(
        listener_id=served.listener_id,
        version=served.version,
        step=served.draft.step,
        arm=served.arm,
        n_songs=len(served.draft.unpack().items[: served.n]),
        sha256=hashlib.sha256(body).hexdigest(),
        data=zlib.compress(body, 6),
    )


def delete_records(listener_id: int | None) -> None:
    """Delete what was recorded of a listener, of everybody for None: records are made of the plays they delete."""
    rows = ServedRecord.objects.all()
    (rows if listener_id is None else rows.filter(listener=listener_id)).delete()


def select_expired() -> Any:
    """Return the records that are older than `recorded_lists_days` or more than `recorded_lists`."""
    old = ServedRecord.objects.filter(served_at__lt=compute_cutoff(conf.recorded_lists_days))
    newest = ServedRecord.objects.order_by("-served_at").values_list("served_at", flat=True)
    last = newest[conf.recorded_lists : conf.recorded_lists + 1].first()
    return old if last is None else old | ServedRecord.objects.filter(served_at__lte=last)


# --- From a list to its record and back -------------------------------------------------------------------------------


def encode(data: Mapping[str, Any]) -> bytes:
    """Return JSON of which the same data always has the same bytes."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def decode(record: ServedRecord) -> bytes:
    """Return a record's bytes as they were written; raise RecordBroken where they are not."""
    try:
        body = zlib.decompress(bytes(record.data))
    except zlib.error:
        body = b""
    if hashlib.sha256(body).hexdigest() != record.sha256:
        raise RecordBroken(f"The data of the served list {record.pk} is damaged.")
    return body


def describe(served: Note) -> dict[str, Any]:
    """Return what a record holds, as JSON types."""
    draft, trail = served.draft, served.draft.trail
    data: dict[str, Any] = {
        "format": FORMAT,
        "step": draft.step,
        "fallback": draft.fallback.value,
        "arm": served.arm,
        "n": served.n,
    }
    if draft.interleaved is None:
        return data | {"made": [_describe_made(served, served.version, draft)]}
    data |= {
        "experiment": draft.interleaved.experiment_id,
        "day": draft.interleaved.day.isoformat(),
        "slots": draft.packed["slots"],
    }
    if not isinstance(trail, JointTrail):
        return data | {"made": [{"list": strip_rows(one)} for one in draft.packed["lists"]]}
    return data | {
        "seed": trail.seed,
        "artist_cap": trail.artist_cap,
        "keys": {str(pk): list(keys) for pk, keys in trail.keys.items()},
        "made": [_describe_made(served, team.version, team.draft) for team in trail.teams],
    }


def strip_rows(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a packed list without the rows of its songs: these belong to one file of a model."""
    return {name: value for name, value in packed.items() if name != "rows"}


def _describe_made(served: Note, version: ModelVersion, draft: ListDraft) -> dict[str, Any]:
    trail = draft.trail or served.make_trail(version, draft)
    return {
        "version": version.name,
        "manifest_sha256": version.manifest_sha256,
        "list": strip_rows(draft.packed),
        "from": None if trail is None else _describe_trail(trail),
    }


def _describe_trail(trail: Trail) -> dict[str, Any]:
    history, items = trail.inputs.history, trail.recommender.item_ids
    steps = history.steps_back
    return {
        "n": trail.n,
        "discovery": trail.inputs.discovery,
        "history": {
            "songs": items[history.item_rows].tolist(),
            # float32 is exact in the shortest text that means it
            "strengths": [float(str(value)) for value in history.values],
            "steps_back": None if steps is None else steps.tolist(),
            "taste": items[history.taste_rows].tolist(),
            "n_unknown": history.n_unknown,
        },
        "excluded": _pack_mask(trail.mask),
        "n_excluded": int(trail.mask.sum()),
        "candidates": {
            "songs": [pk for pk, _score in trail.candidates],
            "scores": [score for _pk, score in trail.candidates],
        },
        "rules": None if trail.inputs.reader is None else _describe_rules(trail.inputs.reader),
        "trends": describe_moment(trail.recommender),
    }


def describe_moment(recommender: Recommender) -> str | None:
    """Return of when the trends are that a recommender counts by, None for those of its training."""
    moment = trends.find_moment(recommender)
    return None if moment is None else moment.isoformat()


def _describe_rules(reader: FactReader) -> dict[str, Any]:
    facts = reader.facts
    return {
        "terms": asdict(reader.terms),
        "songs": reader.song_ids,
        "facts": None if facts is None else _describe_facts(facts),
    }


def _describe_facts(facts: SongFacts) -> dict[str, Any]:
    return {
        "artists": facts.artists.tolist(),
        "is_new": facts.is_new.astype(int).tolist(),
        "is_tail": facts.is_tail.astype(int).tolist(),
        "genres": [[float(str(value)) for value in row] for row in facts.genres],
        "own_genres": facts.own_genres.tolist(),
    }


def _pack_mask(mask: NDArray[np.bool_]) -> str:
    """Return a mask over the model's songs as text, eight songs a byte."""
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


def unpack_mask(text: str, n_items: int) -> NDArray[np.bool_]:
    """Return the mask that was packed over so many songs."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), dtype=np.uint8), count=n_items)
    return bits.astype(bool)
