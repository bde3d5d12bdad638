"""The two formats of a log line: text for people and fail2ban, JSON for programs."""

from __future__ import annotations

import json
import logging
import time

TEXT, JSON = "text", "json"
"""The values of the setting ``server.log_format``."""

_ESCAPED = {number: f"\\x{number:02x}" for number in [*range(32), *range(127, 160)]}
_ESCAPED[ord("\n")] = "\n\t"
"""A line that begins with a tab continues the one before. Otherwise a name with a line end in it
could look like another line of the log, and have fail2ban ban an innocent address."""


class TextFormat(logging.Formatter):
    """``2026-11-26 12:00:00,123 WARNING MainThread 203.0.113.7 #42: a login as user 5 failed``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(threadName)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Escape the control characters of the message."""
        record.message = record.message.translate(_ESCAPED)
        return super().formatMessage(record)


class JsonFormat(logging.Formatter):
    """One JSON object a line. ``event`` is the same for all lines of one kind.

    ``peer`` and ``connection`` are there if the line is about a connection.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": f"{_utc(record.created)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "event": getattr(record, "event", record.msg),
        }
        label = getattr(record, "label", None)
        if label is not None:
            fields["peer"] = label.peer
            if label.number:
                fields["connection"] = label.number
        fields["message"] = record.getMessage()
        return json.dumps(fields, ensure_ascii=False)


def new_format(name: str) -> logging.Formatter:
    """The formatter of a value of ``server.log_format``."""
    return JsonFormat() if name == JSON else TextFormat()


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
