"""KnownConversations: inserts the rows of new conversations with their first message.

A conversation of two users has a row for each of them. Most messages belong to a conversation that
has its rows, so a set of such conversations saves the INSERT. The set knows only what is committed.
Example: a transaction inserts the rows of A and B, and a deadlock undoes it; the second attempt
must insert them again.
"""

from __future__ import annotations

from collections.abc import Iterable

from chat.delivery.submission import Submission
from chat.protocol import ONE_CHAT
from chat.storage import Transaction
from chat.storage.tables import ConversationModel, user_conversation

MAX_KNOWN = 100_000
"""Conversations in the set, some 8 MB; beyond it all are dropped."""


class KnownConversations:
    """Conversations of two whose rows exist. Writer thread."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def insert(self, tx: Transaction, submissions: Iterable[Submission]) -> set[int]:
        """Insert the rows of the stored messages' conversations, unless they are known to exist.

        Returns the new conversations, for ``committed``. Call it last in a transaction: that is
        the order of the locks.
        """
        found = {
            user_conversation(s.message.sender, s.message.target)
            for s in submissions
            if s.seq and s.message.kind == ONE_CHAT
        }
        found -= self._known
        if found:
            ConversationModel(tx).insert_missing(found)
        return found

    def committed(self, conversations: set[int]) -> None:
        """The transaction that has inserted these is committed."""
        if len(self._known) > MAX_KNOWN:
            self._known.clear()
        self._known |= conversations
