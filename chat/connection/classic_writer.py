"""ClassicWriter: sends one frame at a time to a client that reads only the first of several.

The original's clients call ``recv(1024)`` once and parse up to the first NUL. Of two frames that
arrive together they show one; a frame that does not fit ends them. So the writer leaves a gap
between two frames, in which the client can read. Example: A, B and C write to X at once; X gets A's
message, 10 ms later B's, 10 ms later C's.

Frames wait in a short queue. When it is full, stored messages stay in the mailbox (``room``), and
live messages are stored (``takes_live``). A message is ``done`` when the kernel has taken its last
frame. One that was cut off midway is not done.

A frame goes out only when the kernel has sent all bytes of the one before it. Else TCP would join
them. Example: on a line with a round trip of 100 ms the window is full after 10 segments; further
frames would wait together. The writer cannot know whether the client has read: while a client
pauses, frames are joined in its own receive buffer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chat.message import ChatMessage
    from muduopy import TcpConnection, Timer

MAIL_QUEUE = 32
"""Stored messages are taken while fewer entries wait: a third of a second of output."""

MAIL_CHARACTERS = 64 * 1024
"""Messages are taken while fewer characters of text wait."""

LIVE_QUEUE = 16
"""Live messages are taken while fewer entries wait. Their senders wait until they are written."""

FULL = 64
"""With this many entries the client's requests wait. Only answers make a queue that long."""

LIVE_PATIENCE = 0.2
"""Seconds without progress after which live messages are stored, so that senders do not wait."""

LONGEST_PAUSE = 0.1
"""Seconds between two looks at the kernel's send buffer while it is not empty."""

Done = Callable[[bool], object]
"""Called once: with True for an entry that was written, with False for all others."""


class _Entry(NamedTuple):
    """An answer (``frame``), a chat message, or a mark (neither), which is done when reached."""

    frame: bytes | None
    message: ChatMessage | None
    live: bool
    done: Done | None


