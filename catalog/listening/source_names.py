"""How pages call the sources of plays: players and servers name themselves, the formats of files have names here."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.records import PLAYER_PREFIX

_NAMES = {
    "spotify-extended": "Spotify",
    "spotify": "Spotify",
    "lastfm": "Last.fm",
    "lastfm-json": "Last.fm",
    "lastfm-loved": "Last.fm",
    "lastfmstats": "Last.fm",
    "listenbrainz": "ListenBrainz",
    "site": gettext_lazy("this site"),
    "player": gettext_lazy("this site's player"),
    f"{PLAYER_PREFIX}player": gettext_lazy("a player"),
    "api": gettext_lazy("programs (API)"),
    "csv": gettext_lazy("a CSV file"),
    "demo": gettext_lazy("the demo"),
}


def name_source(source: str) -> str:
    """Return what a listener calls a source; its own name where none is known."""
    return str(_NAMES.get(source, source.removeprefix(PLAYER_PREFIX))) or _("unknown")
