"""Lines for systemd's journal, which takes the number off again."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chat.process.journal import JournalFormat, is_journal
from chat.process.log_format import TextFormat


@pytest.mark.parametrize(
    ("level", "mark"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<2>"),
    ],
)
def test_each_line_has_the_priority(level: int, mark: str) -> None:
    record = logging.LogRecord("chat", level, "a.py", 1, "one\n<0>two", (), None)
    first, second = JournalFormat(TextFormat()).format(record).split("\n")
    assert first.startswith(mark)
    assert first.endswith(" one")
    assert second == mark + "\t<0>two", "a text of a user does not change it"


def test_only_the_stream_that_systemd_names(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as one, (tmp_path / "b").open("w") as other:
        status = os.fstat(one.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert is_journal(one, environ)
        assert not is_journal(other, environ)
        assert not is_journal(one, {})
    assert not is_journal(io.StringIO(), environ)


def test_the_executable(tmp_path: Path) -> None:
    """The failure of a start is an error for the journal, and a plain line elsewhere."""
    settings = tmp_path / "server.toml"
    settings.write_text('[database]\nurl = "sqlite:////proc/chat.db"\n')
    command = [sys.executable, "-m", "chat.app", "127.0.0.1", "1", "--config", str(settings)]
    with (tmp_path / "log").open("w") as log:
        status = os.fstat(log.fileno())
        environ = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        for given in (environ, {**environ, "JOURNAL_STREAM": "1:1"}):
            subprocess.run(command, stderr=log, env=given, timeout=60, check=False)
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == "<3>" + second
    assert second.startswith("chatserver: database: /proc/chat.db")
