"""A conversation as a text file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from client.safe_text import escape, escape_lines
from client.ui.model.message_item import MessageItem
from client.ui.text import times


class ExportError(Exception):
    """The file cannot be written.

    Attributes:
        exists: because it is there already.
    """

    def __init__(self, reason: str, *, exists: bool = False) -> None:
        super().__init__(reason)
        self.exists = exists


def as_text(item: MessageItem) -> str:
    """``2026-11-23 12:00:00 [5] li si: hello``; further lines are indented. Pure."""
    moment = escape(item.time) if item.when is None else times.to_text(item.when)
    first, *rest = escape_lines(item.text)
    head = f"{moment} [{item.sender_id}] {escape(item.sender)}: {first}"
    return "\n    ".join([head, *rest])


def write(path: Path, items: Iterable[MessageItem]) -> int:
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
            for item in items:
                file.write(as_text(item) + "\n")
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
