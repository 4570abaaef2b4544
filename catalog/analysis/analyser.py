"""The analyser: a program of the operator's, called as a command and never imported.

`ANALYSER_COMMAND` is its command line, such as `vibenet --format json --quiet --workers 1`; the paths of
music files are put behind it. It writes to its standard output a JSON list of objects, each with the
`path` as it was given and features by their names: seven of 0 to 1, and `tempo` in BPM where it has one.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.conf import catalog_conf
from catalog.records import AUDIO_FEATURES, FASTEST_TEMPO

MOST_OUTPUT = 10 * 2**20
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ORT_NUM_THREADS": "1"}
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "XDG_CACHE_HOME", "VIRTUAL_ENV")
KNOWN_ERRORS: dict[str, dict[str, float]] = {
    # mean absolute errors against Echo Nest's values, as its author published them
    "vibenet": {"danceability": 0.10, "energy": 0.125},
}

Features = dict[str, float]


class AnalyserMissing(Exception):
    """There is no analyser that could be called; the message says what to do."""


class AnalyserFailed(Exception):
    """The analyser ended with an error, took too long or wrote what can't be read."""


def get_command() -> list[str]:
    """Return the analyser's command line; raise AnalyserMissing when there is none or it is not installed."""
    try:
        command = shlex.split(settings.ANALYSER_COMMAND)
    except ValueError as error:
        raise AnalyserMissing(
            _("ANALYSER_COMMAND can't be read: %(reason)s.") % {"reason": error}
        ) from None
    if not command:
        raise AnalyserMissing(
            _(
                "No analyser is set. Install one and name it in ANALYSER_COMMAND (docs/home-server.md)."
            )
        )
    program = shutil.which(command[0])
    if program is None:
        raise AnalyserMissing(
            _("%(program)s of ANALYSER_COMMAND is not installed.") % {"program": repr(command[0])}
        )
    return [program, *command[1:]]


def get_analyser_name() -> str:
    """Return the source of the features that the analyser finds: its program's name."""
    return PurePath(get_command()[0]).stem[:64]


def analyse_files(paths: Sequence[Path]) -> dict[Path, Features]:
    """Return the features of those files that the analyser could read; raise AnalyserFailed when it did nothing.

    It runs as one process with the lowest priority, for at most `analyser_seconds` a file.
    """
    nice = shutil.which("nice")
    command = [*([nice, "-n", "19"] if nice else []), *get_command(), *map(str, paths)]
    environment = {
        name: os.environ[name] for name in _PASSED_ON if name in os.environ
    } | _ENVIRONMENT
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=catalog_conf.analyser_seconds * len(paths),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AnalyserFailed(_("it took too long")) from None
    except OSError as error:
        raise AnalyserFailed(f"{type(error).__name__}: {error.strerror}") from None
    if done.returncode != 0:
        raise AnalyserFailed(_("it ended with code %(code)d") % {"code": done.returncode})
    return _read_output(done.stdout, paths)


def _read_output(output: bytes, paths: Sequence[Path]) -> dict[Path, Features]:
    try:
        rows = json.loads(output[:MOST_OUTPUT])
    except (ValueError, RecursionError):
        raise AnalyserFailed(_("what it wrote is no JSON")) from None
    if not isinstance(rows, list):
        raise AnalyserFailed(_("what it wrote is no list"))
    by_name = {str(path): path for path in paths}
    features_by_path: dict[Path, Features] = {}
    for row in rows:
        path = by_name.get(str(row.get("path"))) if isinstance(row, dict) else None
        if path is not None and (features := _read_features(row)):
            features_by_path[path] = features
    return features_by_path


def _read_features(row: dict[str, Any]) -> Features:
    """Return the values of a row that are what they should be."""
    features = {}
    for name in AUDIO_FEATURES:
        value = row.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        # NaN is in no range; an integer of 400 digits is no float, but can be compared
        if (0 < value <= FASTEST_TEMPO) if name == "tempo" else (0 <= value <= 1):
            features[name] = float(value)
    return features
