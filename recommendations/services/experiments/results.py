"""What came of an experiment: rates a listener with intervals, the sample-ratio check and the guardrails."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db.models import Count
from django.utils import timezone
from numpy.typing import NDArray
from scipy import special

from recommendations.models import Arm, Experiment, Impression, Outcome
from recommendations.services.experiments import interleaving, lifecycle
from recommendations.services.experiments.interleaving_baseline import BASELINE_DAYS

CLICK, LIKE, UNWANTED = "click", "like", "unwanted"
MEASURES = (CLICK, LIKE, UNWANTED)
_MEASURE_OF_KIND = {
    Outcome.Kind.CLICK: CLICK,
    Outcome.Kind.LIKE: LIKE,
    Outcome.Kind.DISLIKE: UNWANTED,
    Outcome.Kind.HIDE: UNWANTED,
}
CONFIDENCE = 0.95
SAMPLE_RATIO_P = 0.001
# A guardrail looks again and again, so it needs to be surer than a result that is read once.
GUARDRAIL_CONFIDENCE = 0.999
GUARDRAIL_LISTENERS = 30


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, NaN where there is too little to say."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """True when the interval leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class ArmResult:
    """What listeners of one arm did. `differences` are against the first arm and empty for it."""

    arm: Arm
    n_listeners: int
    n_lists: int
    rates: dict[str, Estimate]
    differences: dict[str, Estimate]


@dataclass(frozen=True)
class Result:
    """An experiment as it stands. `sample_ratio_p` is small when the shares of listeners are not what was set."""

    arms: list[ArmResult]
    sample_ratio_p: float

    @property
    def ratio_is_off(self) -> bool:
        return self.sample_ratio_p < SAMPLE_RATIO_P

    @property
    def best(self) -> ArmResult | None:
        """The arm that is clearly better at being clicked than the first, the best of them if several are."""
        better = [arm for arm in self.arms if arm.differences and arm.differences[CLICK].low > 0]
        return max(better, key=lambda arm: arm.differences[CLICK].value, default=None)


# --- Results ----------------------------------------------------------------------------------------------------------


def compute_result(experiment: Experiment, *, confidence: float = CONFIDENCE) -> Result:
    """Return how an experiment stands; two queries, whatever its size."""
    arms = list(experiment.arms.all())
    lists, rates = _compute_rates_by_arm([arm.code for arm in arms])
    results = []
    for arm in arms:
        own = {measure: rates[arm.code][measure] for measure in MEASURES}
        first = rates[arms[0].code]
        differences = (
            {m: estimate_difference(own[m], first[m], confidence) for m in MEASURES}
            if arm != arms[0]
            else {}
        )
        estimates = {m: estimate_mean(own[m], confidence) for m in MEASURES}
        results.append(
            ArmResult(arm, len(own[CLICK]), sum(lists[arm.code].values()), estimates, differences)
        )
    return Result(
        results,
        compute_sample_ratio_p([r.n_listeners for r in results], [arm.share for arm in arms]),
    )


Rates = dict[str, NDArray[np.float64]]


def _compute_rates_by_arm(
    codes: Sequence[str],
) -> tuple[dict[str, dict[int, int]], dict[str, Rates]]:
    """Return lists shown by arm and listener, and each listener's share of lists on which they did something."""
    lists: dict[str, dict[int, int]] = {code: {} for code in codes}
    shown = (
        Impression.objects.filter(arm__in=codes)
        .order_by()
        .values("arm", "listener_id")
        .annotate(n=Count("pk"))
    )
    for row in shown:
        lists[str(row["arm"])][row["listener_id"]] = row["n"]
    done = _count_lists_with_outcomes(codes)
    rates = {
        code: {
            measure: np.array(
                [done[code, measure].get(pk, 0) / n for pk, n in lists[code].items()],
                dtype=np.float64,
            )
            for measure in MEASURES
        }
        for code in codes
    }
    return lists, rates


def _count_lists_with_outcomes(codes: Sequence[str]) -> dict[tuple[str, str], dict[int, int]]:
    rows = Outcome.objects.filter(impression__arm__in=codes).order_by()
    seen: set[tuple[Any, ...]] = set()
    done: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for arm, listener_id, impression_id, kind in rows.values_list(
        "impression__arm", "impression__listener_id", "impression_id", "kind"
    ).distinct():
        measure = _MEASURE_OF_KIND[Outcome.Kind(kind)]
        if (impression_id, measure) not in seen:
            seen.add((impression_id, measure))
            done[str(arm), measure][listener_id] += 1
    return done


