"""Pump: gives the mail of one logged-in device to the client, in order, at the receiver's pace.

The mailbox, a table, holds the messages that the device has not acknowledged. A wake comes with a
committed message. If that is the next message, the pump gives it to the client. Otherwise (an
earlier wake was lost, the window is full, a read is under way) the pump reads the mailbox. So one
mechanism serves offline messages, slow readers, lost wakes and bursts.

A row of the mailbox must not be given twice on a connection. It has one of these states:

    in the mailbox ──give──▶ _unacked ──acknowledge──▶ _deleting ──deleted──▶ gone

A read skips the rows in ``_unacked`` and ``_deleting``. Two races remain:

    A read begins, and its snapshot has row 5. Meanwhile the deletion of 5 commits. The read
    returns 5. So 5 stays in ``_deleting`` until the read is done (``_deleted_meanwhile``).

    The wake of message 5 is delayed. Meanwhile a read finds 5, the client acknowledges it, and its
    row is deleted. Then the wake arrives. So a wake is given only if its number is above all
    numbers given before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chat.connection.classic_writer import MAIL_QUEUE
from chat.connection.connection import AnyConnection
from chat.message import ChatMessage
from muduopy import TcpConnection

if TYPE_CHECKING:
    from chat.mailbox.mailbox import Mailbox

log = logging.getLogger(__name__)

NO_SEQS: frozenset[int] = frozenset()

WINDOW = 200
"""Messages that are given and not acknowledged, or acknowledged and not deleted. No more than these
can come again after a crash, so a client knows how many numbers it has to remember."""

RETRY_SECONDS = 1.0
"""Seconds until a failed read is retried."""

NEARLY_FULL_SECONDS = 0.05
"""How long a window that is half full waits for more acknowledgements before a read of the mailbox.
A receiver at its limit would otherwise cost a read for each message."""


class Pump:
    """The mail of one login. The connection's loop.

    Attributes:
        connection: of the login.
        mailbox: its number.
        active: between ``start`` and ``stop``; a later callback finds it False.
        stores_pending: live messages that are being stored for this device. Until they are, it
            gets no later live message.
    """

    __slots__ = (
        "_deleted_meanwhile",
        "_deleting",
        "_dirty",
        "_newest",
        "_patient",
        "_read_bytes",
        "_read_count",
        "_reader",
        "_reading",
        "_unacked",
        "active",
        "connection",
        "mailbox",
        "stores_pending",
    )

    def __init__(self, connection: AnyConnection, reader: Mailbox, mailbox: int) -> None:
        """Any thread."""
        self.connection = connection
        self.mailbox = mailbox
        self.active = False
        self.stores_pending = 0
        self._reader = reader
        self._dirty = False  # there may be rows that were not given
        self._reading = False
        self._patient = False  # a timer for a read runs: NEARLY_FULL_SECONDS
        self._newest = 0  # the highest seq given
        self._read_count = self._read_bytes = 0  # of the messages that ``read_done`` has given
        self._unacked: set[int] = set()
        self._deleting: set[int] = set()
        self._deleted_meanwhile = NO_SEQS

    def start(self, first: list[ChatMessage], more: bool, newest: int) -> None:
        """The login is complete. ``first`` is in its answer; ``more``: the mailbox may have more.

        ``newest``: the highest number of all messages when the mailbox was read. A late wake with
        a lower number may be for a message that an earlier login was given.
        """
        self.active = True
        self._dirty |= more
        self._newest = newest
        self._unacked.update(message.seq for message in first)

    def stop(self) -> None:
        """The login is over."""
        self.active = False
        writer = self.connection.classic_output.writer
        if writer is not None:
            writer.drop_messages()

    @property
    def is_waiting(self) -> bool:
        """It will read the mailbox as soon as it can. Any thread: a hint."""
        return self._dirty or self._reading

    @property
    def unread_bytes(self) -> int:
        """The bytes, roughly, of stored messages that the client has got and not acknowledged.

        The next login gets them again. Messages in the answer to the login do not count.
        """
        unread = min(len(self._unacked), self._read_count)
        return unread * self._read_bytes // self._read_count if unread else 0

    @property
    def empty(self) -> bool:
        """The user has acknowledged all messages, and may get a live one.

        Acknowledged messages whose rows are not deleted yet do not count: a live message cannot
        overtake them any more.
        """
        connection = self.connection
        return (
            self.active
            and not connection.closed
            and not connection.tcp.closing
            and not self._dirty
            and not self._reading
            and not self._unacked
            and not self.stores_pending
            and not connection.flow.output_full
        )

    # ------------------------------------------------------------------ giving

    def push(self, message: ChatMessage, contiguous: bool, out: list[bytes]) -> None:
        """A wake: append the message's frame to ``out``, or read the mailbox soon."""
        if (
            contiguous
            and not self._dirty
            and not self._reading
            and message.seq > self._newest
            and self._has_room
            and self.active
        ):
            self._give(message, out)
        else:
            self.mark_dirty()

    def mark_dirty(self) -> None:
        """The mailbox may have rows that were not given: read it soon."""
        self._dirty = True
        self.kick()

    def owes(self, seqs: Iterable[int]) -> None:
        """A poll has found these in the mailbox. If one was not given, read the mailbox."""
        if self.active:
            known = self._unacked | self._deleting
            if not known.issuperset(seqs):
                self.mark_dirty()

    def kick(self) -> None:
        """Read the mailbox, if it may have rows that were not given and there is room for them."""
        if not (self.active and self._dirty and not self._reading and self._has_room):
            return
        writer = self.connection.classic_output.writer
        if writer is not None and writer.room < MAIL_QUEUE // 2:
            return  # each message that goes out calls this again
        if len(self._unacked) + len(self._deleting) > WINDOW // 2:
            if not self._patient:
                self._patient = True
                self.connection.loop.run_after(NEARLY_FULL_SECONDS, self._lose_patience)
            return
        self._look()

    def _lose_patience(self) -> None:
        self._patient = False
        if self.active and self._dirty and not self._reading and self._has_room:
            self._look()

    def _look(self) -> None:
        self._dirty = False
        self._reading = True
        # The rows that were given and not deleted are still there, in front.
        known = frozenset(self._unacked | self._deleting)
        room = WINDOW - len(known)
        writer = self.connection.classic_output.writer
        self._reader.read(self, known, room if writer is None else min(room, writer.room))

    def read_done(self, messages: list[ChatMessage], complete: bool) -> None:
        """The result of a read; not ``complete``: the mailbox may have more."""
        out: list[bytes] = []
        for message in messages if self.active else ():
            if message.seq in self._unacked or message.seq in self._deleting:
                continue
            if not self._takes_more:
                complete = False
                break
            self._give(message, out)
        self._reading = False  # only now: a message that is out at once must not start another read
        self._forget_deleted()
        if not complete:
            self._dirty = True
        if out:
            self.connection.counters.read += len(out)
            self._read_count += len(out)
            self._read_bytes += sum([len(frame) for frame in out])
            self.connection.send_mail(out)
        self.kick()

    def read_failed(self) -> None:
        """The read has failed."""
        self._reading = False
        self._dirty = True
        self._forget_deleted()
        if self.active:
            self.connection.loop.run_after(RETRY_SECONDS, self.kick)

    @property
    def _has_room(self) -> bool:
        return self._takes_more and not self.connection.flow.output_full

    @property
    def _takes_more(self) -> bool:
        writer = self.connection.classic_output.writer
        outstanding = len(self._unacked) + len(self._deleting)
        return outstanding < WINDOW and (writer is None or writer.room > 0)

    def _give(self, message: ChatMessage, out: list[bytes]) -> None:
        self._unacked.add(message.seq)
        if message.seq > self._newest:
            self._newest = message.seq
        writer = self.connection.classic_output.writer
        if writer is None:
            self.connection.add_frames(message, out)
        else:
            self.connection.counters.paced += 1
            writer.hand_over(message, self._when_out(message.seq))

    # ------------------------------------------------------------------ acknowledged

    def acknowledge(self, seqs: Iterable[int]) -> None:
        """The receiver has these messages. Numbers that are not in ``_unacked`` are ignored.

        So a client cannot acknowledge a message that it was not given.
        """
        received = self._unacked.intersection(seqs)
        if not received:
            return
        self._unacked -= received
        self._deleting |= received
        self._reader.delete(self, received)
        self.kick()

    def deleted(self, seqs: Iterable[int]) -> None:
        """The deletion of these rows is committed."""
        if self._reading:
            self._deleted_meanwhile = self._deleted_meanwhile.union(seqs)
        else:
            self._deleting.difference_update(seqs)
            self.kick()

    def _forget_deleted(self) -> None:
        if self._deleted_meanwhile:
            self._deleting -= self._deleted_meanwhile
            self._deleted_meanwhile = NO_SEQS

    def store_settled(self) -> None:
        """One of ``stores_pending`` is in the mailbox now, or has failed."""
        self.stores_pending -= 1

    # ------------------------------------------------------------------ classic receivers

    def written(self) -> None:
        """Mail was sent to a classic client, which cannot acknowledge it.

        It counts as received when the kernel has taken all its bytes.
        """
        if not self._unacked:
            return
        writer = self.connection.classic_output.writer
        if writer is not None:
            writer.mark(self._when_out(*self._unacked))
            return
        tcp = self.connection.tcp
        if tcp.closing:  # or sending has failed
            return
        if tcp.output_bytes:
            # Set only when it is needed: the callback costs a queued call for every send.
            tcp.set_write_complete_callback(self._all_written)
        else:
            self.acknowledge(list(self._unacked))

    def _when_out(self, *seqs: int) -> Callable[[bool], object]:
        """The callback for a ClassicWriter: a written message counts as received."""

        def done(written: bool) -> None:
            if written and self.active:
                self.acknowledge(seqs)
                self.kick()

        return done

    def _all_written(self, tcp: TcpConnection) -> None:
        if tcp.output_bytes == 0:
            tcp.set_write_complete_callback(None)
            if self.active:
                self.written()
