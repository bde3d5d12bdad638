"""Journal: the priority of each log line, for a standard error that systemd's journal reads.

The journal gives a line of a service the priority "info", unless the line begins with a number in
angle brackets. It takes that number off. So ``journalctl --priority warning`` finds the warnings.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TextIO

ERROR_MARK = "<3>"

_MARKS = (
    (logging.CRITICAL, "<2>"),
    (logging.ERROR, ERROR_MARK),
    (logging.WARNING, "<4>"),
    (logging.INFO, "<6>"),
)


class JournalFormat(logging.Formatter):
    """The lines of another format, with their priority."""

    def __init__(self, lines: logging.Formatter) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        mark = next((mark for level, mark in _MARKS if record.levelno >= level), "<7>")
        # Each line of a traceback is an entry of its own.
        return mark + self._lines.format(record).replace("\n", "\n" + mark)


def is_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Does the journal read this stream? systemd names its device and inode in JOURNAL_STREAM."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
