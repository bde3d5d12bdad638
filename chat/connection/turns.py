"""Turns: shares the time of one loop between the connections that have frames waiting.

Without turns, clients that send faster than the server serves would take the whole loop: a hundred
of them delayed the messages of two other users by 10 s. So a connection serves a few frames and
goes to the end of the line. After FRAMES_PER_PASS frames of all connections the loop polls its
connections again, and serves a single new frame at once. While frames wait, the loop sleeps for a
moment between two passes, and other threads run.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from chat.connection.connection import AnyConnection
from muduopy import EventLoop

log = logging.getLogger(__name__)

FRAMES_PER_TURN = 32
"""Frames that a connection serves in one turn."""

FRAMES_PER_PASS = 128
"""Frames of all turns in one pass of the loop: about a millisecond. A poll costs 5 µs, little for
so many frames."""

PAUSE_SECONDS = 0.00005
"""Sleep after a pass that leaves frames waiting. Without it the loop takes the interpreter's lock
back as soon as it has released it, and the thread that commits messages gets the lock every 5 ms
only, several times for each commit. A hundred users who sent pings without pause delayed the
messages of others by 260 to 990 ms (p99), and delay them by 35 to 100 ms with this sleep."""


class Turns:
    """The connections of one loop that wait to be served. Loop thread."""

    def __init__(
        self,
        loop: EventLoop,
        take_turn: Callable[[AnyConnection, int], int],
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """``take_turn`` serves up to so many frames of a connection and returns their number.

        It calls ``add`` when the connection needs another turn. ``pause`` waits for so many
        seconds.
        """
        self._loop = loop
        self._take_turn = take_turn
        self._pause = pause
        self._line: deque[AnyConnection] = deque()
        self._queued = False  # _run is queued in the loop

    def add(self, connection: AnyConnection) -> None:
        """Give the connection one turn, in this pass of the loop or the next."""
        if connection.flow.in_turn:
            return
        connection.flow.in_turn = True
        self._line.append(connection)
        self._queue()

    @property
    def waiting(self) -> int:
        """The number of connections that wait for a turn. Any thread: a deque has one length."""
        return len(self._line)

    def _queue(self) -> None:
        if not self._queued:
            self._queued = True
            self._loop.queue_in_loop(self._run)

    def _run(self) -> None:
        self._queued = False
        line, left = self._line, FRAMES_PER_PASS
        while line and left > 0:
            connection = line.popleft()
            connection.flow.in_turn = False
            left -= 1 + self._serve(connection)
        if line:
            self._pause(PAUSE_SECONDS)
            self._queue()

    def _serve(self, connection: AnyConnection) -> int:
        try:
            return self._take_turn(connection, FRAMES_PER_TURN)
        except Exception:
            log.exception("serving %r failed; closing", connection)
            connection.tcp.force_close()
            return 0
