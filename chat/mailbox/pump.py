"""Pump: hands one logged-in user's mail over, in order, at the receiver's pace.

The mailbox in the database is what the user is owed. A wake that carries the next message is
pushed straight through; everything else (a wake out of turn, a full window, the start) only
makes the pump look into the mailbox. That one mechanism serves offline messages, slow readers,
lost wakes and bursts.

Which rows of the mailbox must not be handed over, because they already were on this
connection? A row is in one of these states:

    in the mailbox ──give──▶ _unacked ──acknowledge──▶ _deleting ──deleted──▶ gone

A read skips what is in ``_unacked`` or ``_deleting``. A row whose deletion commits while a read
is under way may still be in that read's snapshot, so it leaves ``_deleting`` only afterwards
(``_deleted_meanwhile``). And a wake for an old message may come late, when its row is long
gone; so only a ``seq`` above everything given so far is pushed without looking.
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

WINDOW = 200
"""How many messages may be handed over and not acknowledged, or acknowledged and not deleted. So
no more than that can come again, and a client knows how many numbers it has to remember."""

RETRY_SECONDS = 1.0
"""When to look again after the database could not be asked."""

NEARLY_FULL_SECONDS = 0.05
"""How long a nearly full window waits for more acknowledgements before a look into the mailbox,
so that a reader at its limit does not cost a look per message."""


class Pump:
    """One login's way to its mailbox. Loop thread of the connection.

    Attributes:
        active: between login and logout; callbacks that come later find it False.
        stores_pending: live messages that were diverted to the mailbox and are being
            committed; until then nothing may overtake them.
    """

    __slots__ = (
        "_deleted_meanwhile",
        "_deleting",
        "_dirty",
        "_mailbox",
        "_newest",
        "_patient",
        "_reading",
        "_unacked",
        "active",
        "connection",
        "stores_pending",
        "user_id",
    )

    def __init__(self, connection: AnyConnection, mailbox: Mailbox, user_id: int) -> None:
        """Any thread."""
        self.connection = connection
        self.user_id = user_id
        self.active = False
        self.stores_pending = 0
        self._mailbox = mailbox
        self._dirty = False  # there may be rows that were not given
        self._reading = False
        self._patient = False  # a look is due soon
        self._newest = 0  # the highest seq given
        self._unacked: set[int] = set()
        self._deleting: set[int] = set()
        self._deleted_meanwhile: set[int] = set()

    def start(self, first: list[ChatMessage], more: bool, newest: int) -> None:
        """The login is complete; ``first`` goes out with its answer, ``more`` may be there.

        ``newest``: the highest number that there was when the mailbox was read. A wake for a
        lower one, however late, may be for a message that was handed over at an earlier login.
        """
        self.active = True
        self._dirty |= more
        self._newest = newest
        self._unacked.update(message.seq for message in first)

    def stop(self) -> None:
        """The user has logged out or the connection is down."""
        self.active = False
        if self.connection.writer is not None:
            self.connection.writer.drop_messages()

    @property
    def is_waiting(self) -> bool:
        """It will look into the mailbox anyway, when it can. Any thread: a hint."""
        return self._dirty or self._reading

    @property
    def empty(self) -> bool:
        """The user has acknowledged everything: a live message may be handed on.

        What is acknowledged and not deleted yet cannot be overtaken any more.
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
            and not connection.output_full
        )

    # ------------------------------------------------------------------ handing over

    def push(self, message: ChatMessage, contiguous: bool, out: list[bytes]) -> None:
        """A wake: append the message's frame to ``out``, or look into the mailbox."""
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
        """There may be mail."""
        self._dirty = True
        self.kick()

    def owes(self, seqs: Iterable[int]) -> None:
        """A look from outside found these in the mailbox: if one was not given, look as well."""
        if self.active:
            known = self._unacked | self._deleting
            if not known.issuperset(seqs):
                self.mark_dirty()

    def kick(self) -> None:
        """Look into the mailbox if there is reason to and room for what is found."""
        if not (self.active and self._dirty and not self._reading and self._has_room):
            return
        writer = self.connection.writer
        if writer is not None and writer.room < MAIL_QUEUE // 2:
            return  # each message that goes out brings us here again
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
        # What was given and not deleted is still in there, in front.
        known = frozenset(self._unacked | self._deleting)
        room = WINDOW - len(known)
        writer = self.connection.writer
        self._mailbox.read(self, known, room if writer is None else min(room, writer.room))

    def read_done(self, messages: list[ChatMessage], complete: bool) -> None:
        """What a look into the mailbox found; not ``complete``: there may be more."""
        out: list[bytes] = []
        for message in messages if self.active else ():
            if message.seq in self._unacked or message.seq in self._deleting:
                continue
            if not self._takes_more:
                complete = False
                break
            self._give(message, out)
        self._reading = False  # only now: a frame that goes out at once must not start another look
        self._forget_deleted()
        if not complete:
            self._dirty = True
        if out:
            self.connection.send_mail(out)
        self.kick()

    def read_failed(self) -> None:
        """The database could not be asked."""
        self._reading = False
        self._dirty = True
        self._forget_deleted()
        if self.active:
            self.connection.loop.run_after(RETRY_SECONDS, self.kick)

    @property
    def _has_room(self) -> bool:
        return self._takes_more and not self.connection.output_full

    @property
    def _takes_more(self) -> bool:
        writer = self.connection.writer
        outstanding = len(self._unacked) + len(self._deleting)
        return outstanding < WINDOW and (writer is None or writer.room > 0)

    def _give(self, message: ChatMessage, out: list[bytes]) -> None:
        self._unacked.add(message.seq)
        if message.seq > self._newest:
            self._newest = message.seq
        writer = self.connection.writer
        if writer is None:
            self.connection.add_frames(message, out)
        else:
            writer.hand_over(message, self._when_out(message.seq))

    # ------------------------------------------------------------------ acknowledged

    def acknowledge(self, seqs: Iterable[int]) -> None:
        """The receiver has these. What is not outstanding here is ignored.

        So a client cannot acknowledge what it was not given, by mistake or in advance.
        """
        received = self._unacked.intersection(seqs)
        if not received:
            return
        self._unacked -= received
        self._deleting |= received
        self._mailbox.delete(self, received)
        self.kick()

    def deleted(self, seqs: Iterable[int]) -> None:
        """These rows are gone for good."""
        if self._reading:
            self._deleted_meanwhile.update(seqs)
        else:
            self._deleting.difference_update(seqs)
            self.kick()

    def _forget_deleted(self) -> None:
        if self._deleted_meanwhile:
            self._deleting -= self._deleted_meanwhile
            self._deleted_meanwhile.clear()

    def store_settled(self) -> None:
        """A diverted message is in the mailbox now, or has failed."""
        self.stores_pending -= 1

    # ------------------------------------------------------------------ classic receivers

    def written(self) -> None:
        """Something was sent to a classic client, which cannot acknowledge.

        It counts as received when the kernel has taken every byte.
        """
        if not self._unacked:
            return
        writer = self.connection.writer
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
