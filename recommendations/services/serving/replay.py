"""Replay a served list: what was recorded, byte for byte, and whether the model makes the same list from it again."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import models
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from catalog.models import Song
from recommendations.engine import (
    ContractTerms,
    History,
    ListContract,
    RecommendedItem,
    RecommendedList,
    Recommender,
    SongFacts,
)
from recommendations.models import ModelVersion, ServedRecord
from recommendations.services.lists import exclusions
from recommendations.services.lists.joint_list import SongKeys, choose_slots
from recommendations.services.lists.work_versions import recommend_without_repeats
from recommendations.services.serving import recorder
from recommendations.services.versions import registry


class Verdict(models.TextChoices):
    """What came of making a recorded list again."""

    SAME = "same", _("Made again from what was recorded: the same list, byte for byte.")
    SAME_SONGS = (
        "same_songs",
        _(
            "Made again: the same songs in the same order, with scores that differ in the last digits; it was computed "
            "together with other listeners' lists."
        ),
    )
    DIFFERENT = (
        "different",
        _("Made again from what was recorded, the list is another one."),
    )
    VERSION_GONE = (
        "version_gone",
        _("The model version is gone: this is what was recorded; it can't be made again."),
    )
    NOT_RECORDED = (
        "not_recorded",
        _("The listener did something while it was served: only the list itself was recorded."),
    )
    TRENDS_CHANGED = (
        "trends_changed",
        _(
            "Made again, the list is another one: what is trending was counted anew since, and these counts "
            "are a part of the version that changes."
        ),
    )


@dataclass(frozen=True)
class ReplayedSong:
    """A place of the list; `song` is None where it is not in the catalog any more."""

    position: int
    item: RecommendedItem
    song: Song | None
    version: str


@dataclass(frozen=True)
class Replay:
    """A recorded list: its bytes as they were written, its songs, and the verdict of making it again.

    `made` is what was recorded of each model version, `remade` the list that it makes now, None where it can't.
    """

    record: ServedRecord
    body: bytes
    data: Mapping[str, Any]
    songs: Sequence[ReplayedSong]
    verdict: Verdict
    remade: Sequence[Mapping[str, Any] | None]

    @property
    def made(self) -> Sequence[Mapping[str, Any]]:
        lists: Sequence[Mapping[str, Any]] = self.data["made"]
        return lists


def replay(record: ServedRecord) -> Replay:
    """Read a record, and where its versions are there make its list again and compare.

    Costs a list for each version and one query for the songs; raises RecordBroken where the data is damaged.
    """
    body = recorder.decode(record)
    data = json.loads(body)
    if data["format"] != recorder.FORMAT:
        raise recorder.RecordBroken(
            f"The served list {record.pk} is of format {data['format']}; this site reads {recorder.FORMAT}."
        )
    lists = [RecommendedList.from_dict(recorded["list"]) for recorded in data["made"]]
    slots = data.get("slots") or [
        [0, position] for position in range(min(data["n"], len(lists[0])))
    ]
    remade, verdict = _make_again(data, lists)
    return Replay(record, body, data, _read_songs(data, lists, slots), verdict, remade)


def _read_songs(
    data: Mapping[str, Any], lists: Sequence[RecommendedList], slots: Sequence[Sequence[int]]
) -> list[ReplayedSong]:
    items = [(source, lists[source].items[position]) for source, position in slots]
    ids = [int(item.item_id) for _source, item in items]
    songs = Song.objects.select_related("artist").in_bulk(ids)
    return [
        ReplayedSong(
            position, item, songs.get(int(item.item_id)), data["made"][source].get("version", "")
        )
        for position, (source, item) in enumerate(items, start=1)
    ]


# --- Making it again --------------------------------------------------------------------------------------------------


def _make_again(
    data: Mapping[str, Any], lists: Sequence[RecommendedList]
) -> tuple[list[Mapping[str, Any] | None], Verdict]:
    nothing: list[Mapping[str, Any] | None] = [None for _source in data["made"]]
    if not all(_is_recorded(recorded.get("from")) for recorded in data["made"]):
        return nothing, Verdict.NOT_RECORDED
    serving = [_load_version(recorded) for recorded in data["made"]]
    if any(one is None for one in serving):
        return nothing, Verdict.VERSION_GONE
    loaded = [one for one in serving if one is not None]
    pairs = [
        (_make_list(recorded["from"], version, recommender), recorded, recommender)
        for recorded, (version, recommender) in zip(data["made"], loaded, strict=True)
    ]
    remade: list[Mapping[str, Any] | None] = [again for again, _recorded, _recommender in pairs]
    if "seed" in data and _toss_again(data, lists, [one[1] for one in loaded]) != data["slots"]:
        return remade, Verdict.DIFFERENT
    return remade, max((_compare(*pair) for pair in pairs), key=_WORSE.index)


_WORSE = [Verdict.SAME, Verdict.SAME_SONGS, Verdict.TRENDS_CHANGED, Verdict.DIFFERENT]


def _is_recorded(source: Mapping[str, Any] | None) -> bool:
    """Return whether all is known that a list was made from, the facts of its rules among them."""
    if source is None:
        return False
    rules = source["rules"]
    return rules is None or rules["facts"] is not None


def _compare(
    again: Mapping[str, Any], recorded: Mapping[str, Any], recommender: Recommender
) -> Verdict:
    if recorder.encode(again) == recorder.encode(recorded["list"]):
        return Verdict.SAME
    moment = recorder.describe_moment(recommender)
    # a record of an earlier release does not say by which counts its list was made
    if recorded["from"].get("trends", moment) != moment:
        return Verdict.TRENDS_CHANGED
    return Verdict.SAME_SONGS if again["ids"] == recorded["list"]["ids"] else Verdict.DIFFERENT


def _load_version(recorded: Mapping[str, Any]) -> tuple[ModelVersion, Recommender] | None:
    """Return the version with the very files that made the list, loaded; None where they are gone."""
    version = (
        ModelVersion.objects.usable().filter(manifest_sha256=recorded["manifest_sha256"]).first()
    )
    if version is None:
        return None
    try:
        return version, registry.load_recommender(version)
    except registry.RegistryError:
        return None


def _make_list(
    source: Mapping[str, Any], version: ModelVersion, recommender: Recommender
) -> dict[str, Any]:
    history = _read_history(source["history"], recommender)
    mask = recorder.unpack_mask(source["excluded"], recommender.n_items)
    rules = source["rules"]
    contract = None if rules is None else _read_contract(rules, recommender)

    def ask(excluded: NDArray[np.bool_]) -> RecommendedList:
        return recommender.recommend(
            history,
            source["n"],
            exclude=excluded,
            discovery=source["discovery"],
            contract=contract,
        )

    versions = exclusions.get_work_versions(version, recommender)
    again, _mask = recommend_without_repeats(versions, mask, ask, recommender)
    # as it is after JSON, so that the bytes can be compared
    remade: dict[str, Any] = json.loads(recorder.encode(recorder.strip_rows(again.to_dict())))
    return remade


def _read_history(stored: Mapping[str, Any], recommender: Recommender) -> History:
    steps = stored["steps_back"]
    return History(
        recommender.items.rows(np.array(stored["songs"], dtype=np.int64)).astype(np.int32),
        np.array(stored["strengths"], dtype=np.float32),
        stored["n_unknown"],
        recommender.items.rows(np.array(stored["taste"], dtype=np.int64)).astype(np.int32),
        None if steps is None else np.array(steps, dtype=np.int32),
    )


def _read_contract(rules: Mapping[str, Any], recommender: Recommender) -> ListContract:
    return ListContract(ContractTerms(**rules["terms"]), _read_facts(rules, recommender))


def _read_facts(
    rules: Mapping[str, Any], recommender: Recommender
) -> Callable[[NDArray[np.int32]], SongFacts]:
    """Return what looks up the recorded facts; songs that were no candidates then have none."""
    stored = rules["facts"]
    column_of = {song_id: column for column, song_id in enumerate(rules["songs"])}

    def describe(item_rows: NDArray[np.int32]) -> SongFacts:
        ids = recommender.item_ids[item_rows].tolist()
        columns = np.array([column_of.get(pk, -1) for pk in ids])
        is_known = columns >= 0
        genres = np.array(stored["genres"], dtype=np.float32)[columns]
        genres[~is_known] = 0
        return SongFacts(
            np.where(is_known, np.array(stored["artists"])[columns], -1),
            np.array(stored["is_new"], dtype=bool)[columns] & is_known,
            np.array(stored["is_tail"], dtype=bool)[columns] & is_known,
            genres,
            np.array(stored["own_genres"], dtype=np.float64),
        )

    return describe


def _toss_again(
    data: Mapping[str, Any], lists: Sequence[RecommendedList], recommenders: Sequence[Recommender]
) -> list[list[int]]:
    keys = {int(pk): SongKeys(artist, work) for pk, (artist, work) in data["keys"].items()}
    slots = choose_slots(lists, recommenders, keys, data["n"], data["seed"], data["artist_cap"])
    return [[slot.source, slot.position] for slot in slots]
