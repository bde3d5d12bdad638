"""Sending: a future that is done when the server has a message, or never will."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from client.wire_time import parse_time


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server's confirmation of a message.

    Attributes:
        mid: the id that the sender gave the message.
        seq: the number that the server gave it; None in the mode ``direct``, which stores none.
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
    """A future Receipt. It cannot be cancelled, because the message may be on its way already.

    ``result()`` raises RefusedError if the server has refused the message, NotConfirmedError if
    the client was closed before the answer, or WithdrawnError after ``withdraw``. Any thread may
    wait for it, but no callback of a Sending: that runs on the receiver's thread, and must return
    soon.

    Attributes:
        mid: the id that the sender gave the message.
        target: the id of the receiver or of the group.
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
