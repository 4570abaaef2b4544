"""What players send, for the tests of the doors that speak ListenBrainz."""

import time

from catalog.models import Interaction

NOW = int(time.time())


def listen(title="Creep", artist="Radiohead", at=NOW - 600, **info):
    track = {"artist_name": artist, "track_name": title}
    if info:
        track["additional_info"] = info
    return {"listened_at": at, "track_metadata": track}


def playing(title="Creep", artist="Radiohead", **info):
    """Return what a player announces: a listen without a time."""
    return {"track_metadata": listen(title, artist, **info)["track_metadata"]}


def single(one):
    return {"listen_type": "single", "payload": [one]}


def plays(user):
    return Interaction.objects.for_listener(user).filter(kind=Interaction.Kind.PLAY)
