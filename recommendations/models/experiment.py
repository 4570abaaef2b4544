"""An experiment on listeners: two or more ways to recommend, and who gets which."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from recommendations.models.model_version import ModelVersion


class Experiment(models.Model):
    """Compares arms on listeners: either each listener stays in one arm, or everybody's lists take turns between two.

    ::

        draft ──▶ running ──▶ stopped ──▶ promoted

    Kind, arms and shares are fixed once it runs. At most one runs, so that what differs is one thing.
    """

    class Kind(models.TextChoices):
        SPLIT = "split", _("split: each listener gets one arm")
        INTERLEAVING = "interleaving", _("interleaving: each list takes turns between two versions")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")
        PROMOTED = "promoted", _("winner promoted")

    name = models.CharField(_("name"), max_length=100)
    question = models.TextField(_("what is to be found out"), blank=True)
    kind = models.CharField(
        _("kind"),
        max_length=12,
        choices=Kind,
        default=Kind.SPLIT,
        help_text=_(
            "A split compares anything and needs hundreds of listeners. Interleaving compares two model versions and"
            " is enough for a household: leave discovery and the MMR weight of its two arms empty."
        ),
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State, default=State.DRAFT, editable=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    log = models.TextField(_("log"), blank=True, editable=False)

    class Meta:
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        ordering = ["-id"]
        permissions = [("run_experiment", _("Can start, stop and promote experiments"))]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="running"), name="experiment_one_running"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_interleaving(self) -> bool:
        return self.kind == self.Kind.INTERLEAVING


class Arm(models.Model):
    """One way to recommend; what is left empty is as for everybody. The others are compared with the first arm."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(_("name"), max_length=40)
    share = models.FloatField(
        _("share of listeners"),
        default=0.5,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_(
            "0 to 1. What all arms leave over takes no part. Interleaving does not use it: everybody takes part."
        ),
    )
    version = models.ForeignKey(
        ModelVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("model version"),
        help_text=_("Empty: the active one."),
    )
    preset = models.CharField(
        _("preset"),
        max_length=40,
        blank=True,
        help_text=_("Or the newest version of this preset when it starts."),
    )
    discovery = models.FloatField(
        _("discovery"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("0 familiar to 1 adventurous, for listeners who set nothing themselves."),
    )
    relevance = models.FloatField(
        _("MMR weight"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("Share of relevance against diversity; 0.7 is usual."),
    )
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)
    stop_reason = models.CharField(_("stopped because"), max_length=300, blank=True, editable=False)
    is_winner = models.BooleanField(_("winner"), default=False, editable=False)

    class Meta:
        verbose_name = _("arm")
        verbose_name_plural = _("arms")
        ordering = ["experiment", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "name"], name="arm_name_once_an_experiment"
            ),
            models.UniqueConstraint(
                fields=["experiment"],
                condition=models.Q(is_winner=True),
                name="arm_one_winner_an_experiment",
            ),
            models.CheckConstraint(
                condition=models.Q(share__range=(0.0, 1.0)), name="arm_share_is_0_to_1"
            ),
            models.CheckConstraint(
                condition=models.Q(discovery=None) | models.Q(relevance=None),
                name="arm_has_discovery_or_relevance",
                violation_error_message=_(
                    "Set discovery or the MMR weight: both say how varied a list is."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """What impressions of this arm carry."""
        return str(self.pk)


class InterleavedDraft(models.Model):
    """What one listener was shown on one day of an interleaving experiment, and which version won the day.

    A draft is open until its window is over; then the songs of each team that were liked, heard or kept are counted,
    once. `teams` has the team of each song id: 0 the first arm, 1 the second, -1 neither.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="drafts")
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("listener"),
    )
    day = models.DateField(_("day"))
    shown_at = models.DateTimeField(_("shown"))
    teams = models.JSONField(_("teams"), default=dict)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    n_first = models.PositiveSmallIntegerField(_("songs of the first arm that counted"), default=0)
    n_second = models.PositiveSmallIntegerField(
        _("songs of the second arm that counted"), default=0
    )
    n_heard = models.PositiveSmallIntegerField(_("plays"), default=0)
    n_skipped = models.PositiveSmallIntegerField(_("skips"), default=0)
    n_unwanted = models.PositiveSmallIntegerField(_("songs disliked or hidden"), default=0)

    class Meta:
        verbose_name = _("interleaved draft")
        verbose_name_plural = _("interleaved drafts")
        ordering = ["-shown_at"]
        indexes = [models.Index(fields=["closed_at", "shown_at"], name="draft_open")]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "listener", "day"], name="draft_once_a_listener_and_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} on {self.day}"
