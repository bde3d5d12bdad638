"""LogQueue: takes log lines of all threads, and writes them in a thread of its own.

So no loop waits for a disk, or for a pipe whose reader has stopped. Example: the terminal of a
server is paused with Ctrl-S. A loop that wrote to it would serve no client until Ctrl-Q.
"""

from __future__ import annotations

import logging
import queue
import threading
from logging.handlers import QueueHandler
from typing import TextIO

from chat.counters import Tally
from chat.process.log_limit import LogLimit
from chat.process.peer_label import label_of

MOST_WAITING = 10_000
"""Lines that wait: some megabytes. Further ones are dropped and counted."""

AT_ONCE = 200
"""Lines of one write."""

LEVELS = ("debug", "info", "warning", "error", "critical")


class LogQueue(QueueHandler):
    """A handler for the root logger. Any thread, ``start`` and ``close`` excepted: main thread.

    Attributes:
        lines: lines that were queued, by level. Changed under the handler's lock.
        limit: leaves lines out, from ``begin_to_drop`` on.
    """

    queue: queue.Queue[logging.LogRecord | None]

    def __init__(
        self,
        stream: TextIO,
        formatter: logging.Formatter,
        limit: LogLimit | None = None,
        bound: int = MOST_WAITING,
    ) -> None:
        super().__init__(queue.Queue(bound))
        self.lines = Tally(*LEVELS)
        self._not_queued = 0  # lines for which the queue was full; under the handler's lock
        self._not_written = 0  # lines of failed writes; the writer's thread
        self.limit = limit or LogLimit()
        self._stream = stream
        self._formatter = formatter
        self._patient = True
        self._reported = 0  # of ``dropped``; the writer's thread
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def begin_to_drop(self) -> None:
        """Limit and drop lines from now on. Before, each line waits for its place.

        To be called when the server has started: an upgrade logs each name that it changes, and
        none of these lines may be missing.
        """
        self._patient = False
        self.addFilter(self.limit)

    def close_in(self, seconds: float) -> bool:
        """Write the lines that wait, and end. Idempotent.

        False if the reader of the stream took too long: then the thread still waits for it.
        """
        if self._thread.is_alive():
            try:
                self.queue.put(None, timeout=seconds)
            except queue.Full:
                return False
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def dropped(self) -> int:
        """Lines that did not fit into the queue, or could not be written. Any thread."""
        return self._not_queued + self._not_written

    # ------------------------------------------------------------------ the callers' threads

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Make the text here, because the arguments may change later."""
        prepared: logging.LogRecord = super().prepare(record)
        prepared.event = str(record.msg)
        prepared.label = label_of(record.args)
        return prepared

    def enqueue(self, record: logging.LogRecord) -> None:
        """Under the handler's lock."""
        self.lines.add(record.levelname.lower())
        if self._patient:
            self.queue.put(record)
            return
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self._not_queued += 1

    # ------------------------------------------------------------------ the writer's thread

    def _run(self) -> None:
        going = True
        while going:
            records = [self.queue.get()]
            while len(records) < AT_ONCE and not self.queue.empty():
                records.append(self.queue.get())
            going = None not in records
            self._write([record for record in records if record is not None])

    def _write(self, records: list[logging.LogRecord]) -> None:
        texts = [self._text(record) for record in records]
        reported = self._reported
        if self.dropped != reported:
            texts.append(self._text(self._report()))
        try:
            self._stream.write("".join(texts))
            self._stream.flush()
        except (OSError, ValueError):  # the reader has gone, the disk is full, or it is closed
            # No lock here: a caller may hold it while it waits for a place in the queue.
            self._reported = reported
            self._not_written += len(records)

    def _report(self) -> logging.LogRecord:
        now = self.dropped  # a caller may add to it meanwhile
        dropped, self._reported = now - self._reported, now
        text = "%d log lines were dropped, because nothing took them in time"
        return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (dropped,), None)

    def _text(self, record: logging.LogRecord) -> str:
        try:
            return self._formatter.format(record) + "\n"
        except Exception as exc:  # noqa: BLE001 - a wrong line must not end the log
            return f"a line of {record.name} cannot be written: {exc!r}\n"
