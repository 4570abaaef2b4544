"""Experiments: who gets which arm, and how one begins, is stopped and promoted. `results` has what came of it.

In a split, a listener's arm is a hash of experiment and listener, so it needs no storing and stays. Exposure is an
impression that carries the arm; outcomes hang on impressions. The unit of all statistics is the listener. In an
interleaving everybody's personal lists take turns between two versions (`experiments/interleaving.py`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F, TextField, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from recommendations.engine import assign_bucket, pick_share
from recommendations.models import Activation, Arm, Experiment, ModelVersion
from recommendations.services.versions import registry

State = Experiment.State

CACHE_KEY = "experiments:in-force"
CACHE_SECONDS = 10


class ExperimentRefused(Exception):
    """An experiment cannot do what was asked of it; the message says why."""


# --- Who gets what ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turns:
    """The two versions between which personal lists take turns, in the order of the experiment's arms."""

    experiment_id: int
    versions: tuple[ModelVersion, ModelVersion]

    @property
    def code(self) -> str:
        """What impressions of these lists carry as their arm."""
        return f"interleaving-{self.experiment_id}"


@dataclass(frozen=True)
class Treatment:
    """How one listener's list is to differ; None is as usual. `arm` is empty outside of a split.

    `turns` is set while an interleaving runs; only personal lists follow it, others are served as usual.
    """

    arm: str = ""
    version: ModelVersion | None = None
    discovery: float | None = None
    relevance: float | None = None
    turns: Turns | None = None


AS_USUAL = Treatment()
_NO_TREATMENT = {"arm": "", "version": None, "discovery": None, "relevance": None}


def find_treatment(listener: Any) -> Treatment:
    """Return what a listener gets: their arm of the running experiment, else what the last promoted one left in force.

    One cache look-up when nothing runs. An ended experiment may go on for `CACHE_SECONDS` in other processes.
    """
    rules = cache.get(CACHE_KEY)
    if rules is None:
        rules = _list_rules()
        cache.set(CACHE_KEY, rules, CACHE_SECONDS)
    if not rules:
        return AS_USUAL
    if "turns" in rules:
        return replace(_describe_treatment(rules["usual"]), turns=_find_turns(rules["turns"]))
    position = pick_share(rules["shares"], assign_bucket(rules["salt"], listener.pk))
    return AS_USUAL if position is None else _describe_treatment(rules["arms"][position])


def _list_rules() -> dict[str, Any]:
    """Return what decides, as plain values: salt, shares and arms; empty when nothing does."""
    ruling = Experiment.objects.filter(state__in=[State.RUNNING, State.PROMOTED]).order_by(
        "-ended_at"
    )
    by_state = {experiment.state: experiment for experiment in reversed(ruling)}
    running, promoted = by_state.get(State.RUNNING), by_state.get(State.PROMOTED)
    usual = _find_usual(promoted)
    if running is not None:
        arms = list(running.arms.all())
        if running.is_interleaving:
            turns = {"experiment": running.pk, "versions": [arm.version_id for arm in arms]}
            return {"turns": turns, "usual": usual or _NO_TREATMENT}
        return {
            "salt": _build_salt(running),
            "shares": [a.share for a in arms],
            "arms": [_make_plain(a, a.code) for a in arms],
        }
    return {"salt": "", "shares": [1.0], "arms": [usual]} if usual else {}


def _find_usual(promoted: Experiment | None) -> dict[str, Any] | None:
    """Return what the last promoted experiment left in force, as plain values; None where that is nothing.

    Its version, if it had one, was activated; only how varied lists are has no other place to be kept.
    """
    winner = promoted.arms.filter(is_winner=True).first() if promoted is not None else None
    if winner is None or (winner.discovery is None and winner.relevance is None):
        return None
    return _make_plain(winner, "") | {"version": None}


def _find_turns(values: dict[str, Any]) -> Turns | None:
    """Return the two versions; None when one can't serve any more, which is then as usual."""
    versions = ModelVersion.objects.usable().in_bulk(values["versions"])
    try:
        first, second = (versions[pk] for pk in values["versions"])
    except (KeyError, ValueError):
        return None
    return Turns(values["experiment"], (first, second))