def estimate_mean(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean with its t interval."""
    if len(values) < 2:
        return Estimate(float(values.mean()) if len(values) else math.nan, math.nan, math.nan)
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return _make_interval(float(values.mean()), error, len(values) - 1, confidence)


def estimate_difference(
    values: NDArray[np.float64], base: NDArray[np.float64], confidence: float = CONFIDENCE
) -> Estimate:
    """Return mean(values) - mean(base) with Welch's interval."""
    if min(len(values), len(base)) < 2:
        return Estimate(math.nan, math.nan, math.nan)
    variances = [float(v.var(ddof=1)) / len(v) for v in (values, base)]
    spread = sum(
        variance**2 / (len(v) - 1) for variance, v in zip(variances, (values, base), strict=True)
    )
    freedom = sum(variances) ** 2 / spread if spread else len(values) + len(base) - 2
    return _make_interval(
        float(values.mean() - base.mean()), math.sqrt(sum(variances)), freedom, confidence
    )


def _make_interval(value: float, error: float, freedom: float, confidence: float) -> Estimate:
    # scipy.special, not scipy.stats, which takes 45 MB of every process: Student's quantile, and chi-squared below
    reach = float(special.stdtrit(freedom, (1 + confidence) / 2)) * error
    return Estimate(value, value - reach, value + reach)


def compute_sample_ratio_p(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Return how likely counts as uneven as these are by chance; 1 while there is nobody."""
    if sum(counts) == 0 or len(counts) < 2:
        return 1.0
    expected = np.array(shares) / sum(shares) * sum(counts)
    distance = ((np.array(counts) - expected) ** 2 / expected).sum()
    return float(special.chdtrc(len(counts) - 1, distance))


# --- Before the start -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PowerEstimate:
    """What an experiment could find in four weeks, from what the last four weeks were like."""

    n_listeners: int
    click_rate: float
    detectable: float | None

    @property
    def relative(self) -> float | None:
        return self.detectable / self.click_rate if self.detectable and self.click_rate else None


def estimate_power(experiment: Experiment) -> PowerEstimate:
    """Estimate the smallest change of the click rate that would be found in 80 % of cases."""
    recent = Impression.objects.filter(shown_at__gte=timezone.now() - timedelta(days=BASELINE_DAYS))
    n_listeners = recent.order_by().values("listener_id").distinct().count()
    n_lists = recent.count()
    clicked = recent.filter(outcomes__kind=Outcome.Kind.CLICK).distinct().count()
    rate = clicked / n_lists if n_lists else 0.0
    shares = [arm.share for arm in experiment.arms.all()]
    if len(shares) < 2 or not 0 < rate < 1:
        return PowerEstimate(n_listeners, rate, None)
    return PowerEstimate(n_listeners, rate, compute_detectable_lift(rate, n_listeners, shares))


def compute_detectable_lift(
    rate: float, n_listeners: int, shares: Sequence[float], *, power: float = 0.8
) -> float | None:
    """Return the smallest difference in a rate that would be found with `power` at 5 %; None when nothing would.

    Two-sided test of two proportions between the first arm and the smallest other one. A listener's own rate varies
    less than one yes or no would, so this errs on the safe side.
    """
    sizes = [n_listeners * share for share in (shares[0], min(shares[1:]))]
    if min(sizes) < 1:
        return None
    z = float(special.ndtri(0.975) + special.ndtri(power))
    return z * math.sqrt(rate * (1 - rate) * sum(1 / size for size in sizes))


# --- Guardrails -------------------------------------------------------------------------------------------------------


def watch(experiment: Experiment) -> list[Arm]:
    """Stop arms that surely do harm: fewer clicks, or more dislikes and hidden songs, than the first arm.

    Returns the arms stopped now. Their listeners are served as usual and stay counted with the arm.
    """
    stopped = []
    for arm_result in compute_result(experiment, confidence=GUARDRAIL_CONFIDENCE).arms[1:]:
        reason = _find_harm(arm_result)
        if reason and arm_result.arm.stopped_at is None:
            lifecycle.stop_arm(arm_result.arm, reason)
            stopped.append(arm_result.arm)
    return stopped


def watch_running() -> list[Arm]:
    """Watch the running experiment, if there is one, after the drafts that are over were counted."""
    interleaving.close_drafts()
    running = Experiment.objects.filter(state=Experiment.State.RUNNING).first()
    if running is None:
        return []
    return interleaving.watch(running) if running.is_interleaving else watch(running)


def _find_harm(result: ArmResult) -> str:
    """Return why an arm is to be stopped, or nothing."""
    if result.n_listeners < GUARDRAIL_LISTENERS:
        return ""
    clicks, unwanted = result.differences[CLICK], result.differences[UNWANTED]
    if clicks.high < 0:
        return f"{-clicks.value:.1%} fewer lists were clicked (at least {-clicks.high:.1%})."
    if unwanted.low > 0:
        return f"{unwanted.value:.1%} more lists had a song disliked or hidden (at least {unwanted.low:.1%})."
    return ""
