"""Sending: a message that was handed to the client, and what will become of it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from client.wire_time import parse_time


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server has a message.

    Attributes:
        mid: the sender's own id for it.
        seq: the server's number for it; None if the server passes messages on without storing.
        time_text: the server's time as it stands on the wire.
    """

    mid: str
    seq: int | None
    time_text: str

    @property
    def time(self) -> datetime | None:
        """When the server got it: aware, in UTC."""
        return parse_time(self.time_text)


class Sending(Future[Receipt]):
    """A future Receipt. It cannot be cancelled: the message may be on its way already.

    ``result()`` raises RefusedError if the server will never take the message, or
    NotConfirmedError if the client was closed before, or WithdrawnError after ``withdraw``.
    Any thread may wait, but not a callback of another Sending: those run on the thread that
    receives, and must return soon.

    Attributes:
        mid: the sender's own id for it.
        target: the receiver's or the group's id.
        to_group: which of them.
        text: what was written.
        created: when, in unix seconds.
    """

    def __init__(self, mid: str, target: int, to_group: bool, text: str, created: float) -> None:
        super().__init__()
        self.mid = mid
        self.target = target
        self.to_group = to_group
        self.text = text
        self.created = created
        self.set_running_or_notify_cancel()
