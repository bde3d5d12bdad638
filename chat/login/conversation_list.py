"""A user's conversations, for the answer to a login and CONVERSATIONS_MSG. Worker thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chat.storage import Transaction
from chat.storage.tables import (
    ConversationModel,
    ConversationRow,
    GroupModel,
    LastMessage,
    Partner,
    Unread,
    partner_of,
)

LISTED_MUTED = 1000
"""Muted conversations in the answer to a login."""

_NONE_UNREAD = Unread(0, False)


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list.

    Attributes:
        partner: the other user; None in a group.
        group_id, group_name: the group; 0 and empty in a conversation of two.
        last: its newest message.
        mark: the user has read the messages up to this number.
        unread: the messages of others after the mark.
        muted: it does not disturb the user.
    """

    partner: Partner | None
    group_id: int
    group_name: str
    last: LastMessage
    mark: int
    unread: Unread
    muted: bool


class ConversationPage(NamedTuple):
    """Conversations, the newest first. ``more``: there are older ones."""

    conversations: list[Listed]
    more: bool


NO_CONVERSATIONS = ConversationPage([], False)


def read_conversations(tx: Transaction, user_id: int, before: int, limit: int) -> ConversationPage:
    """The conversations with the newest messages below the number ``before``. Raises StorageError.

    Each has a message that the user may read. So a group is absent until a message follows the
    user's joining, and after the user has left it.
    """
    model = ConversationModel(tx)
    rows = model.of_user(user_id, before, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    last = model.last_messages([row.newest for row in rows])
    users = [partner_of(row.conversation, user_id) for row in rows if row.conversation > 0]
    groups = [-row.conversation for row in rows if row.conversation < 0]
    partners = model.partners(user_id, users)
    names = GroupModel(tx).names(groups)
    marks = [(row.conversation, row.mark) for row in rows if row.newest > row.mark]
    unread = model.unread(user_id, marks)

    def listed(row: ConversationRow) -> Listed | None:
        message = last.get(row.newest)
        partner, group_id, name = None, 0, ""
        if row.conversation > 0:
            partner = partners.get(partner_of(row.conversation, user_id))
        else:
            group_id = -row.conversation
            name = names.get(group_id, "")
        if message is None or (partner is None and not group_id):
            return None
        count = unread.get(row.conversation, _NONE_UNREAD)
        return Listed(partner, group_id, name, message, row.mark, count, row.muted)

    return ConversationPage([item for row in rows if (item := listed(row)) is not None], more)
