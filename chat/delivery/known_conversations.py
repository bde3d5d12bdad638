"""KnownConversations: inserts the rows of new conversations with their first message.

A conversation of two users has a row for each of them. Most messages belong to a conversation that
has its rows, so a set of such conversations saves the INSERT. A conversation comes into the set
after the commit. Example: a transaction inserts the rows of A and B, and a deadlock undoes it; the
second attempt must insert them again.
"""

from __future__ import annotations

from collections.abc import Iterable

from chat.delivery.submission import Submission
from chat.protocol import MAX_ID, ONE_CHAT
from chat.storage import Transaction
from chat.storage.tables import ConversationModel, user_conversation

MAX_KNOWN = 100_000
"""Pairs in the set, some 8 MB; beyond it all are dropped."""

_ID_BITS = MAX_ID.bit_length()


class KnownConversations:
    """Pairs of sender and receiver whose conversations have their rows. Writer thread."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def insert(self, tx: Transaction, submissions: Iterable[Submission]) -> set[int]:
        """Insert the rows of the stored messages' conversations, unless they are known to exist.

        Returns the new pairs, for ``committed``. Call it last in a transaction: that is
        the order of the locks.
        """
        # Pairs of sender and receiver, in one number each. This runs for every message.
        found = {
            s.message.sender << _ID_BITS | s.message.target
            for s in submissions
            if s.seq and s.message.kind == ONE_CHAT
        }
        found -= self._known
        if found:
            pairs = [(pair >> _ID_BITS, pair & MAX_ID) for pair in found]
            ConversationModel(tx).insert_missing({user_conversation(*pair) for pair in pairs})
        return found

    def committed(self, pairs: set[int]) -> None:
        """The transaction that has inserted the rows of these pairs is committed."""
        if len(self._known) > MAX_KNOWN:
            self._known.clear()
        self._known |= pairs
