"""Why a list is not what was asked for: a code for programs, a sentence in the reader's language."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Fallback(TextChoices):
    """The reasons for a fallback; some name the song that `Served.about` holds."""

    NONE = "", ""
    NO_MODEL = (
        "no-model",
        _("This site hasn't learned anything yet, so these are the songs played here."),
    )
    PLAYED_ARTISTS = (
        "played-artists",
        _("This site hasn't learned anything yet, so these are songs by artists you play."),
    )
    NOBODY_PLAYED = (
        "nobody-played",
        _("Nobody has played anything yet, so these are simply songs of the catalog."),
    )
    NO_SONGS = "no-songs", _("There are no songs to recommend.")
    NOT_PERSONALISED = (
        "not-personalised",
        _("Personalisation is off, so everybody gets these songs."),
    )
    NO_HISTORY = (
        "no-history",
        _("Your taste isn't known here yet, so here are songs to start with."),
    )
    NEWER_THAN_MODEL = (
        "newer-than-model",
        _("The songs you played are new here; they count after the next update."),
    )
    HEARD_ALL = (
        "heard-all",
        _(
            "You have heard everything that was here at the last update. These songs came since then; "
            "they count in full after the next one."
        ),
    )
    PROXY_SONGS = (
        "proxy-songs",
        _(
            "The songs you played are new here, so similar songs count in their place until the next update."
        ),
    )
    NO_COMPARISON = (
        "no-comparison",
        _("This site hasn't learned anything yet, so songs can't be compared."),
    )
    SONG_NEWER = (
        "song-newer",
        _("“%(title)s” is new here; it can be compared after the next update."),
    )
    SONG_PROXIES = (
        "song-proxies",
        _("“%(title)s” is new here, so similar songs are used in its place until the next update."),
    )
    EMPTY_PLAYLIST = (
        "empty-playlist",
        _("An empty playlist can't be continued: add a song or two first."),
    )
    NOTHING_TO_CONTINUE = (
        "nothing-to-continue",
        _("This site hasn't learned anything yet, so there is nothing to continue with."),
    )
