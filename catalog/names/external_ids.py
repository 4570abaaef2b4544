"""Ids that other services gave, read from text: ISRCs and MusicBrainz ids."""

import re
import uuid

_ISRC = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")


def clean_isrc(isrc: str) -> str:
    """Return an ISRC as twelve characters without hyphens, or "" when it is none."""
    bare = isrc.replace("-", "").replace(" ", "").upper()
    return bare if _ISRC.match(bare) else ""


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return a MusicBrainz id; None for an empty text and for one that is none."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
