"""Finds the files in ``conf/`` that come with the program."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str = "") -> Path:
    """A file of ``conf/``, or the folder: of the installed package, or of the source tree."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "conf"
    return (installed if installed.exists() else package.parent / "conf") / name
