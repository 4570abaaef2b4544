"""What the server says in English, in the reader's language."""

from django import template
from django.utils.translation import gettext_lazy as _

from recommendations.services.serving import explanation_text, served_list
from recommendations.services.surfaces import playlist_continuation

register = template.Library()

_REASONS = {
    served_list.NO_MODEL: _("No model has been trained yet, so these are the songs played here."),
    served_list.NOBODY_PLAYED: _(
        "Nobody has played anything yet, so these are simply songs of the catalog."
    ),
    served_list.NO_SONGS: _("There are no songs to recommend."),
    served_list.NOT_PERSONALISED: _("Personalisation is off, so everybody gets these songs."),
    served_list.NOTHING_KNOWN: _(
        "Your taste isn't known here yet, so these are songs for a start."
    ),
    served_list.NEWER_THAN_MODEL: _(
        "The songs you played are newer than the model; they count after the next training."
    ),
    served_list.STOOD_IN_FOR: _(
        "The songs you played are newer than the model, so songs like them stand in until the next training."
    ),
    served_list.NO_COMPARISON: _("No model has been trained yet, so songs can't be compared."),
    playlist_continuation.EMPTY: _(
        "An empty playlist can't be continued: add a song or two first."
    ),
    playlist_continuation.NO_MODEL: _(
        "No model has been trained yet, so there is nothing to continue with."
    ),
}
_REASONS_WITH_TITLE = {
    served_list.SONG_NEWER: _(
        "“%(title)s” is newer than the model; it can be compared after the next training."
    ),
    served_list.SONG_STOOD_IN_FOR: _(
        "“%(title)s” is newer than the model, so songs like it stand in until the next training."
    ),
}


@register.simple_tag
def served_reason(served, about=None) -> str:
    """Say why a list is not what one would expect; `about` is the song whose title the reason may name."""
    for english, translated in _REASONS_WITH_TITLE.items():
        if about is not None and served.reason == english % {"title": about.title}:
            return translated % {"title": about.title}
    return _REASONS.get(served.reason, served.reason)


@register.filter
def feature_word(name: str) -> str:
    return explanation_text.FEATURE_WORDS.get(name, name)
