"""Find the tempo of music files with librosa (ISC), as an analyser of Musicrec.

A program of its own, in an environment of its own: `pipx install ./integrations/librosa`, then
`ANALYSER_COMMAND=librosa-tempo`. It takes paths and prints a JSON list of {"path", "tempo"}; what it can't read, and
what has no beat, is left out. A minute from the middle of a song is listened to.
"""

import argparse
import json
import sys

LISTENED_SECONDS = 60.0
SAMPLE_RATE = 22_050


def find_tempo(path: str) -> float | None:
    """Return the beats per minute of a file; None for silence. Raises what librosa raises for what is no music."""
    import librosa

    seconds = librosa.get_duration(path=path)
    start = max(0.0, (seconds - LISTENED_SECONDS) / 2)
    samples, rate = librosa.load(
        path, sr=SAMPLE_RATE, mono=True, offset=start, duration=LISTENED_SECONDS
    )
    if not samples.any():
        return None
    tempo = float(librosa.feature.tempo(y=samples, sr=rate)[0])
    return tempo if tempo > 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    rows = []
    for path in parser.parse_args().paths:
        try:
            tempo = find_tempo(path)
        except Exception as error:  # noqa: BLE001  (decoders raise anything; one bad file costs only itself)
            sys.stderr.write(f"{path}: {type(error).__name__}: {error}\n")
            continue
        if tempo is not None:
            rows.append({"path": path, "tempo": round(tempo, 1)})
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
