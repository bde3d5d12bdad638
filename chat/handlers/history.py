"""HISTORY_MSG: earlier messages of a conversation. Worker thread."""

from __future__ import annotations

from chat.handlers.context import Context, Request
from chat.handlers.group_access import membership
from chat.mailbox.mailbox import to_message
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import HistoryRequest
from chat.storage import Transaction
from chat.storage.tables import (
    HistoryModel,
    MailRow,
    UserModel,
    group_conversation,
    user_conversation,
)

DEFAULT_LIMIT = 50

PAGE_CHARACTERS = 128 * 1024


def history(ctx: Context, request: Request[HistoryRequest]) -> Message:
    """HISTORY_MSG: the newest messages with a user, or in one of the sender's groups.

    With ``before``, only messages with lower numbers.
    """
    message = request.message
    other = message.get("with")
    group_id = message.get("groupid")
    if (other is None) == (group_id is None):
        raise ProtocolError(ErrNo.BAD_REQUEST, "with or groupid: one of them is needed")
    before = message.get("before")
    limit = message.get("limit") or DEFAULT_LIMIT

    def look(tx: Transaction) -> list[MailRow]:
        if other is not None:
            conversation = user_conversation(request.user_id, other)
            found = HistoryModel(tx).newest(conversation, 0, before, limit + 1)
            if not found and UserModel(tx).contact(other) is None:
                raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
            return found  # also of a deleted user
        assert group_id is not None
        # Members may not read messages from before they joined.
        since = membership(tx, group_id, request.user_id).since
        conversation = group_conversation(group_id)
        return HistoryModel(tx).newest(conversation, since, before, limit + 1)

    rows = ctx.database.read(look)
    page = _first(rows[:limit])
    return {
        "messages": [to_message(row).fields(v2=True) for row in reversed(page)],
        "more": len(rows) > len(page),
    }


def _first(rows: list[MailRow]) -> list[MailRow]:
    """The newest rows, with up to PAGE_CHARACTERS of text; at least one, if there is one.

    A longer answer would occupy the loop for milliseconds.
    """
    left = PAGE_CHARACTERS
    for number, row in enumerate(rows):
        left -= len(row.text or "")
        if left < 0:
            return rows[: max(number, 1)]
    return rows
