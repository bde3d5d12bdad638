"""DeliveryMode: the interface of ``stored`` and ``direct``.

``stored``: a message is committed, then its sender is acknowledged and its receivers are woken. An
acknowledged message is never lost.

``direct``: a receiver that is online and is owed nothing gets the message at once, at most once. It
is not logged. For all other receivers the message is stored. Both modes store in the same way, and
the same pumps hand stored messages over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum

from chat.bus import Answer, Count
from chat.login.login import Login
from chat.message import ChatMessage


class SendResult(Enum):
    """The result of a call of ``send``."""

    TAKEN = "taken"  # the sender is answered, now or later
    WAITS = "waits"  # no change: call again when the sender's earlier messages have ended


TAKEN, WAITS = SendResult.TAKEN, SendResult.WAITS


class DeliveryMode(ABC):
    """Takes messages from the logins of this node. A mode overrides the events that it needs."""

    @abstractmethod
    def send(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> SendResult:
        """Send a message. Sender's loop.

        Raises ProtocolError(TOO_MANY) when too many messages wait for the database.
        """

    def forget_members(self, group_id: int) -> None:  # noqa: B027 - stored reads them itself
        """The members of a group have changed. Any thread."""

    def forget_all_members(self) -> None:  # noqa: B027
        """The members of any group may have changed. Any thread."""

    def on_counts(self, counts: Sequence[Count]) -> None:  # noqa: B027 - stored sends no requests
        """The numbers of subscribers of this node's requests are known. Any thread."""

    def on_answers(self, answers: Sequence[Answer]) -> None:  # noqa: B027
        """Other nodes have answered requests. Any thread."""

    def end_overdue(self) -> None:  # noqa: B027
        """Called regularly: end the requests whose answers are overdue. Any thread."""
