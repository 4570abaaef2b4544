"""How the most played songs, artists, albums and genres moved against the period before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from catalog.listening.periods import Period
from catalog.statistics import entity_totals
from catalog.statistics.statistics import ENTITIES, SUMMED, Ranked, build_sums, fetch


@dataclass(frozen=True)
class RankChange:
    """How many ranks higher one is than in the period before, below 0 if lower; None if it was not played then."""

    n_places: int | None

    @property
    def is_new(self) -> bool:
        return self.n_places is None

    @property
    def n_up(self) -> int:
        return max(self.n_places or 0, 0)

    @property
    def n_down(self) -> int:
        return max(-(self.n_places or 0), 0)


def find_rank_changes(
    listener: User, period: Period, tops: Mapping[str, Sequence[Ranked]]
) -> dict[str, dict[int, RankChange]]:
    """Return the change of each row of the rankings of a period by its id; nothing for all time, which none precedes.

    One statement, and one more for a year, which asks whether totals are kept.
    """
    previous = period.get_previous()
    wanted = {entity: rows for entity, rows in tops.items() if rows}
    if previous is None or not wanted:
        return {}
    ranks = _find_places(listener, previous, wanted)
    return {
        entity: {
            row.pk: RankChange(before - rank if (before := ranks.get((entity, row.pk))) else None)
            for rank, row in enumerate(rows, start=1)
        }
        for entity, rows in wanted.items()
    }


def _find_places(
    listener: User, period: Period, wanted: Mapping[str, Sequence[Ranked]]
) -> dict[tuple[str, int], int]:
    """Return the ranks in a period by entity and id; of equals the lower id is first, as in the rankings."""
    year = entity_totals.find_kept_year(listener, period)
    sums: str = ""
    values: list[Any] = []
    if year is None:
        sums, values = build_sums(listener, period)
    pieces = []
    for entity, rows in wanted.items():
        counted, more = _count_kept(listener, year, entity) if year is not None else _count(entity)
        ids = ", ".join(["%s"] * len(rows))
        pieces.append(
            f"SELECT '{entity}', pk, rank FROM (SELECT pk, ROW_NUMBER() OVER (ORDER BY n DESC, pk) AS rank "  # noqa: S608
            f"FROM ({counted}) AS counted_{entity}) AS {entity} WHERE pk IN ({ids})"
        )
        values += [*more, *(row.pk for row in rows)]
    ranked = fetch(sums + " UNION ALL ".join(pieces), values)
    return {(entity, pk): int(rank) for entity, pk, rank in ranked}


def _count(entity: str) -> tuple[str, list[Any]]:
    source, column = SUMMED[entity]
    return (
        f"SELECT {column} AS pk, SUM(n) AS n FROM {source} "  # noqa: S608
        f"WHERE {column} IS NOT NULL GROUP BY {column}",
        [],
    )


def _count_kept(listener: User, year: int, entity: str) -> tuple[str, list[Any]]:
    return (
        "SELECT entity_id AS pk, n_plays AS n FROM catalog_entitytotal "
        "WHERE listener_id = %s AND year = %s AND entity = %s",
        [listener.pk, year, ENTITIES.index(entity)],
    )
