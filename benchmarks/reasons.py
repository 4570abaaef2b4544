"""Whether reasons are true: what becomes of a recommended song without the song that is named as its reason.

    python benchmarks/reasons.py --train FILE [--item-features FILE] [--preset NAME] [--seed N] [--cases N]
                                 [--draws N] [--any-song N]

The files are those of `benchmarks/quality.py`. Each draw looks at `--cases` recommended songs of other listeners, and
at as many more to find out which reasons are decisive; the table has the mean of the draws and their range. With
`--any-song` every single song of the history is taken out in turn for so many recommended songs: in more cases than
that the rank cannot fall, whichever song is named.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy.sparse import csr_matrix, vstack

from benchmarks.listening_files import read_listening, refused_in_a_sentence
from recommendations.engine import PRESETS, Interactions, Recommender
from recommendations.engine.arrays import n_per_row, positive_part
from recommendations.engine.evaluation import Fidelity, explanation_fidelity

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
TOP = 10


def main() -> int:
    options = _options()
    data = read_listening(options.train, options.train, options.item_features)
    interactions = Interactions.from_matrix(data.train)
    recommender = Recommender(PRESETS[options.preset])
    recommender.fit(interactions, data.features, seed=options.seed)
    histories = recommender.histories(interactions)
    draws = [
        explanation_fidelity(recommender, histories, n_cases=options.cases, seed=options.seed + draw)
        for draw in range(options.draws)
    ]
    print(f"{options.preset}, {options.draws} draws of {draws[0].n_cases} recommended songs")
    for name, words in WORDS.items():
        print(_line(words, draws, name))
    if options.any_song:
        share = any_song(recommender, histories, options.any_song, options.seed)
        print(f"{'rank falls without some single song':<42}{share:>7.1%}  ({options.any_song} songs tried)")
    return 0


def _line(words: str, draws: list[Fidelity], name: str) -> str:
    values = [value for draw in draws if (value := getattr(draw, name)) is not None]
    if not values:
        return f"{words:<42}      -"
    return f"{words:<42}{np.mean(values):>7.1%}  ({min(values):.1%} to {max(values):.1%})"


def any_song(recommender: Recommender, histories: csr_matrix, n_cases: int, seed: int) -> float:
    """Return the share of recommended songs that some single song of the history, taken out, makes fall in rank."""
    rng = np.random.default_rng(seed)
    n_songs = n_per_row(positive_part(histories))
    config = recommender.config
    steady = np.flatnonzero((n_songs > config.cold_below) & (n_songs != config.hot_from))
    fell = []
    for listener in rng.permutation(steady)[:n_cases]:
        history = histories[[listener]]
        listed = recommender.recommend_batch(history, TOP).item_rows[0]
        song = int(rng.choice(listed[listed >= 0]))
        fewer = [_without(history, place) for place in np.flatnonzero(history.data > 0)]
        asked = vstack([history, *fewer], format="csr")
        forbidden = vstack([history] * len(asked.indptr[1:]), format="csr")
        _, ranks = recommender.standings(asked, np.full(asked.shape[0], song), forbidden=forbidden)
        fell.append((ranks[1:] > ranks[0]).any())
    return float(np.mean(fell))


def _without(history: csr_matrix, place: int) -> csr_matrix:
    keep = np.arange(len(history.data)) != place
    return csr_matrix((history.data[keep], history.indices[keep], [0, keep.sum()]), shape=history.shape)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--item-features", type=Path)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="tuned")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--any-song", type=int, default=0, metavar="N")
    options = parser.parse_args()
    if min(options.cases, options.draws) < 1 or options.any_song < 0:
        parser.error("--cases and --draws must be at least 1, --any-song at least 0.")
    return options


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("reasons", main))
