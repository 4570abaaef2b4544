"""Log a batch, export a playlist and read errors with a client made from docs/openapi.yaml.

Usage: python python_client.py ADDRESS TOKEN SONG PLAYLIST, in the environment of `make test-clients`, with the
generated package on PYTHONPATH. Writes what it read as JSON.
"""

import json
import sys
from datetime import UTC, datetime
from uuid import UUID

from musicrec_client import AuthenticatedClient, Client
from musicrec_client.api.history import interactions_batch_create
from musicrec_client.api.me import me_read
from musicrec_client.api.music import songs_read_one
from musicrec_client.api.playlists import playlists_export_read, playlists_patch_one
from musicrec_client.api.recommendations import recommendations_read
from musicrec_client.models import (
    BatchInRequest,
    FactKindEnum,
    InteractionInRequest,
    PlaylistChangeRequest,
    PlaylistsExportReadAs,
)

address, token, song, playlist = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=token)
stranger = Client(base_url=address)
moment = datetime(2026, 8, 24, 18, 30, tzinfo=UTC)
entries = [
    InteractionInRequest(song=song, kind=FactKindEnum.PLAY, occurred_at=moment, played_ms=200_000),
    InteractionInRequest(song=song, kind=FactKindEnum.LIKE),
    InteractionInRequest(song="nothing", kind=FactKindEnum.PLAY),
]
batch = interactions_batch_create.sync(client=client, body=BatchInRequest(interactions=entries))
exports = {
    kind.value: playlists_export_read.sync(UUID(playlist), client=client, as_=kind)
    for kind in PlaylistsExportReadAs
}
change = PlaylistChangeRequest(title="Renamed")
renamed = playlists_patch_one.sync(UUID(playlist), client=client, body=change)
open_list = recommendations_read.sync(client=stranger, liked=song, k=1)
refused = me_read.sync(client=stranger)
missing = songs_read_one.sync("nothing", client=client)
json.dump(
    {
        "added": batch.added,
        "rejected": [one.index for one in batch.rejected],
        **exports,
        "title": renamed.title,
        "strangers_list": len(open_list.items),
        "codes": [refused.error.code, missing.error.code],
    },
    sys.stdout,
)
