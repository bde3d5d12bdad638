"""Journal: a file of JSON lines that is only ever appended to, and survives a kill at any point.

Each record is one ``write``, so that a killed program leaves either the whole line or, when the
disk was full, a piece at the very end; a piece is no record and is dropped. The kernel has
what was written when ``append`` returns: it survives the end of the program, whatever the
signal, but not a power cut in the seconds before the kernel writes it out. For that a disk
would have to be waited for at every message.
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
    """A whole file, empty if it does not exist; nobody else may read it from now on.

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
    """Put a file in place of another, in one step: a kill leaves the old one or the new one.

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
        path: where it is.
        records: how many lines it has, by our count; whoever writes decides when that is
            too many, and replaces them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0
        self._fd = -1

    def __repr__(self) -> str:
        return f"<Journal {self.path.name} {self.records} records>"

    def load(self) -> list[Record]:
        """The records, in order; lines that are none are left out, with a warning in the log.

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
        """Write the file anew with just these. Raises StoreError; the old file stays then."""
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
    # ASCII, so that half a surrogate pair can be written, too, and no other text is a line end.
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
