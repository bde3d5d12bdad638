"""Log lines as text and as JSON."""

from __future__ import annotations

import io
import json
import logging

from chat.process.log_format import JSON, TEXT, JsonFormat, TextFormat, new_format
from chat.process.log_queue import LogQueue
from chat.process.peer_label import PeerLabel


def prepared(text: str, *args: object, exc: BaseException | None = None) -> logging.LogRecord:
    """A record as the writer's thread gets it."""
    info = None if exc is None else (type(exc), exc, exc.__traceback__)
    record = logging.LogRecord("chat.service.answers", logging.WARNING, "a.py", 1, text, args, info)
    return LogQueue(io.StringIO(), TextFormat()).prepare(record)


def line(record: logging.LogRecord) -> str:
    return TextFormat().format(record)


def test_text_names_the_peer_and_the_connection() -> None:
    text = line(prepared("%s: a login as user %d failed", PeerLabel("203.0.113.7", 42), 5))
    assert text.endswith(" WARNING MainThread 203.0.113.7 #42: a login as user 5 failed")


def test_no_text_can_look_like_another_line() -> None:
    text = line(prepared("name %s", "a\r\nb\x1b[31m\x9b\u2028c"))
    assert text.endswith("name a\\x0d\n\tb\\x1b[31m\\x9b\u2028c")


def test_a_traceback_follows_its_line() -> None:
    try:
        raise ValueError("wrong")
    except ValueError as exc:
        text = line(prepared("failed", exc=exc))
    first, *rest = text.split("\n")
    assert first.endswith(" failed")
    assert rest[0] == "\tTraceback (most recent call last):"
    assert rest[-1] == "\tValueError: wrong"


def test_json_has_fields() -> None:
    record = prepared('%s: "%s" is\n%d', PeerLabel("2001:db8::1", 7), "ü", 3)
    record.created, record.msecs = 1_800_000_000.25, 250.0
    assert json.loads(JsonFormat().format(record)) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "logger": "chat.service.answers",
        "thread": "MainThread",
        "event": '%s: "%s" is\n%d',
        "peer": "2001:db8::1",
        "connection": 7,
        "message": '2001:db8::1 #7: "ü" is\n3',
    }
    assert "\n" not in JsonFormat().format(record)
    assert "peer" not in json.loads(JsonFormat().format(prepared("no peer")))


def test_formats_by_the_setting() -> None:
    assert isinstance(new_format(JSON), JsonFormat)
    assert isinstance(new_format(TEXT), TextFormat)
