"""How songs are shown: pictures, durations, names of features."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils.formats import localize
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalog.analysis.analyser import KNOWN_ERRORS
from catalog.models import MusicServer, Song
from catalog.songs import covers
from common.generics import StrOrPromise

register = template.Library()

FEATURE_NAMES = {
    "acousticness": _("acoustic"),
    "danceability": _("danceable"),
    "energy": _("energy"),
    "instrumentalness": _("instrumental"),
    "liveness": _("live"),
    "speechiness": _("spoken"),
    "valence": _("cheerful"),
    "tempo": _("tempo"),
}


@register.simple_tag
def cover_url(song: Song, size: int = 300) -> str:
    """Return the address of the song's picture; no query when artist, album and genres are there already."""
    if song.cover_tag:
        return _build_real_cover_pattern(get_script_prefix()) % (song.cover_tag, size)
    return _build_cover_pattern(get_script_prefix()) % covers.name_drawn_cover(song)


@register.simple_tag(takes_context=True)
def audio_address(context: Mapping[str, Any], song: Song) -> str:
    """Return where the player finds the song's sound; empty where this visitor can't hear it here."""
    user = context.get("user")
    if song.has_audio and user is not None and user.is_authenticated:
        return _build_path_pattern("catalog:audio", get_script_prefix()) % song.pk
    return song.audio_url if is_playable(song.audio_url) else ""


@register.filter
def build_path(pk: int, name: str) -> str:
    """Return the address of `{% url name pk %}`.

    A page of cards needs hundreds, and reversing each takes a tenth of its time.
    """
    return _build_path_pattern(name, get_script_prefix()) % pk


@cache
def _build_cover_pattern(prefix: str) -> str:
    return reverse("catalog:cover", args=["code"]).replace("/code.", "/%s.")


@cache
def _build_real_cover_pattern(prefix: str) -> str:
    return (
        reverse("catalog:real_cover", args=["0" * 16, 0])
        .replace("0" * 16, "%s")
        .replace("/0.", "/%d.")
    )


@cache
def _build_path_pattern(name: str, prefix: str) -> str:
    return reverse(name, args=[0]).replace("/0/", "/%d/")


@register.filter
def duration(milliseconds: int | None) -> str:
    """Return 3:05 for 185000, and from an hour on 2:05:45."""
    if not milliseconds:
        return ""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@register.filter
def is_playable(address: str) -> bool:
    """Whether the site's content policy lets its player load this address."""
    return bool(address) and address.startswith((f"{settings.SITE_URL}/", *settings.MEDIA_SOURCES))


@register.filter
def is_web_address(address: str) -> bool:
    """Whether a link may lead there: no program of a page, no other scheme."""
    return address.startswith(("https://", "http://"))


@register.filter
def feature_name(name: str) -> StrOrPromise:
    return FEATURE_NAMES.get(name, name)


@register.filter
def known_error(source: str, names: Iterable[str]) -> str:
    """Say how far an analyser's values are off on average, as its author published it; empty where nobody did."""
    errors = KNOWN_ERRORS.get(source, {})
    errors_by_feature = [
        f"{FEATURE_NAMES[name]} ±{localize(errors[name])}" for name in names if name in errors
    ]
    return (
        gettext("mean error: %(errors)s") % {"errors": ", ".join(errors_by_feature)}
        if errors_by_feature
        else ""
    )


@register.simple_tag
def has_music_servers() -> bool:
    """Return whether the operator has connected a music server; one query."""
    return MusicServer.objects.exists()


@register.filter
def lookup(by_id: Mapping[Any, Any], key: Any) -> Any:
    """Return by_id[key], "" when it is not there."""
    return by_id.get(key, "")
