"""Journal: a file of JSON lines that only grows, and survives a kill at any point.

Each record is one ``write``, so a killed program leaves whole lines. A full disk can leave an
incomplete line at the end. It is no record, and is dropped.

When ``append`` returns, the kernel has the record, and the record survives the end of the program.
A power failure in the next seconds can lose it, because the kernel has not written it to the disk
yet. To prevent that, each message would have to wait for the disk.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from client.errors import StoreError

log = logging.getLogger(__name__)

Record = dict[str, Any]

_PRIVATE = 0o600


def read_private(path: Path) -> bytes:
    """A whole file, empty if it does not exist. Makes it private to this user.

    Any thread. Raises StoreError.
    """
    try:
        with open(path, "rb") as file:
            os.fchmod(file.fileno(), _PRIVATE)
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as exc:
        raise StoreError(path, exc.strerror or str(exc)) from exc


def write_private(path: Path, data: bytes) -> None:
    """Replace a file in one step: a kill leaves the old one or the new one.

    Any thread. Raises StoreError.
    """
    new = path.with_name(path.name + ".new")
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        with open(fd, "wb") as file:
            os.fchmod(fd, _PRIVATE)
            file.write(data)
        os.replace(new, path)
    except OSError as exc:
        raise StoreError(path, exc.strerror or str(exc)) from exc


class Journal:
    """One file of records. One thread at a time.

    Attributes:
        path: the file.
        records: the number of its lines. The owner replaces them when there are too many.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0
        self._fd = -1

    def __repr__(self) -> str:
        return f"<Journal {self.path.name} {self.records} records>"

    def load(self) -> list[Record]:
        """The records, in order. Damaged lines are left out, with a warning in the log.

        Raises StoreError if the file cannot be read.
        """
        records: list[Record] = []
        damaged = 0
        for line in read_private(self.path).split(b"\n"):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                damaged += 1
                continue
            if isinstance(record, dict):
                records.append(record)
            else:
                damaged += 1
        if damaged:
            log.warning("%s: %d damaged lines are ignored", self.path, damaged)
        return records

    def replace(self, records: Iterable[Record]) -> None:
        """Replace the file by these records. Raises StoreError; the old file stays then."""
        lines = [_line(record) for record in records]
        write_private(self.path, b"".join(lines))
        self.close()
        try:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as exc:
            raise StoreError(self.path, exc.strerror or str(exc)) from exc
        self.records = len(lines)

    def append(self, record: Record) -> None:
        """Add one record, after ``replace``. Raises StoreError; then it is not in the file."""
        line = _line(record)
        try:
            written = os.write(self._fd, line)
            if written < len(line):  # the disk is full: take the piece back
                os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_END) - written)
                raise StoreError(self.path, "no space left on the device")
        except OSError as exc:
            raise StoreError(self.path, exc.strerror or str(exc)) from exc
        self.records += 1

    def close(self) -> None:
        """Close the file. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _line(record: Record) -> bytes:
    # In ASCII half a surrogate pair can be written, and no character of a text is a line end.
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
