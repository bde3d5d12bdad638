"""Outgoing: a message from a session on its way into the log, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chat.delivery.message import ChatMessage
from chat.protocol import ErrNo, Message, MsgType

if TYPE_CHECKING:
    from chat.delivery.pump import Pump
    from chat.session import Session


class Outgoing:
    """Made in the sender's loop, filled in by the commit, answered in the sender's loop.

    Attributes:
        mid: unique for the sender; the server gives one where the client did not, so that a
            commit whose answer was lost can be repeated.
        only: in ``direct``, the receivers who have not got the message live; None for all.
        diverted: in ``direct``, the pump that could not take the message live after its sender
            had been answered: it is told of the outcome, the sender is not.
        errno, errmsg: the outcome.
        message: the message to hand on; None if it failed or is a repetition.
        seq, time: of the log row, for the ack. A repetition has the first one's.
    """

    __slots__ = (
        "diverted",
        "errmsg",
        "errno",
        "extra",
        "generation",
        "kind",
        "message",
        "mid",
        "name",
        "only",
        "rid",
        "sender",
        "seq",
        "session",
        "target",
        "text",
        "time",
    )

    def __init__(
        self,
        session: Session,
        kind: int,
        target: int,
        text: str,
        time: str,
        mid: str,
        rid: str | None,
        extra: dict[str, Any] | None,
    ) -> None:
        self.session = session
        self.sender = session.user_id
        self.name = session.name
        self.generation = session.generation
        self.kind = kind
        self.target = target
        self.text = text
        self.time = time
        self.mid = mid
        self.rid = rid
        self.extra = extra
        self.only: frozenset[int] | None = None
        self.diverted: Pump | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the outcome of an attempt that did not commit."""
        self.errno = ErrNo.OK
        self.errmsg = ""
        self.seq = 0
        self.message: ChatMessage | None = None

    def fail(self, errno: ErrNo, errmsg: str) -> None:
        self.errno = errno
        self.errmsg = errmsg

    def divert(self, pump: Pump, mid: str) -> Outgoing:
        """The same message for one receiver's mailbox only."""
        copy = Outgoing(
            self.session, self.kind, self.target, self.text, self.time, mid, None, self.extra
        )
        copy.sender, copy.name, copy.generation = self.sender, self.name, self.generation
        copy.only = frozenset((pump.user_id,))
        copy.diverted = pump
        return copy

    def live(self) -> ChatMessage:
        """The message as ``direct`` forwards it: not stored, without ``seq``."""
        return ChatMessage(
            0, self.kind, self.sender, self.name, self.target, self.text, self.time, self.extra
        )

    def ack(self) -> Message:
        """CHAT_ACK for a v2 sender."""
        ack: Message = {"msgid": MsgType.CHAT_ACK, "mid": self.mid, "errno": int(self.errno)}
        if self.errno:
            ack["errmsg"] = self.errmsg
            if self.errno in (ErrNo.UNAVAILABLE, ErrNo.TOO_MANY):
                ack["retry_after"] = 1
        else:
            if self.seq:
                ack["seq"] = self.seq
            ack["time"] = self.time
        if self.rid is not None:
            ack["rid"] = self.rid
        return ack