def _build_salt(experiment: Experiment) -> str:
    return f"experiment-{experiment.pk}"


def _make_plain(arm: Arm, code: str) -> dict[str, Any]:
    """Return an arm as plain values. A stopped arm is treated as usual, but its listeners stay counted with it."""
    if arm.stopped_at is not None:
        return {"arm": code, "version": None, "discovery": None, "relevance": None}
    return {
        "arm": code,
        "version": arm.version_id,
        "discovery": arm.discovery,
        "relevance": arm.relevance,
    }


def _describe_treatment(values: dict[str, Any]) -> Treatment:
    version = (
        ModelVersion.objects.usable().filter(pk=values["version"]).first()
        if values["version"]
        else None
    )
    return Treatment(values["arm"], version, values["discovery"], values["relevance"])


# --- Beginning and ending ---------------------------------------------------------------------------------------------


def create(
    *, name: str, question: str, kind: str, arms: Sequence[dict[str, Any]], by: Any = None
) -> Experiment:
    """Write down an experiment as a draft, its arms in their order; nobody is served by it yet."""
    with transaction.atomic():
        experiment = Experiment.objects.create(
            name=name, question=question, kind=kind, created_by=by
        )
        for values in arms:
            Arm.objects.create(experiment=experiment, **values)
    return experiment


def start(experiment: Experiment, *, by: Any = None) -> Experiment:
    """Let an experiment run. Raises ExperimentRefused with what has to be changed first."""
    arms = list(experiment.arms.all())
    _refuse_unusable(experiment, arms)
    try:
        with transaction.atomic():
            for arm in arms:
                _resolve_preset(arm)
                if experiment.is_interleaving:
                    _fix_version(arm)
            if experiment.is_interleaving and arms[0].version_id == arms[1].version_id:
                raise ExperimentRefused(
                    _("Both arms mean %(version)s; interleaving compares two versions.")
                    % {"version": arms[0].version}
                )
            started = Experiment.objects.filter(pk=experiment.pk, state=State.DRAFT).update(
                state=State.RUNNING, started_at=timezone.now()
            )
            if not started:
                raise ExperimentRefused(
                    _("Only a draft can be started; copy this one to run it again.")
                )
    except IntegrityError:
        running = Experiment.objects.filter(state=State.RUNNING).first()
        raise ExperimentRefused(
            _("“%(experiment)s” is running; stop it first.") % {"experiment": running}
        ) from None
    return _log_change(experiment, "started", by)


def _refuse_unusable(experiment: Experiment, arms: Sequence[Arm]) -> None:
    if len(arms) < 2:
        raise ExperimentRefused(_("An experiment needs at least two arms."))
    if experiment.is_interleaving:
        _refuse_other_than_versions(arms)
        return
    total = sum(arm.share for arm in arms)
    if total > 1 + 1e-9:
        raise ExperimentRefused(
            _("The shares add up to %(total)s; they may be 100 %% together.")
            % {"total": f"{total:.0%}"}
        )
    if any(arm.share == 0 for arm in arms):
        raise ExperimentRefused(_("Every arm needs a share above 0."))
    ways = {(arm.version_id, arm.preset, arm.discovery, arm.relevance) for arm in arms}
    if len(ways) < len(arms):
        raise ExperimentRefused(
            _("Two arms are the same; change version, preset, discovery or MMR weight of one.")
        )


def _refuse_other_than_versions(arms: Sequence[Arm]) -> None:
    if len(arms) != 2:
        raise ExperimentRefused(_("Interleaving compares two versions: it needs exactly two arms."))
    if any(arm.discovery is not None or arm.relevance is not None for arm in arms):
        raise ExperimentRefused(
            _("Interleaving compares versions: leave discovery and the MMR weight empty.")
        )


def _fix_version(arm: Arm) -> None:
    """Fix the version of an arm that names none: the one that is active now, also when others are activated later."""
    if arm.version is not None:
        return
    arm.version = registry.get_active_version()
    if arm.version is None:
        raise ExperimentRefused(_("No model version is active yet."))
    arm.save(update_fields=["version"])


