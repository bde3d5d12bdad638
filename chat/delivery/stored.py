"""StoredMode: commits every message before its sender is acknowledged.

It does not wait for the database: the commit queue answers the sender after the commit.
"""

from __future__ import annotations

from chat.delivery.commit_queue import CommitQueue
from chat.delivery.mode import TAKEN, DeliveryMode, SendResult
from chat.delivery.submission import Submission
from chat.login.login import Login
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ErrNo, ProtocolError


class StoredMode(DeliveryMode):
    """See mode.py. ``direct`` uses it, too, for messages that it cannot hand over live."""

    def __init__(self, commits: CommitQueue, joins: bool = False) -> None:
        """``joins``: a row of a group's message may be for some receivers only (Submission)."""
        self._commits = commits
        self._joins = joins

    def send(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> SendResult:
        submission = Submission(login, login.generation, message, mid, rid)
        if message.kind == GROUP_CHAT:
            # An estimate, because the members are read in the transaction. It bounds the queue.
            submission.rows = self._commits.rows_for(message.target)
            submission.joins = self._joins
        if not self._commits.add(submission):
            raise ProtocolError(ErrNo.TOO_MANY, "too many messages, slow down", retry_after=1)
        flow = login.connection.flow
        flow.in_flight += 1
        flow.rows_in_flight += submission.rows
        return TAKEN
