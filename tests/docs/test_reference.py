"""docs/muduopy/reference.md is what the docstrings say, and they say which threads may call."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "reference.py"

THREADS = re.compile(
    r"[Aa]ny thread|[Ll]oop thread|loop's thread|[Tt]hread contract|in its loop|[Bb]efore start"
    r"|Before connect|its loop|[Pp]ure|[Ww]orker thread|thread that created|one owner|Immutable"
    r"|; loop\.|callback"
)


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public_classes() -> list[tuple[str, ast.ClassDef, str]]:
    reference = load()
    found = []
    for package in ("muduopy", *reference.SUBPACKAGES):
        known = reference.definitions(package)
        for name in reference.exported(package):
            node, text = known[name]
            if isinstance(node, ast.ClassDef):
                found.append((name, node, text))
    return found


def test_the_committed_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_old_page_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reference = load()
    page = tmp_path / "reference.md"
    monkeypatch.setattr(reference, "ROOT", ROOT)
    monkeypatch.setattr(reference, "TARGET", page)
    monkeypatch.setattr(sys, "argv", ["reference.py"])
    reference.main()
    assert page.read_text(encoding="utf-8") == reference.generate()


@pytest.mark.parametrize(
    ("name", "node", "text"),
    [pytest.param(*found, id=found[0]) for found in public_classes()],
)
def test_everything_public_is_described(name: str, node: ast.ClassDef, text: str) -> None:
    assert text, f"{name} has no docstring"
    silent, unclear = [], []
    reference = load()
    for member in reference.members(node, reference.definitions("muduopy")):
        words = ast.get_docstring(member) or ""
        if not words and not THREADS.search(text):
            silent.append(member.name)
        elif not THREADS.search(words) and not THREADS.search(text):
            unclear.append(member.name)
    if node.bases and "Error" in name:
        return  # exceptions: values
    assert not silent, f"{name}: no docstring: {silent}"
    assert not unclear, f"{name}: nothing about threads: {unclear}"
