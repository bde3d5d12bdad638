"""Finds the files of ``conf/``, which are installed with the program."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str = "") -> Path:
    """The path of a file in ``conf/``, or of that folder: installed, or in the source tree."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "conf"
    return (installed if installed.exists() else package.parent / "conf") / name
