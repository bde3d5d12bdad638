"""HISTORY_MSG: earlier messages of a conversation. Worker thread."""

from __future__ import annotations

from chat.handlers.context import Context, Request
from chat.handlers.group_access import membership
from chat.handlers.message_page import first_page
from chat.mailbox.mailbox import to_messages
from chat.mailbox_number import is_named
from chat.message import ChatMessage
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import HistoryRequest
from chat.storage import Transaction
from chat.storage.tables import (
    HistoryModel,
    MailRow,
    UserModel,
    event_conversation,
    group_conversation,
    user_conversation,
)

DEFAULT_LIMIT = 50


def history(ctx: Context, request: Request[HistoryRequest]) -> Message:
    """HISTORY_MSG: the newest messages with a user, or in one of the sender's groups.

    With ``before``, only messages with lower numbers. A named device gets the events of a group,
    too.
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
        found = HistoryModel(tx).newest(conversation, since, before, limit + 1)
        if request.login is None or not is_named(request.login.mailbox):
            return found
        conversation = event_conversation(group_id)
        found += HistoryModel(tx).newest(conversation, since, before, limit + 1)
        found.sort(key=lambda row: row.seq, reverse=True)
        return found[: limit + 1]

    def read(tx: Transaction) -> tuple[list[ChatMessage], bool]:
        rows = look(tx)
        page = first_page(rows[:limit])
        return to_messages(tx, page[::-1]), len(rows) > len(page)

    messages, more = ctx.database.read(read)
    return {"messages": [message.fields(v2=True) for message in messages], "more": more}