def _resolve_preset(arm: Arm) -> None:
    """Fix the version that an arm means, and see that it can serve."""
    if arm.preset and arm.version_id is None:
        arm.version = ModelVersion.objects.usable().filter(preset=arm.preset).first()
        if arm.version is None:
            raise ExperimentRefused(
                _("There is no version of the preset “%(preset)s” yet; train one first.")
                % {"preset": arm.preset}
            )
        arm.save(update_fields=["version"])
    if arm.version is None:
        return
    try:
        registry.load_recommender(arm.version)
    except registry.RegistryError as error:
        raise ExperimentRefused(
            _("Arm %(arm)s: %(error)s") % {"arm": arm.name, "error": error}
        ) from error


def stop(experiment: Experiment, *, by: Any = None, reason: str = "") -> Experiment:
    """End an experiment; everybody is served as usual again. Its log has the `reason`."""
    _leave(experiment, State.RUNNING, State.STOPPED, _("Only a running experiment can be stopped."))
    return _log_change(experiment, f"stopped: {reason}" if reason else "stopped", by)


def stop_arm(arm: Arm, reason: str) -> None:
    """Serve an arm's listeners as usual from now on; the others go on."""
    stopped = Arm.objects.filter(pk=arm.pk, stopped_at=None).update(
        stopped_at=timezone.now(), stop_reason=reason[:300]
    )
    if stopped:
        _log_change(arm.experiment, f"arm {arm.name} stopped: {reason}", None)


def promote(experiment: Experiment, arm: Arm, *, by: Any = None) -> Experiment:
    """Make one arm what everybody gets: its version is activated, its discovery or MMR weight becomes the usual one."""
    if arm.experiment_id != experiment.pk:
        raise ExperimentRefused(_("%(arm)s is no arm of this experiment.") % {"arm": arm.name})
    _refuse_unpromotable(experiment)
    if arm.version is not None:
        _require_usable(arm.version)
    if experiment.state == State.RUNNING:
        with suppress(ExperimentRefused):  # another operator stopped it at the same moment
            stop(experiment, by=by)
    try:
        with transaction.atomic():
            _leave(experiment, State.STOPPED, State.PROMOTED, _("A winner was promoted already."))
            Arm.objects.filter(pk=arm.pk).update(is_winner=True)
            if arm.version is not None:
                registry.activate(arm.version, by=by, reason=Activation.Reason.EXPERIMENT)
    except registry.RegistryError as error:
        raise ExperimentRefused(str(error)) from error
    return _log_change(experiment, f"{arm.name} promoted", by)


def _refuse_unpromotable(experiment: Experiment) -> None:
    """Raise ExperimentRefused for a draft and for an experiment that has its winner; nothing is activated then."""
    experiment.refresh_from_db(fields=["state"])
    if experiment.state == State.DRAFT:
        raise ExperimentRefused(_("A draft has no winner yet; start it first."))
    if experiment.state == State.PROMOTED:
        raise ExperimentRefused(_("A winner was promoted already."))


def _require_usable(version: ModelVersion) -> None:
    """Load the version before anything changes; raises ExperimentRefused when its files are not sound."""
    try:
        registry.load_recommender(version)
    except registry.BrokenVersion as error:
        registry.mark_broken(version, str(error))
        raise ExperimentRefused(str(error)) from error


def _leave(experiment: Experiment, old: str, new: str, refusal: str) -> None:
    moved = Experiment.objects.filter(pk=experiment.pk, state=old).update(
        state=new, ended_at=timezone.now()
    )
    if not moved:
        raise ExperimentRefused(refusal)


def _log_change(experiment: Experiment, what: str, by: Any) -> Experiment:
    """Write what happened to the experiment's log and let every process of this cache see it at once."""
    who = f" by {by}" if by is not None else ""
    line = f"{timezone.now():%Y-%m-%d %H:%M} {what}{who}\n"
    # put behind what is there by the database: another operator may be writing a line, too
    Experiment.objects.filter(pk=experiment.pk).update(
        log=Concat(F("log"), Value(line), output_field=TextField())
    )
    experiment.refresh_from_db()
    cache.delete(CACHE_KEY)
    return experiment
