"""Measure a configuration on what was heard, with its components and popularity beside it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from common.commands.progress_bars import show_progress_bar
from recommendations.conf import conf
from recommendations.engine import EvaluationReport, Interval, NotEnoughData, RecommenderConfig
from recommendations.management.output import SentenceCommand
from recommendations.services.data import training_rows
from recommendations.services.training import gate, offline_evaluation, training_requests
from recommendations.services.versions import registry


class Command(SentenceCommand):
    help = "Fit on a part of what was heard and measure on the rest. The configuration is the active version's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--split", choices=offline_evaluation.SPLITS, default="random")
        parser.add_argument(
            "--preset", help="Measure a preset instead of the active version's configuration."
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--json", action="store_true", help="Print JSON with intervals and segments."
        )

    def handle(self, *args: Any, split: str, preset: str | None, seed: int, **options: Any) -> None:
        config, tuning = self._load_config(preset)
        rows = training_rows.read()
        if not rows.interactions.n_events:
            raise NotEnoughData(
                "Nobody liked or played anything yet, so there is nothing to measure."
            )
        with show_progress_bar() as bar:
            split_rows = offline_evaluation.make_split(rows, split, seed)
            report = offline_evaluation.evaluate_config(
                rows, config, split_rows, seed=seed, on_progress=bar.step
            )
            champion = gate.find_champion_config(config) if preset else None
            active = (
                None
                if champion is None
                else offline_evaluation.evaluate_config(
                    rows, champion, split_rows, seed=seed, on_progress=bar.step
                )
            )
        differences = (
            offline_evaluation.compare_reports(report, active, seed=seed) if active else {}
        )
        if options["json"]:
            beside = active and active.to_dict() | {"differences": _make_plain(differences)}
            self.stdout.write(
                json.dumps(report.to_dict() | {"search": tuning, "active": beside}, indent=2)
            )
            return
        self.stdout.write(
            f"{config.name}, {split} split, {len(report.listeners):,} listeners measured\n"
        )
        self.stdout.write(report.table())
        for line in _compare_with_active(active, differences):
            self.stdout.write(line)
        for line in _describe_search(tuning or {}):
            self.stdout.write(line)

    def _load_config(self, preset: str | None) -> tuple[RecommenderConfig, dict[str, Any] | None]:
        """Return what to measure, and the log of the search that found it."""
        if preset is None:
            active = registry.get_active_version()
            if active is not None:
                return registry.load_recommender(active).config, active.metadata.get("tuning")
        return training_requests.load_config(preset or conf.preset, {}), None


def _make_plain(differences: dict[str, Interval]) -> dict[str, dict[str, float]]:
    return {metric: asdict(interval) for metric, interval in differences.items()}


def _compare_with_active(
    active: EvaluationReport | None, differences: dict[str, Interval]
) -> Iterator[str]:
    """Tell what the active version's configuration reaches on the same split, and by how much ours differs."""
    if active is None:
        return
    yield "\nThe active version's configuration on the same split, and the difference with its 95 % interval:"
    for metric, gained in differences.items():
        yield f"  {metric:<13}{active.mean(metric):.4f}   {gained.mean:+.4f} ({gained.low:+.4f} to {gained.high:+.4f})"


def _describe_search(tuning: dict[str, Any]) -> Iterator[str]:
    """Tell what the search behind a version tried and chose, and what that gains over each component alone."""
    if "trials" not in tuning:
        if tuning.get("reason"):
            yield f"\n{tuning['reason']}"
        return
    yield (
        f"\nIts settings were searched on {tuning['n_hidden']:,} songs hidden from {tuning['n_judges']:,} listeners; "
        f"chosen: {tuning['chosen']}."
    )
    # a quick trial's figure is no match for a full one's: each round by itself, the last one first
    for trial in sorted(
        tuning["trials"],
        key=lambda trial: (trial["component"], trial.get("round", "full"), -trial["ndcg@10"]),
    ):
        options = ", ".join(f"{name} {value}" for name, value in sorted(trial["options"].items()))
        is_full = trial.get("round", "full") == "full"
        note = "" if is_full else f"  ({trial['round']} trial)"
        yield f"  {trial['component']:<10} {trial['ndcg@10']:.4f}  {options}{note}"
    # PostgreSQL keeps the keys of a JSON object in an order of its own: the strongest component goes first
    closest_first = sorted(tuning["gain_over"].items(), key=lambda gained: (gained[1], gained[0]))
    gains = [f"{gain:.3f} x {name}" for name, gain in closest_first]
    yield f"The {tuning['chosen']} has {tuning['ndcg@10'][tuning['chosen']]:.4f}: {', '.join(gains)}."
