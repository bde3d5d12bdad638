"""LogQueue: lines of all threads, written by one thread; a blocked reader blocks nothing."""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Iterator

import pytest

from chat.process.log_limit import LogLimit, LogLimiter
from chat.process.log_queue import LogQueue
from tests.chat.loopkit import WAIT

BARE = logging.Formatter("%(levelname)s %(message)s")


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("test_log_queue")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers.clear()
    logger.propagate = True


def many() -> LogLimit:
    """A limit that leaves nothing out."""
    return LogLimit(LogLimiter(10**9))


def test_lines_come_out_in_their_order(logger: logging.Logger) -> None:
    stream = io.StringIO()
    logs = LogQueue(stream, BARE)
    logger.addHandler(logs)
    logs.start()
    for number in range(500):  # the same kind: before the end of the start nothing is left out
        logger.info("line %d", number)
    assert logs.close_in(WAIT)
    assert logs.close_in(WAIT)
    assert stream.getvalue().splitlines() == [f"INFO line {number}" for number in range(500)]
    assert logs.lines.counts["info"] == 500


def test_a_limit_leaves_lines_out(logger: logging.Logger) -> None:
    stream = io.StringIO()
    logs = LogQueue(stream, BARE, LogLimit(LogLimiter(3)))
    logger.addHandler(logs)
    logs.start()
    logs.begin_to_drop()
    for number in range(10):
        logger.warning("line %d", number)
    logger.error("another kind")
    assert logs.close_in(WAIT)
    assert len(stream.getvalue().splitlines()) == 4
    assert logs.limit.total == 7
    assert logs.lines.counts["warning"] == 3


def test_a_blocked_reader_blocks_no_caller(logger: logging.Logger) -> None:
    """As with a terminal that is paused with Ctrl-S: the pipe is full, and nothing reads it."""
    reader, writer = os.pipe()
    with open(reader, "rb") as taken, open(writer, "w", encoding="utf-8") as stream:
        logs = LogQueue(stream, BARE, many(), bound=100)
        logger.addHandler(logs)
        logs.start()
        logs.begin_to_drop()
        while not logs.dropped:
            logger.info("%s", "x" * 1000)
        assert logs.close_in(0.01) is False
        logger.removeHandler(logs)
        lines: list[bytes] = []
        pump = threading.Thread(target=lambda: lines.extend(taken))
        pump.start()
        assert logs.close_in(WAIT)
        stream.close()
        pump.join(WAIT)
    report = [line for line in lines if b"dropped" in line]
    assert report == [
        b"WARNING %d log lines were dropped, because nothing took them in time\n" % logs.dropped
    ]


def test_a_reader_that_has_gone_ends_nothing(logger: logging.Logger) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    logs = LogQueue(os.fdopen(writer, "w", encoding="utf-8", buffering=1), BARE, many())
    logger.addHandler(logs)
    logs.start()
    logger.info("into the void")
    assert logs.close_in(WAIT)
    assert logs.dropped == 1
    try:
        logs._stream.close()
    except BrokenPipeError:
        pass


def test_a_line_that_cannot_be_formatted_does_not_end_the_log(logger: logging.Logger) -> None:
    class Broken(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            if record.getMessage() == "bad":
                raise KeyError("a field")
            return super().format(record)

    stream = io.StringIO()
    logs = LogQueue(stream, Broken("%(message)s"))
    logger.addHandler(logs)
    logs.start()
    logger.info("bad")
    logger.info("good")
    assert logs.close_in(WAIT)
    assert stream.getvalue() == (
        "a line of test_log_queue cannot be written: KeyError('a field')\ngood\n"
    )
