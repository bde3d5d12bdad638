"""A user's conversations, for the answer to a login and CONVERSATIONS_MSG. Worker thread."""

from __future__ import annotations

from typing import NamedTuple

from chat.mailbox.mailbox import to_messages
from chat.message import ChatMessage
from chat.protocol import GROUP_EVENT
from chat.storage import Transaction
from chat.storage.tables import ConversationListModel, ConversationRow, MailRow, Unread

LISTED_MUTED = 1000
"""Muted conversations in the answer to a login."""

_NONE_UNREAD = Unread(0, False)


class Listed(NamedTuple):
    """A conversation in a list.

    Attributes:
        row: the conversation, with its newest message.
        unread: the messages of others after the mark.
        event: the newest message, if it is an event of a group; else None.
    """

    row: ConversationRow
    unread: Unread
    event: ChatMessage | None


class ConversationPage(NamedTuple):
    """Conversations, the newest first. ``more``: there are older ones."""

    conversations: list[Listed]
    more: bool


NO_CONVERSATIONS = ConversationPage([], False)


def read_conversations(
    tx: Transaction, user_id: int, before: int, limit: int, *, events: bool
) -> ConversationPage:
    """The conversations with the newest messages below the number ``before``. Raises StorageError.

    Each has a message that the user may read. So a group is absent until a message follows the
    user's joining, and after the user has left it.

    ``events``: the reader knows events of groups, and they count as messages.
    """
    model = ConversationListModel(tx)
    rows = model.of_user(user_id, before, limit + 1, events=events)
    more, rows = len(rows) > limit, rows[:limit]
    marks = [(row.conversation, row.mark) for row in rows if row.seq > row.mark]
    unread = model.unread(user_id, marks)
    named = _events(tx, rows) if events else {}
    return ConversationPage(
        [
            Listed(row, unread.get(row.conversation, _NONE_UNREAD), named.get(row.seq))
            for row in rows
            if row.name is not None
        ],
        more,
    )


def _events(tx: Transaction, rows: list[ConversationRow]) -> dict[int, ChatMessage]:
    """The events among the newest messages, by number."""
    logged = [
        MailRow(row.seq, None, GROUP_EVENT, 0, None, -row.conversation, "", row.time, row.event)
        for row in rows
        if row.event is not None
    ]
    return {event.seq: event for event in to_messages(tx, logged)}
