"""A stand-in for the analyser: a real program, called as a command, that measures loudness as "energy".

Like vibenet it takes paths, leaves out what it can't read (all but WAV), and prints a JSON list. A file
whose name has "crash" in it ends it, one with "hang" lets it hang.
"""

import json
import sys
import time
import wave


def measure(path: str) -> dict | None:
    if "crash" in path:
        sys.exit(3)
    if "hang" in path:
        time.sleep(60)
    try:
        with wave.open(path) as file:
            data = memoryview(file.readframes(file.getnframes())).cast("h")
    except (wave.Error, EOFError):
        return None
    loudness = sum(abs(sample) for sample in data) / max(len(data), 1) / 32768
    return {
        "path": path,
        "energy": loudness,
        "valence": 0.25,
        "liveness": 7,
        "danceability": float("nan"),
        "acousticness": 10**400,
        "tempo": 93.5,
    }


if __name__ == "__main__":
    assert sys.argv[1:3] == ["--format", "json"]
    print(json.dumps([row for row in map(measure, sys.argv[3:]) if row is not None]))
