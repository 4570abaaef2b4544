"""The programs of the clients' environment, which `make test-clients` makes."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = Path(os.environ.get("CLIENTS_VENV", ROOT / ".venv-clients")) / "bin"


@pytest.fixture
def run(tmp_path) -> Callable[..., str]:
    """Return a function that runs a program in an empty folder and returns what it wrote.

    A program without a folder in its name is looked for in the clients' environment first.
    """

    def run_program(*command, **settings: str) -> str:
        path = f"{CLIENTS}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path} | settings
        own = CLIENTS / str(command[0])
        done = subprocess.run(
            [str(own) if own.exists() else str(command[0]), *map(str, command[1:])],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run_program
