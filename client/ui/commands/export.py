"""A conversation as a text file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from client.safe_text import escape, escape_lines
from client.ui.model.message_item import Entry
from client.ui.text import times


class ExportError(Exception):
    """The file cannot be written.

    Attributes:
        exists: because it is there already.
    """

    def __init__(self, reason: str, *, exists: bool = False) -> None:
        super().__init__(reason)
        self.exists = exists


def as_text(entry: Entry) -> str:
    """``2026-11-23 12:00:00 [5] li si: hello``; further lines are indented. Pure."""
    moment = escape(entry.time) if entry.when is None else times.to_text(entry.when)
    first, *rest = escape_lines(entry.text)
    head = f"{moment} [{entry.sender_id}] {escape(entry.sender)}: {first}"
    return "\n    ".join([head, *rest])


def write(path: Path, entries: Iterable[Entry]) -> int:
    """Write a new file that only the owner can read; returns how many messages are in it.

    Any thread. Raises ExportError; what could not be written whole is not there at all.
    """
    count = 0
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as exc:
        raise ExportError("exists", exists=True) from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        raise ExportError(getattr(exc, "strerror", None) or str(exc)) from exc
    try:
        with open(fd, "w", encoding="utf-8") as file:
            for entry in entries:
                file.write(as_text(entry) + "\n")
                count += 1
    except OSError as exc:
        path.unlink(missing_ok=True)
        raise ExportError(exc.strerror or str(exc)) from exc
    return count


def to_path(text: str) -> Path:
    """What was typed, with ``~`` for the home directory. Any thread. Raises ExportError."""
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise ExportError("there is no home directory") from exc
