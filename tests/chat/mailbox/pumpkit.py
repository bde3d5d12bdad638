"""Fakes that turn a Pump into a pure state machine: a mailbox, a connection, a loop.

Nothing happens by itself: a test decides when a read looks, when its answer arrives, when a
deletion is committed and when the pump hears of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from chat.connection.classic_writer import ClassicWriter
from chat.connection.framing import pack_for_original
from chat.connection.loop_counters import LoopCounters
from chat.mailbox.pump import Pump
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, decode

USER = 7


def message(seq: int, text: str = "") -> ChatMessage:
    return ChatMessage(seq, ONE_CHAT, 1, "ann", USER, text or f"{seq}", "2026-01-02 03:04:05")


@dataclass
class Read:
    """A look into the mailbox; ``found`` has its messages, once it has looked."""

    pump: Pump
    known: frozenset[int]
    room: int
    found: tuple[list[int], bool] | None = None


@dataclass
class Deletion:
    pump: Pump
    seqs: set[int]
    committed: bool = False


class FakeMailbox:
    """The rows of one user, and everything that is under way."""

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self.reads: list[Read] = []
        self.deletions: list[Deletion] = []

    def read(self, pump: Pump, known: frozenset[int], room: int) -> None:
        assert room > 0
        assert all(read.pump is not pump for read in self.reads), "one look at a time"
        self.reads.append(Read(pump, known, room))

    def delete(self, pump: Pump, seqs: set[int]) -> None:
        assert seqs
        self.deletions.append(Deletion(pump, set(seqs)))

    def look(self, read: Read) -> None:
        """The worker runs the query."""
        if read.found is None:
            new = sorted(self.rows - read.known)
            read.found = (new[: read.room], len(new) <= read.room)

    def answer(self, read: Read) -> None:
        """The pump's loop gets the result."""
        self.look(read)
        self.reads.remove(read)
        assert read.found is not None
        seqs, complete = read.found
        read.pump.read_done([message(seq) for seq in seqs], complete)

    def fail(self, read: Read) -> None:
        self.reads.remove(read)
        read.pump.read_failed()

    def commit(self, deletion: Deletion) -> None:
        """The writer deletes the rows; the pump does not know yet."""
        deletion.committed = True
        self.rows -= deletion.seqs

    def confirm(self, deletion: Deletion) -> None:
        self.commit(deletion)
        self.deletions.remove(deletion)
        deletion.pump.deleted(frozenset(deletion.seqs))

    def settle(self) -> None:
        """Everything that is under way comes to its end."""
        while self.reads or self.deletions:
            for deletion in list(self.deletions):
                self.confirm(deletion)
            for read in list(self.reads):
                self.answer(read)


Timer = Callable[[], object]


class FakeLoop:
    """Collects timers for the test to run."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def run_after(self, seconds: float, callback: Callable[[], object]) -> Timer:
        self.timers.append((seconds, callback))
        return callback

    def cancel(self, timer: Timer) -> None:
        self.timers = [entry for entry in self.timers if entry[1] is not timer]

    def run_timers(self) -> None:
        timers, self.timers = self.timers, []
        for _, callback in timers:
            callback()


@dataclass
class FakeClient:
    """What a pump needs of a connection; ``given`` is every ``seq`` that went out, in order."""

    v2: bool = True
    closed: bool = False
    tcp: Any = field(default_factory=lambda: SimpleNamespace(closing=False))
    flow: Any = field(default_factory=lambda: SimpleNamespace(output_full=False))
    loop: FakeLoop = field(default_factory=FakeLoop)
    given: list[int] = field(default_factory=list)
    counters: LoopCounters = field(default_factory=lambda: LoopCounters("test"))
    classic_output: Any = field(default_factory=lambda: SimpleNamespace(writer=None))

    def add_frames(self, message: ChatMessage, out: list[bytes]) -> None:
        out.append(message.frame(self.v2))

    def send_mail(self, frames: list[bytes]) -> None:
        assert frames
        self.given += [decode(frame)["seq"] for frame in frames]


class FakeConnection:
    """Of an original client: sent messages count as received. ``sent`` hears each ``seq``."""

    name = "fake"

    def __init__(self, loop: FakeLoop, sent: Callable[[int], object]) -> None:
        self.loop = loop
        self.closing = False
        self.output_bytes = 0
        self.unsent_bytes = 0
        self._sent = sent

    def send(self, frame: bytes) -> None:
        if not self.closing:
            self._sent(int(decode(frame[:-1])["msg"]))


class Desk:
    """A pump with its fakes, before a login."""

    def __init__(self, mailbox: FakeMailbox | None = None) -> None:
        self.client = FakeClient()
        self.mailbox = mailbox or FakeMailbox()
        self.pump = Pump(self.client, self.mailbox, USER)  # type: ignore[arg-type]

    def login(self, found: Iterable[int] = (), more: bool = False, newest: int = 0) -> Desk:
        """With these messages in the answer."""
        first = list(found)
        newest = max(newest, *first, 0)
        self.pump.start([message(seq) for seq in first], more, newest)
        self.client.given += first
        return self

    @property
    def given(self) -> list[int]:
        return self.client.given

    def store(self, *seqs: int) -> None:
        """Messages are committed; their wakes are still to come."""
        self.mailbox.rows.update(seqs)

    def wake(self, seq: int, contiguous: bool = True) -> None:
        """As the router does it: a frame that was pushed is written."""
        out: list[bytes] = []
        self.pump.push(message(seq), contiguous, out)
        if out:
            self.client.send_mail(out)

    def send(self, *seqs: int) -> None:
        """Store and wake, one after the other."""
        for seq in seqs:
            self.store(seq)
            self.wake(seq)

    def acknowledge(self, *seqs: int) -> None:
        self.pump.acknowledge(seqs)


class ClassicDesk(Desk):
    """An original client's: the real writer, whose clock the test moves."""

    def __init__(self, mailbox: FakeMailbox | None, received: Callable[[int], object]) -> None:
        super().__init__(mailbox)
        self.client.v2 = False
        self._received = received
        self.client.tcp = FakeConnection(self.client.loop, self._sent)
        self.client.classic_output.writer = ClassicWriter(
            self.client.tcp,
            1.0,
            pack_for_original,
            lambda message: [message.frame(False)],
            lambda full: None if full else self.pump.kick(),
        )

    def _sent(self, seq: int) -> None:
        self.given.append(seq)
        self._received(seq)

    def login(self, found: Iterable[int] = (), more: bool = False, newest: int = 0) -> Desk:
        super().login(found, more, newest)
        for seq in found:
            self._received(seq)
        self.pump.written()  # the messages in the answer
        return self
