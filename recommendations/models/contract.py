"""What lists have to keep: a listener's own terms, and the operator's for everybody."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_SONGS = 200


class ContractFields(models.Model):
    """The terms of a contract about lists; a term that is empty is not wished for here."""

    _SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]

    new_artist_share = models.FloatField(
        _("artists never heard"),
        null=True,
        blank=True,
        validators=_SHARE,
        help_text=_("At least this share of the songs, 0 to 1."),
    )
    artist_cap = models.PositiveSmallIntegerField(
        _("songs of one artist"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_SONGS)],
        help_text=_("At most so many, 1 to 200."),
    )
    genre_distance = models.FloatField(
        _("distance of the genres"),
        null=True,
        blank=True,
        validators=_SHARE,
        help_text=_(
            "How far the genres of a list may be from the listener's own: 0 the same mix, 1 any."
        ),
    )
    tail_share = models.FloatField(
        _("less known songs"),
        null=True,
        blank=True,
        validators=_SHARE,
        help_text=_("At least this share of songs outside the most popular fifth, 0 to 1."),
    )

    TERMS = ("new_artist_share", "artist_cap", "genre_distance", "tail_share")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(new_artist_share=None)
                | models.Q(new_artist_share__range=(0.0, 1.0)),
                name="%(class)s_new_artist_share_is_0_to_1",
            ),
            models.CheckConstraint(
                condition=models.Q(artist_cap=None) | models.Q(artist_cap__gte=1),
                name="%(class)s_artist_cap_is_at_least_1",
            ),
            models.CheckConstraint(
                condition=models.Q(genre_distance=None)
                | models.Q(genre_distance__range=(0.0, 1.0)),
                name="%(class)s_genre_distance_is_0_to_1",
            ),
            models.CheckConstraint(
                condition=models.Q(tail_share=None) | models.Q(tail_share__range=(0.0, 1.0)),
                name="%(class)s_tail_share_is_0_to_1",
            ),
        ]


class SiteContract(ContractFields):
    """What the operator sets for every listener who does not set it themselves; one row."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)

    class Meta(ContractFields.Meta):
        verbose_name = _("rule for all lists")
        verbose_name_plural = _("rules for all lists")
        constraints = [
            *ContractFields.Meta.constraints,
            models.CheckConstraint(condition=models.Q(id=1), name="site_contract_one_row"),
        ]

    def __str__(self) -> str:
        return str(_("Rules for all lists"))
