"""Files as people have them, written by hand, and records read from them."""

import gzip
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from catalog.imports.importers import detect_history, get_importer, open_file
from catalog.records import LeftOutRow, RejectedRow


def write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def zip_members(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def outcomes(path: Path, content: str, format: str, **options) -> list:
    return list(get_importer(content, format).read(open_file(path), options))


def split(outcomes: list) -> tuple[list, dict[int, str]]:
    """Return the records, and the reasons of the rows that were rejected or left out by line."""
    others = (RejectedRow, LeftOutRow)
    rejected = {
        outcome.line: str(outcome.reason) for outcome in outcomes if isinstance(outcome, others)
    }
    return [outcome for outcome in outcomes if not isinstance(outcome, others)], rejected


def read_history(path: Path) -> tuple[list, dict[int, str]]:
    """Return the records of a file in the format that is found out, and the rows that do not go in."""
    return split(outcomes(path, "history", detect_history(open_file(path)).name))


def list_names(records: list) -> list[tuple[str, str]]:
    return [(record.song.artist, record.song.title) for record in records if record.song]


def spotify_entry(title: str | None = "Hidden Place", **changes) -> dict:
    """An entry of Spotify's extended history, with everything that is nobody's business."""
    return {
        "ts": "2021-03-04T10:05:00Z",
        "username": "secret-name",
        "platform": "secret-phone",
        "ms_played": 240_000,
        "conn_country": "ZZ",
        "ip_addr_decrypted": "203.0.113.9",
        "user_agent_decrypted": "secret-agent",
        "master_metadata_track_name": title,
        "master_metadata_album_artist_name": "Lola Berg",
        "master_metadata_album_album_name": "Tide",
        "spotify_track_uri": "spotify:track:1234567890abcdefghijAB",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "trackdone",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": None,
        "offline": False,
        "incognito_mode": False,
    } | changes


def spotify_zip(path: Path, entries: list[dict]) -> Path:
    return zip_members(
        path,
        {
            "Spotify Extended Streaming History/Streaming_History_Audio_2021_1.json": json.dumps(
                entries
            )
        },
    )
