"""The export of a conversation to a text file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from chat.safe_text import escape, escape_lines
from client.ui.model.message_item import MessageItem
from client.ui.text import times


class ExportError(Exception):
    """The file cannot be written.

    Attributes:
        exists: whether the reason is that the file exists already.
    """

    def __init__(self, reason: str, *, exists: bool = False) -> None:
        super().__init__(reason)
        self.exists = exists


def as_text(item: MessageItem) -> str:
    """``2026-11-23 12:00:00 [5] li si: hello``; further lines are indented. Pure."""
    time = escape(item.time_text) if item.time is None else times.to_text(item.time)
    first, *rest = escape_lines(item.text)
    head = f"{time} [{item.sender_id}] {escape(item.sender)}: {first}"
    return "\n    ".join([head, *rest])


def write_messages(path: Path, items: Iterable[MessageItem]) -> int:
    """Write a new file that only its owner can read. Returns the number of messages.

    Any thread. Raises ExportError, and leaves no incomplete file.
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
    """The path of a typed file name; ``~`` is the home directory. Any thread.

    Raises ExportError without a home directory.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise ExportError("there is no home directory") from exc
