"""What somebody plays next, repeats included, measured on a real history with times.

    python benchmarks/next_session.py FILE [FILE ...] --format spotify

The files are what `import_history` reads: one listener's each, or of several where the rows name them. Each of the
last 50 sessions is predicted from what was played before it; given is NDCG@10 over all songs that were played before,
with the 95 % interval over the sessions' listeners, or of one listener's mean alone. A history without times or with
fewer than 100 plays before every session cannot be measured, and that is said.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd

from catalog.imports.importers import get_importer, list_importers, open_file
from catalog.records import PLAY, ListenRecord, WrongFile
from recommendations.engine.core.intervals import bootstrap_intervals
from recommendations.engine.evaluation.next_session import SYSTEMS, measure_next_sessions
from recommendations.engine.ranking.repeats import Repeats


def main() -> int:
    options = _options()
    try:
        listeners = [
            plays for file in options.files for plays in read_histories(file, options.format)
        ]
    except (WrongFile, OSError) as error:
        print(f"next_session: {error}", file=sys.stderr)
        return 1
    lines = list(describe(listeners))
    print("\n".join(lines))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    names = sorted(one.name for one in list_importers("history"))
    parser.add_argument("--format", choices=names, required=True)
    return parser.parse_args()


def read_histories(file: Path, form: str) -> list[Repeats]:
    """Return the plays with a time of each listener that the file names.

    Raises
    ------
    WrongFile
        It is not of this format.
    """
    rows = [
        (str(file), record.listener, _name_song(record), record.occurred_at)
        for record in get_importer("history", form).read(open_file(file), {})
        if isinstance(record, ListenRecord)
        and record.kind == PLAY
        and record.occurred_at is not None
    ]
    plays = pd.DataFrame(rows, columns=["file", "listener", "song", "moment"])
    plays["song"] = pd.factorize(plays["song"])[0]
    return [
        Repeats.build(own["song"].to_numpy(), own["moment"].to_numpy())
        for _, own in plays.groupby(["file", "listener"], sort=True)
    ]


def describe(listeners: Iterable[Repeats]) -> Iterator[str]:
    """Yield a line about the histories and one about each system, the best first."""
    histories = list(listeners)
    n_plays = sum(len(plays) for plays in histories)
    n_repeats = sum(len(plays) - len(plays.song_ids) for plays in histories)
    if not n_repeats:
        yield f"{n_plays:,} plays with a time and no repeat among them: nothing can be measured."
        return
    yield (
        f"{len(histories):,} histories, {n_plays:,} plays with a time, "
        f"{n_repeats / n_plays:.0%} of them repeats."
    )
    measured = measure_next_sessions(histories)
    if not len(measured[SYSTEMS[0]]):
        yield "No listener has 100 plays before every session: nothing can be measured."
        return
    yield f"Measured on {len(measured[SYSTEMS[0]]):,} listeners."
    for name in sorted(SYSTEMS, key=lambda name: -measured[name].mean()):
        interval = bootstrap_intervals(measured[name][:, None])[0]
        assert interval is not None
        around = f"  ({interval.low:.4f} to {interval.high:.4f})" if len(measured[name]) > 1 else ""
        yield f"{name:<28}{np.mean(measured[name]):.4f}{around}"


def _name_song(record: ListenRecord) -> str:
    if record.song is None:
        return record.song_key
    return record.song.key or f"{record.song.artist} / {record.song.title}"


if __name__ == "__main__":
    sys.exit(main())