class ClassicWriter:
    """The output of one connection, frame by frame. All methods: the connection's loop.

    It owns no message. One that it drops is still in the mailbox, or ``done`` gets False.

    Attributes:
        stalled_at: when the gap was over and the kernel still had unsent bytes, monotonic seconds;
            None: it has none.
    """

    __slots__ = (
        "_characters",
        "_connection",
        "_due",
        "_ended",
        "_frames_of",
        "_gap",
        "_on_change",
        "_pack",
        "_pause",
        "_queue",
        "_rest",
        "_running",
        "_timer",
        "_unfinished",
        "_was_full",
        "stalled_at",
    )

    def __init__(
        self,
        connection: TcpConnection,
        gap: float,
        pack: Callable[[bytes], bytes],
        frames_of: Callable[[ChatMessage], list[bytes]],
        on_change: Callable[[bool], object],
    ) -> None:
        """``gap``: seconds, above 0. ``pack``: the bytes that carry one frame. ``frames_of``: a
        message as the client is to get it.

        ``on_change`` hears True when FULL entries wait, and False when none does.
        """
        self._connection = connection
        self._gap = gap
        self._pack = pack
        self._frames_of = frames_of
        self._on_change = on_change
        self._queue: list[_Entry] = []
        self._rest: list[bytes] = []  # frames of the first entry, once that has begun
        self._unfinished = False  # it is not known yet that the kernel has all of the last frame
        self._characters = 0
        self._due = 0.0  # when the next frame may go, monotonic seconds
        self._pause = gap
        self._timer: Timer | None = None
        self._running = False  # inside _run
        self._was_full = False
        self._ended: Callable[[], object] | None = None
        self.stalled_at: float | None = None

    def __repr__(self) -> str:
        return f"<ClassicWriter {self._connection.name} {len(self._queue)} waiting>"

    # ------------------------------------------------------------------ the queue

    @property
    def room(self) -> int:
        """The number of stored messages that may be handed over now."""
        if self._characters >= MAIL_CHARACTERS or self._ended is not None:
            return 0
        return max(0, MAIL_QUEUE - len(self._queue))

    @property
    def takes_live(self) -> bool:
        """May a live message be handed over now?"""
        return (
            len(self._queue) < LIVE_QUEUE
            and self._characters < MAIL_CHARACTERS
            and self.stalled_at is None
            and self._ended is None
        )

    @property
    def idle(self) -> bool:
        """Nothing waits to be written."""
        return not self._queue

    def send(self, frame: bytes) -> None:
        """An answer: it goes out behind the entries that wait already."""
        self._add(_Entry(frame, None, False, None))

    def hand_over(self, message: ChatMessage, done: Done, *, live: bool = False) -> None:
        """A message. ``done`` is called once, perhaps at once."""
        self._characters += len(message.text)
        self._add(_Entry(None, message, live, done))

    def mark(self, done: Done) -> None:
        """Call ``done`` when everything that waits now has been written."""
        self._add(_Entry(None, None, False, done))

    def _add(self, entry: _Entry) -> None:
        self._queue.append(entry)
        if len(self._queue) >= FULL and not self._was_full:
            self._was_full = True
            self._on_change(True)
        if self._timer is None and not self._running:
            self._run()

    # ------------------------------------------------------------------ the end

    def drop_messages(self) -> None:
        """The user has left: unwritten messages are not done. Answers still go out."""
        dropped = [entry for entry in self._queue if entry.done is not None]
        if dropped:
            if self._queue[0].done is not None:
                self._rest = []
                self._unfinished = False
            self._queue = [entry for entry in self._queue if entry.done is None]
            self._give_up(dropped)

    def finish(self, ended: Callable[[], object]) -> None:
        """Send no more messages; call ``ended`` when the answers are out.

        Example: the client has ended its connection and is gone. The kernel would take a message
        for it and lose it; in the mailbox the message waits for the next login.
        """
        self._ended = ended
        self.drop_messages()
        if not self._queue:
            self._drained()

    def flush(self) -> None:
        """Send all entries at once: this peer reads frames that arrive together."""
        connection = self._connection
        while self._queue:
            entry = self._queue[0]
            if not self._unfinished:
                self._begin(entry)
            for frame in self._rest:
                connection.send(self._pack(frame))
            self._rest, self._unfinished = [], False
            self._finish(entry, written=not (connection.closing or connection.output_bytes))
        self._drained()

    def stop(self) -> None:
        """The connection is down. Idempotent."""
        self._cancel_timer()
        self._ended = None
        self._rest, self._unfinished = [], False
        dropped, self._queue = self._queue, []
        self._give_up(dropped)

    def _give_up(self, entries: list[_Entry]) -> None:
        for entry in entries:
            if entry.message is not None:
                self._characters -= len(entry.message.text)
        for entry in entries:
            if entry.done is not None:
                entry.done(False)

    # ------------------------------------------------------------------ writing

    def _run(self) -> None:
        """Write the frames that are due; a timer brings the rest."""
        self._running = True
        try:
            while self._queue:
                wait = self._step()
                if wait > 0:
                    self._timer = self._connection.loop.run_after(wait, self._on_timer)
                    return
        finally:
            self._running = False
        self._drained()

    def _on_timer(self) -> None:
        self._timer = None
        self._run()

    def _step(self) -> float:
        """Write a frame, or finish an entry; returns how many seconds to wait before the next."""
        connection = self._connection
        if connection.closing:
            self.stop()
            return 0.0
        entry = self._queue[0]
        if self._unfinished:
            if connection.output_bytes:
                return self._stall()
        elif not self._begin(entry):
            now = time.monotonic()
            if now < self._due:
                return self._due - now
            if connection.unsent_bytes:
                return self._stall()
            if self.stalled_at is not None:  # the frame before has left only now
                self._move_on()
                self._due = now + self._gap
                return self._gap
            connection.send(self._pack(self._rest.pop(0)))
            self._unfinished = True
            # Not from ``now``: this thread may have waited for the processor since then.
            self._due = time.monotonic() + self._gap
            return 0.0  # look at it once more: has the kernel taken it?
        self._unfinished = False
        if not self._rest:
            self._finish(entry)
        return 0.0

    def _begin(self, entry: _Entry) -> bool:
        """Encode the entry's frames into ``_rest``; True for a mark, which has none."""
        if not self._rest:
            if entry.frame is not None:
                self._rest = [entry.frame]
            elif entry.message is not None:
                self._rest = list(self._frames_of(entry.message))  # others get these, too
            else:
                return True
        return False

    def _finish(self, entry: _Entry, written: bool = True) -> None:
        self._queue.pop(0)
        if entry.message is not None:
            self._characters -= len(entry.message.text)
        if entry.done is not None:
            entry.done(written)

    def _drained(self) -> None:
        """Nothing waits any more."""
        self._cancel_timer()
        self._move_on()
        self._was_full = False
        self._on_change(False)
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            self._connection.loop.cancel(timer)

    # ------------------------------------------------------------------ a kernel that waits

    def _stall(self) -> float:
        """The kernel has not sent everything: the client, or the line, is slow."""
        now = time.monotonic()
        if self.stalled_at is None:
            self.stalled_at = now
        elif now - self.stalled_at > LIVE_PATIENCE:
            self._drop_live()
        wait = self._pause
        self._pause = min(2 * wait, LONGEST_PAUSE)
        return wait

    def _move_on(self) -> None:
        self.stalled_at = None
        self._pause = self._gap

    def _drop_live(self) -> None:
        """Have live messages stored, except one whose last frame is being sent."""
        first = self._queue[:1] if self._unfinished and not self._rest else []
        later = self._queue[len(first) :]
        live = [entry for entry in later if entry.live]
        if live:
            if not first and self._queue[0].live:
                self._rest, self._unfinished = [], False
            self._queue = first + [entry for entry in later if not entry.live]
            self._give_up(live)
