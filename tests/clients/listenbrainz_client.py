"""A day with liblistenbrainz: `python listenbrainz_client.py ADDRESS TOKEN day|stranger`, in the clients' environment.

Writes what it read as JSON.
"""

import json
import sys
import time

import liblistenbrainz
from liblistenbrainz.errors import InvalidAuthTokenException, ListenBrainzAPIException

MBID = "d11fcceb-dfc5-4d19-b45d-f4e8f6d3eaa6"


def main() -> None:
    address, token, role = sys.argv[1:]
    read = spend_a_day(address, token) if role == "day" else ask_as_a_stranger(address)
    json.dump(read, sys.stdout)


def spend_a_day(address: str, token: str) -> dict:
    """Play, love, read back, count and delete, and fetch the playlists that were made."""
    client = liblistenbrainz.ListenBrainz(api_base_url=address)
    client.set_auth_token(token)
    now = int(time.time())
    read: dict = {}
    client.submit_playing_now(liblistenbrainz.Listen("Creep", "Radiohead"))
    read["playing"] = client.get_playing_now("alice").track_name
    newest = liblistenbrainz.Listen(
        "Creep", "Radiohead", listened_at=now - 60, recording_mbid=MBID, tags=["rock"]
    )
    client.submit_single_listen(newest)
    older = [
        liblistenbrainz.Listen(f"Song {n}", "Radiohead", listened_at=now - 600 * (n + 2))
        for n in range(3)
    ]
    client.submit_multiple_listens(older)
    read["n_listens"] = client.get_user_listen_count("alice")
    client.submit_user_feedback(1, MBID)
    feedback = client.get_user_feedback("alice", 1, metadata=True)["feedback"]
    read["loved"] = [one["track_metadata"]["track_name"] for one in feedback]
    listens = client.get_listens("alice", count=10)
    read["listens"] = [listen.track_name for listen in listens]
    artists = client.get_user_artists("alice")["payload"]["artists"]
    read["artists"] = [(one["artist_name"], one["listen_count"]) for one in artists]
    recommended = client.get_user_recommendation_recordings("alice")["payload"]["mbids"]
    read["recommended"] = [one["recording_mbid"] for one in recommended]
    client.delete_listen(listens[0])
    read["n_left"] = client.get_user_listen_count("alice")
    (weekly,) = client._get("/1/user/alice/playlists/createdfor")["playlists"]
    id_ = weekly["playlist"]["identifier"].rsplit("/", 1)[-1]
    tracks = client._get(f"/1/playlist/{id_}")["playlist"]["track"]
    read["playlist"] = [(track["title"], track["annotation"]) for track in tracks]
    read["others"] = refusal(client.get_listens, "bob")
    return read


def ask_as_a_stranger(address: str) -> dict:
    """Try a wrong token, and the playlists without one."""
    client = liblistenbrainz.ListenBrainz(api_base_url=address)
    read: dict = {"createdfor": refusal(client._get, "/1/user/alice/playlists/createdfor")}
    try:
        client.set_auth_token("wrong")
    except InvalidAuthTokenException:
        read["wrong_token"] = "invalid"
    return read


def refusal(ask, *arguments):
    """Return the status of a refusal, or the number of playlists of an answer."""
    try:
        return ask(*arguments)["playlist_count"]
    except ListenBrainzAPIException as error:
        return error.status_code


main()
