"""Failures: a queue of lines about failed messages, errors and announcements, printed later."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from functools import partial

from client.account.sending import Sending
from client.plain.plain_text import PlainText
from client.values import Announcement


class Failures:
    """A queue from the client's threads to the console's thread, which ``wake`` wakes."""

    def __init__(self, text: PlainText, wake: Callable[[], None]) -> None:
        self._text = text
        self._wake = wake
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def watch(self, sending: Sending) -> None:
        """Add a line if this message fails. Any thread."""
        sending.add_done_callback(partial(self._sending_done, sending))

    def server_error(self, errmsg: str) -> None:
        """Add a line for an error that belongs to no request. Any thread."""
        self._add(self._text("server error", why=errmsg))

    def announcement(self, announcement: Announcement) -> None:
        """Add a line for a text of the operator. Any thread."""
        self._add(self._text("announcement", text=announcement.text))

    def take(self) -> Iterator[str]:
        """Take the lines that were added so far. Console's thread."""
        while not self._lines.empty():
            yield self._lines.get()

    def _sending_done(self, sending: Sending, _: object) -> None:
        """Any thread: the one that completes the Sending."""
        error = sending.exception()
        if error is not None:
            self._add(self._text.chat_failed(sending.target, sending.to_group, error))

    def _add(self, line: str) -> None:
        self._lines.put(line)
        self._wake()
