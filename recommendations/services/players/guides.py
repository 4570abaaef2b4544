"""How each player is connected: which token it needs and what is entered where.

A value is filled with `site` (this site's address), `token`, `user` (the listener's name here), and `scheme` and `host`
(the two halves of the address). Names of settings are those of the player, so they are not translated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Scope

Text = str | Promise


class Setting(NamedTuple):
    """One thing to enter: where, and what."""

    label: Text
    value: str


@dataclass(frozen=True)
class Guide:
    """One player. `sends_listens`: the page can say when the first one arrived."""

    slug: str
    name: Text
    purpose: Text
    settings: Sequence[Setting]
    scopes: Sequence[str] = (Scope.LISTEN,)
    notes: Sequence[Text] = field(default_factory=tuple)
    sends_listens: bool = True


_SCROBBLES = _("Sends what you play to this site.")
_BOTH = _("Sends what you play, and fetches the playlists made for you.")

GUIDES = (
    Guide(
        "navidrome",
        "Navidrome",
        _SCROBBLES,
        (
            Setting(_("In the server's environment"), "ND_LISTENBRAINZ_BASEURL={site}/1/"),
            Setting(
                _("In Navidrome: your name → Personal → Scrobble to ListenBrainz, the token"),
                "{token}",
            ),
        ),
    ),
    Guide(
        "navidrome-plugin",
        "Navidrome (plugin)",
        _(
            "Instant mixes, artist radios and sonic paths in every app of your Navidrome, and skips as signals."
        ),
        (
            Setting(_("Put into Navidrome's plugins folder"), "musicrec.ndp"),
            Setting(_("In the server's environment"), "ND_PLUGINS_ENABLED=true"),
            Setting(
                _("In the server's environment"), "ND_AGENTS=musicrec,deezer,lastfm,listenbrainz"
            ),
            Setting("Plugins → Musicrec → Address of the Musicrec site", "{site}"),
            Setting("Plugins → Musicrec → Access token for recommendations", "{token}"),
            Setting(
                "Plugins → Musicrec → Users whose plays are sent → Access token of that user",
                "{token}",
            ),
        ),
        scopes=(Scope.READ, Scope.LISTEN),
        notes=(
            _(
                "Your operator has the file musicrec.ndp, or builds it with “make navidrome-plugin”."
            ),
        ),
    ),
    Guide(
        "jellyfin",
        "Jellyfin",
        _BOTH,
        (
            Setting("Plugins → ListenBrainz → ListenBrainz server", "{site}"),
            Setting("Plugins → ListenBrainz → User token", "{token}"),
            Setting("Labs server", "{site}/labs"),
        ),
        notes=(_("To let it fetch your playlists, allow that in your settings here."),),
    ),
    Guide(
        "pano",
        "Pano Scrobbler",
        _SCROBBLES,
        (
            Setting("Settings → Scrobble services → Custom ListenBrainz → API URL", "{site}/"),
            Setting("Token", "{token}"),
        ),
    ),
    Guide(
        "multi-scrobbler",
        "multi-scrobbler",
        _SCROBBLES,
        (
            Setting(
                "listenbrainz.json",
                '[{{"name": "musicrec", "enable": true, "configureAs": "client", '
                '"data": {{"url": "{site}", "token": "{token}", "username": "{user}"}}}}]',
            ),
        ),
    ),
    Guide(
        "web-scrobbler",
        "Web Scrobbler",
        _SCROBBLES,
        (
            Setting("Accounts → ListenBrainz → API URL", "{site}/1/submit-listens"),
            Setting("Token", "{token}"),
        ),
        notes=(
            _(
                "Don't use its heart: it sends your token to the public server, whatever you entered."
            ),
        ),
    ),
    Guide(
        "mpd",
        "mpd (listenbrainz-mpd)",
        _SCROBBLES,
        (Setting("config.toml", '[submission]\napi_url = "{site}"\ntoken = "{token}"'),),
    ),
    Guide(
        "mopidy",
        "Mopidy",
        _BOTH,
        (
            Setting(
                "mopidy.conf",
                "[listenbrainz]\nurl = {host}\ntoken = {token}\nimport_playlists = true",
            ),
        ),
    ),
    Guide(
        "listenbrainz",
        _("Another player"),
        _("Any player that sends to ListenBrainz and can be given another address."),
        (
            Setting(_("Address of the server"), "{site}"),
            Setting(_("Address, where it has to end in /1/"), "{site}/1/"),
            Setting(_("Token"), "{token}"),
        ),
    ),
    Guide(
        "audiomuse",
        _("AudioMuse's plugins"),
        _("Instant mixes in Navidrome, Jellyfin, Symfonium and Ampache come from this site."),
        (
            Setting(_("Address of AudioMuse"), "{site}/audiomuse"),
            Setting(_("Address of AudioMuse, in Jellyfin"), "{site}"),
            Setting(_("Token"), "{token}"),
            Setting(
                _("Address of AudioMuse, in Ampache"), "{scheme}://ampache:{token}@{host}/audiomuse"
            ),
        ),
        scopes=(Scope.READ, Scope.PLAYLISTS),
        notes=(
            _("Needs a music server that your operator has connected: its ids are used."),
            _(
                "Ampache has no field for a token, so its address contains it. It asks public addresses only."
            ),
        ),
        sends_listens=False,
    ),
    Guide(
        "lidarr",
        "Lidarr",
        _(
            "A list of artists and albums to look for: those that listeners elsewhere play together with yours."
        ),
        (Setting("Settings → Import Lists → Custom List → List URL", "{site}/lidarr/{token}/"),),
        scopes=(Scope.LIDARR,),
        notes=(
            _(
                "Anyone with the address can read the list. Revoke its token and the address is gone."
            ),
        ),
        sends_listens=False,
    ),
    Guide(
        "assistant",
        _("An assistant (MCP)"),
        _(
            "A program that speaks the Model Context Protocol can ask for songs, reasons and statistics."
        ),
        (
            Setting(_("Address"), "{site}/mcp"),
            Setting(_("Header"), "Authorization: Bearer {token}"),
            Setting(
                _("Or as JSON"),
                '{{"mcpServers": {{"musicrec": {{"type": "http", "url": "{site}/mcp", '
                '"headers": {{"Authorization": "Bearer {token}"}}}}}}}}',
            ),
        ),
        scopes=(Scope.READ, Scope.PLAYLISTS),
        sends_listens=False,
    ),
)
BY_SLUG = {guide.slug: guide for guide in GUIDES}


def fill_settings(guide: Guide, site: str, user: str, token: str) -> list[Setting]:
    """Return what to enter with this site's address and the token in it."""
    scheme, _separator, host = site.partition("://")
    values = {"site": site, "scheme": scheme, "host": host, "user": user, "token": token}
    return [Setting(label, value.format(**values)) for label, value in guide.settings]
