"""The lock files, read as pip reads them on a machine that is not the one they were made on."""

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
# Debian 12 has 3.11.2; a package may ask for more there than on a later 3.11.
PYTHONS = ("3.11.0", "3.11.2", "3.11.9")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-index.lock")


def read_lock_file(name: str) -> dict[str, str]:
    """Return each package of a lock file with its version."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


def list_wanted(package: str, python: str) -> list[str]:
    """Return the packages that one asks for under a Python version, its extras left out."""
    environment = {"python_full_version": python, "python_version": "3.11", "extra": ""}
    asked = [Requirement(line) for line in metadata.requires(package) or []]
    return [
        canonicalize_name(one.name)
        for one in asked
        if one.marker is None or one.marker.evaluate(environment)
    ]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_3_11_finds_all_it_needs_in_the_lock(lock, python):
    """T60: pip refuses a package that is not in the lock, so a missing one means that nothing installs."""
    packages = read_lock_file(lock)
    missing = {
        f"{package} wants {wanted}"
        for package in packages
        for wanted in list_wanted(package, python)
        if wanted not in packages
    }

    assert not missing


def test_no_benchmark_has_the_name_of_a_standard_module():
    """`python benchmarks/quality.py` finds its own folder first, where Django asks for `statistics` and the like."""
    names = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert names & set(sys.stdlib_module_names) == set()
