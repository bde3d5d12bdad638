"""Outgoing: a message from a login on its way into the log, and what came of it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence

from chat.login.login import Login
from chat.mailbox.pump import Pump
from chat.message import ChatMessage
from chat.protocol import ErrNo, Message, MsgType, encode


class Outgoing:
    """Made in the sender's loop, filled in by the commit, answered in the sender's loop.

    Attributes:
        login: who sent it; None where the sender is at another node, which has answered.
        generation: of the sender's login.
        message: what is sent; the commit gives it ``seq`` and ``receivers``.
        mid: unique for the sender; the server gives one where the client did not, so that a
            commit whose answer was lost can be repeated.
        only: in ``direct``, the receivers who have not got the message live; None for all.
        rejoin: in ``direct``, the log may have its ``mid`` already, but for some receivers only.
        rows: how many mailbox rows it takes, as far as was known when it was sent.
        diverted: in ``direct``, the pumps that could not take the message live: they take nothing
            live until they hear that it is stored.
        errno, errmsg: the outcome.
        stored: it was committed now, and is to be handed on; not a failure, nor a repetition.
        seq, time: of the log row, for the ack. A repetition has the first one's.
        attempted: a transaction with it was begun before, and its outcome is not known.
        repeated: the log had its ``mid`` before our first attempt.
    """

    __slots__ = (
        "attempted",
        "diverted",
        "errmsg",
        "errno",
        "generation",
        "login",
        "message",
        "mid",
        "only",
        "rejoin",
        "repeated",
        "rid",
        "rows",
        "seq",
        "stored",
        "time",
    )

    def __init__(
        self,
        login: Login | None,
        generation: int,
        message: ChatMessage,
        mid: str | None = None,
        rid: str | None = None,
        only: frozenset[int] | None = None,
        rows: int = 1,
    ) -> None:
        self.login = login
        self.generation = generation
        self.message = message
        self.mid = mid or new_mid()
        self.rid = rid
        self.only = only
        self.rejoin = only is not None
        self.rows = rows
        self.diverted: tuple[Pump, ...] = ()
        self.attempted = False
        self.repeated = False
        self.reset()

    def reset(self) -> None:
        """Forget the outcome of an attempt that did not commit."""
        self.errno = ErrNo.OK
        self.errmsg = ""
        self.seq = 0
        self.time = self.message.time
        self.stored = False

    def settle_diverted(self) -> None:
        """Their message is in the mailboxes now, or has failed. Any thread."""
        for pump in self.diverted:
            pump.connection.loop.queue_in_loop(pump.store_settled)

    def fail(self, errno: ErrNo, errmsg: str) -> None:
        self.errno = errno
        self.errmsg = errmsg

    def ack(self) -> Message:
        """CHAT_ACK for a v2 sender."""
        if not self.errno:
            return chat_ack(self.mid, self.seq, self.time, self.rid)
        ack = chat_ack(self.mid, 0, "", self.rid)
        del ack["time"]
        ack["errno"] = int(self.errno)
        ack["errmsg"] = self.errmsg
        if self.errno in (ErrNo.UNAVAILABLE, ErrNo.TOO_MANY):
            ack["retry_after"] = 1
        return ack


def tell_sender(login: Login, outgoings: Sequence[Outgoing]) -> None:
    """Acknowledge these messages of one login, or report that they have failed. Its loop."""
    connection = login.connection
    if connection.v2:
        connection.send_frames([encode(outgoing.ack()) for outgoing in outgoings])
    else:
        for outgoing in outgoings:
            if outgoing.errno:
                connection.send_error(outgoing.errno, outgoing.errmsg)
    connection.settled(len(outgoings), sum([outgoing.rows for outgoing in outgoings]))


def chat_ack(mid: str | None, seq: int, time: str, rid: str | None) -> Message:
    """CHAT_ACK of success; no ``seq`` for a live message."""
    ack: Message = {"msgid": MsgType.CHAT_ACK, "errno": 0, "time": time}
    if mid is not None:
        ack["mid"] = mid
    if seq:
        ack["seq"] = seq
    if rid is not None:
        ack["rid"] = rid
    return ack


# Random per process, then counted: unique without the price of a UUID (2 µs) per message.
_prefix = secrets.token_hex(12)
_count = itertools.count(1)


def new_mid() -> str:
    """A message id where the client gave none. Any thread."""
    return f"{_prefix}-{next(_count)}"
