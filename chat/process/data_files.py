"""Finds the files that are installed with the program: of ``conf/``, and the web page."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str = "") -> Path:
    """The path of a file in ``conf/``, or of that folder: installed, or in the source tree."""
    return _folder("conf", "conf") / name


def shipped_page() -> Path:
    """The folder with the files of the web page."""
    return _folder("page", "web")


def _folder(installed_name: str, source_name: str) -> Path:
    installed = _PACKAGE / installed_name
    return installed if installed.exists() else _PACKAGE.parent / source_name
