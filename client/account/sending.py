"""Sending: a message on its way to the server, as a future Receipt."""

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
        """The time of arrival at the server: aware, in UTC."""
        return parse_time(self.time_text)


class Sending(Future[Receipt]):
    """A future Receipt. It cannot be cancelled: the message may be on its way already.

    ``result()`` raises RefusedError if the server has refused the message, NotConfirmedError if
    the client was closed before the answer, or WithdrawnError after ``withdraw``. Any thread may
    wait, except a callback of another Sending: that runs on the receiver's thread, and must
    return soon.

    Attributes:
        mid: the sender's own id for it.
        target: the receiver's or the group's id.
        to_group: whether the target is a group.
        text: the text of the message.
        created: the time of writing, in Unix seconds.
    """

    def __init__(self, mid: str, target: int, to_group: bool, text: str, created: float) -> None:
        super().__init__()
        self.mid = mid
        self.target = target
        self.to_group = to_group
        self.text = text
        self.created = created
        self.set_running_or_notify_cancel()
