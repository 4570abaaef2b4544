"""Why a song is not on a listener's list under one version, in the operator's words."""

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Song
from common.generics import StrOrPromise
from common.templatetags.numbers import format_count
from recommendations.models import ModelVersion
from recommendations.services.serving.why_not import explain_absence

_EXCLUDED = _("The listener hid it or does not want to be judged by it.")
_SENTENCES: dict[str, StrOrPromise] = {
    "unavailable": _("It was withdrawn from the catalog, so nobody is offered it."),
    "disliked": _("The listener disliked it."),
    "hidden_song": _EXCLUDED,
    "not_learned_from": _EXCLUDED,
    "unwanted": _EXCLUDED,
    "hidden_artist": _("The listener hid an artist who is on it."),
    "not_personalised": _(
        "The listener switched personalisation off and gets the same lists as everybody."
    ),
    "newer_than_model": _(
        "%(version)s does not know it: it came into the catalog after the training."
    ),
    "heard": _("The listener knows it already: it is in their history."),
    "other_version_heard": _("The listener has heard another version of it."),
    "forbidden": _(
        "It stands for the listener's own songs: they picked it, or it is the nearest to one that is new here."
    ),
    "outside": _("It is not like the songs, artists and genres that the listener picked."),
    "listed": _("It is in the list, at place %(rank)s."),
    "next_list": _("It comes with the listener's next list."),
    "other_version_listed": _("Another version of it is in the list."),
    "no_score": _("No part of the model can score it for this listener."),
    "not_proposed": _(
        "By its score it is number %(rank)s, but no part of the model proposes it for the list."
    ),
    "outranked": _("By its score it is number %(rank)s, and the list has %(n)s songs."),
    "artist_cap": _(
        "By its score it is number %(rank)s, but the list has as many songs of %(artist)s as it may have."
    ),
    "contract": _(
        "By its score it is number %(rank)s, but gave way to what the listener or the site asks of lists."
    ),
    "variety": _("By its score it is number %(rank)s, but gave way so that the list is varied."),
}


def describe_absence(listener: User, version: ModelVersion, song: Song, n: int = 20) -> str:
    """Say at which step a song falls out of a listener's list under a version, in one sentence."""
    absence = explain_absence(listener, song, n, version=version)
    return str(_SENTENCES[absence.step]) % {
        "version": version.name,
        "artist": song.artist.name,
        "rank": format_count(absence.rank or 0),
        "n": format_count(n),
    }
