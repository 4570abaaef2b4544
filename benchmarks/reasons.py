"""Whether reasons are true: what becomes of a recommended song without the song that is named as its reason.

    python benchmarks/reasons.py --train FILE [--item-features FILE] [--preset NAME] [--seed N] [--cases N]
                                 [--draws N] [--any-song N]

The files are those of `benchmarks/quality.py`. Each draw looks at `--cases` recommended songs of other listeners, and
at as many more to find out which reasons are decisive; the table has the mean of the draws and their range. With
`--any-song` every single song of the history is taken out in turn for so many recommended songs: no choice of the named
song could make the rank fall more often.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.listening_files import listening_parser, read_listening, refused_in_a_sentence
from recommendations.engine import PRESETS, Interactions, Recommender
from recommendations.engine.evaluation import Fidelity, measure_fidelity, measure_fidelity_bound

WORDS = {
    "score_fell": "score falls without the named song",
    "beats_control": "and further than without another one",
    "score_fell_control": "score falls without the other one",
    "rank_fell": "rank falls without the named song",
    "rank_fell_control": "rank falls without the other one",
    "decisive": "reasons that say “because of”",
    "rank_fell_decisive": "rank falls there without the cited song",
    "rank_fell_control_decisive": "rank falls there without another one",
}


def main() -> int:
    options = _options()
    data = read_listening(options.train, options.train, options.item_features)
    interactions = Interactions.from_matrix(data.train)
    recommender = Recommender(PRESETS[options.preset])
    recommender.fit(interactions, data.features, seed=options.seed)
    histories = recommender.histories(interactions)
    draws = [
        measure_fidelity(recommender, histories, n_cases=options.cases, seed=options.seed + draw)
        for draw in range(options.draws)
    ]
    print(f"{options.preset}, {options.draws} draws of {draws[0].n_cases} recommended songs")
    for name, words in WORDS.items():
        print(_line(words, draws, name))
    if options.any_song:
        share = measure_fidelity_bound(
            recommender, histories, n_cases=options.any_song, seed=options.seed
        )
        print(
            f"{'rank falls without some single song':<42}{share:>7.1%}  ({options.any_song} songs tried)"
        )
    return 0


def _line(words: str, draws: list[Fidelity], name: str) -> str:
    values = [value for draw in draws if (value := getattr(draw, name)) is not None]
    if not values:
        return f"{words:<42}      -"
    return f"{words:<42}{np.mean(values):>7.1%}  ({min(values):.1%} to {max(values):.1%})"


def _options() -> argparse.Namespace:
    parser = listening_parser(__doc__)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--any-song", type=int, default=0, metavar="N")
    options = parser.parse_args()
    if min(options.cases, options.draws) < 1 or options.any_song < 0:
        parser.error("--cases and --draws must be at least 1, --any-song at least 0.")
    return options


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("reasons", main))
