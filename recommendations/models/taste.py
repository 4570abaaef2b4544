"""What listeners set about their taste themselves, beside what they listened to."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Artist, Genre, Song
from recommendations.models.contract import ContractFields


class Taste(ContractFields):
    """A listener's own settings for their recommendations, what lists have to keep among them."""

    listener = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="taste"
    )
    discovery = models.FloatField(
        _("discovery"),
        default=0.5,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("0 familiar to 1 adventurous."),
    )
    songs = models.ManyToManyField(
        Song, blank=True, related_name="+", verbose_name=_("chosen songs")
    )
    artists = models.ManyToManyField(
        Artist, blank=True, related_name="+", verbose_name=_("chosen artists")
    )
    genres = models.ManyToManyField(
        Genre, blank=True, related_name="+", verbose_name=_("chosen genres")
    )
    onboarded_at = models.DateTimeField(_("onboarded"), null=True, blank=True)

    class Meta(ContractFields.Meta):
        verbose_name = _("taste")
        verbose_name_plural = _("tastes")
        constraints = [
            *ContractFields.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(discovery__range=(0.0, 1.0)), name="taste_discovery_is_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listener}: {self.discovery}"


class ListenerControl(models.Model):
    """How a listener steers.

    A song or artist hidden, a song not to be learned from, a part of the history muted, counted more or declared
    somebody else's (one row a song of that part).
    """

    class Kind(models.TextChoices):
        HIDE_SONG = "hide-song", _("hide this song")
        HIDE_ARTIST = "hide-artist", _("hide this artist")
        IGNORE_SONG = "ignore-song", _("don't use this song for recommendations")
        MUTE_SONG = "mute-song", _("don't use this part of my history for now")
        BOOST_SONG = "boost-song", _("use this part of my history more")
        NOT_ME = "not-me", _("this wasn't me")

    HIDING = [Kind.HIDE_SONG, Kind.HIDE_ARTIST]
    MOODS = [Kind.MUTE_SONG, Kind.BOOST_SONG, Kind.NOT_ME]
    NOT_LEARNED_FROM = [Kind.IGNORE_SONG, Kind.MUTE_SONG, Kind.NOT_ME]
    NOT_OFFERED = [*HIDING, *NOT_LEARNED_FROM]
    # a song not learned from is out of the history, so it would come back as if it were new

    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="controls", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=11, choices=Kind)
    song = models.ForeignKey(
        Song, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    artist = models.ForeignKey(
        Artist, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        db_table = "recommendations_wish"
        verbose_name = _("control")
        verbose_name_plural = _("controls")
        ordering = ["-id"]
        indexes = [models.Index(fields=["listener", "kind"], name="wish_listener")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="hide-artist", artist__isnull=False, song=None)
                | models.Q(
                    kind__in=["hide-song", "ignore-song", "mute-song", "boost-song", "not-me"],
                    song__isnull=False,
                    artist=None,
                ),
                name="wish_names_what_its_kind_needs",
            ),
            models.UniqueConstraint(
                fields=["listener", "kind", "song"],
                condition=models.Q(artist=None),
                name="wish_once_a_song",
            ),
            models.UniqueConstraint(
                fields=["listener", "kind", "artist"],
                condition=models.Q(song=None),
                name="wish_once_an_artist",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listener}: {self.get_kind_display()}"
