"""The lock files match pyproject.toml, and docs/licenses.md matches the lock files."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
REMEDY = "run scripts/lock.sh"
EXTRAS = {
    "requirements.lock": ("chat", "client", "http", "websocket"),
    "requirements-dev.lock": ("chat", "client", "http", "websocket", "dev"),
}


def entries(file: str) -> dict[str, str]:
    """The entries of a lock file: the name of each package and its lines."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.findall(r"^(\S+)==(.*(?:\n +.*)*)", text, re.M)
    assert found
    return dict(found)


def version(entry: str) -> str:
    return entry.split(maxsplit=1)[0]


def wanted(file: str) -> list[Requirement]:
    """The requirements of pyproject.toml that the lock file has to meet."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    optional = project["project"]["optional-dependencies"]
    assert optional.keys() == set(EXTRAS["requirements-dev.lock"])
    lines = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in EXTRAS[file]:
        lines += optional[extra]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("file", EXTRAS)
def test_each_requirement_is_locked(file: str) -> None:
    locked = {name: version(entry) for name, entry in entries(file).items()}
    missing = [
        str(requirement)
        for requirement in wanted(file)
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]
    assert not missing, REMEDY


@pytest.mark.parametrize("file", EXTRAS)
def test_each_entry_has_hashes_and_no_place(file: str) -> None:
    for name, entry in entries(file).items():
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)) >= 1, name
    assert "://" not in (ROOT / file).read_text(encoding="utf-8")


def test_programs_and_checks_use_the_same_versions() -> None:
    checks = entries("requirements-dev.lock")
    for name, entry in entries("requirements.lock").items():
        assert version(checks[name]) == version(entry), REMEDY


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licenses", ROOT / "scripts" / "licenses.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_licences_has_the_locked_versions() -> None:
    """Without the packages for other systems: their entries have a condition."""
    script = load_script()
    rows = re.findall(
        r"^\| ([\w.-]+) \| (\d[\w.]*) \| (.+) \| (\w+) \|$", script.PAGE.read_text(), re.M
    )
    elsewhere = {
        name for name, entry in entries("requirements-dev.lock").items() if ";" in entry
    } - {row[0] for row in rows}
    expected = {
        name: version
        for name, version in script.locked("requirements-dev.lock").items()
        if name not in elsewhere
    }
    assert {name: locked for name, locked, *_ in rows} == expected, REMEDY
    programs = entries("requirements.lock")
    for name, locked, licence, purpose in rows:
        assert licence != "not stated", name
        assert purpose == ("programs" if name in programs else "checks"), REMEDY
        assert script.licence(name) in {licence, None}, f"{name} {locked}: {REMEDY}"
