"""What is installed is what was looked at, and may be passed on under this project's licence."""

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(
    r"^([a-z0-9][\w.-]*)==([^\s;\\]+)(.*?)(?=^[a-z0-9]|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
# LGPL is a licence for libraries: using one does not ask anything of the program.
STRONG_COPYLEFT = re.compile(
    r"(?<!L)(?<!Lesser )\b(?:A?GPL|(?:Affero )?General Public License)", re.IGNORECASE
)


@pytest.mark.parametrize(
    ("name", "n_packages"),
    [
        ("requirements.lock", 40),
        ("requirements-dev.lock", 40),
        ("requirements-image.lock", 0),
        ("requirements-index.lock", 3),
    ],
)
def test_every_package_is_pinned_with_hashes(name, n_packages):
    """T60"""
    pins = PIN.findall((ROOT / name).read_text())
    assert len(pins) > n_packages
    assert [package for package, _version, rest in pins if "--hash=sha256:" not in rest] == []


def licences(package: str) -> list[str]:
    package_metadata = metadata.metadata(package)
    classifiers = [
        one for one in package_metadata.get_all("Classifier", []) if one.startswith("License")
    ]
    # A licence's whole text names others; its own name is in its first line.
    return [
        *classifiers,
        package_metadata.get("License-Expression") or "",
        (package_metadata.get("License") or "").split("\n")[0],
    ]


def test_nothing_it_runs_on_is_under_the_gpl():
    """T60"""
    packages = [
        package
        for name in ("requirements.lock", "requirements-index.lock")
        for package, _version, _rest in PIN.findall((ROOT / name).read_text())
    ]
    by_package = {package: licences(package) for package in packages}
    assert [package for package in packages if not any(by_package[package])] == []
    assert {
        name: one for name, one in by_package.items() if any(map(STRONG_COPYLEFT.search, one))
    } == {}
