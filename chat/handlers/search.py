"""SEARCH_MSG: the newest messages with some words, in one's own conversations. Worker thread."""

from __future__ import annotations

from collections.abc import Mapping

from chat.handlers.context import Context, Request
from chat.handlers.group_access import membership
from chat.handlers.message_page import first_page
from chat.mailbox.mailbox import to_message
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import SearchRequest
from chat.search.finder import Finder
from chat.search.query import Query
from chat.storage import Transaction
from chat.storage.tables import (
    ConversationModel,
    FriendModel,
    GroupModel,
    HistoryModel,
    MailRow,
    UserModel,
    group_conversation,
    user_conversation,
)

DEFAULT_LIMIT = 20


def search(ctx: Context, request: Request[SearchRequest]) -> Message:
    """SEARCH_MSG: messages with all words of ``query``, the newest first.

    In the conversation with a user, or in one of the sender's groups, or in all conversations. With
    ``before``, only messages with lower numbers.
    """
    message = request.message
    if not ctx.search:
        raise ProtocolError(ErrNo.REFUSED, "search is switched off on this server")
    query = Query(message["query"])
    if not query.words:
        raise ProtocolError(ErrNo.BAD_REQUEST, "query: must hold a word")
    other, group_id = message.get("with"), message.get("groupid")
    if other is not None and group_id is not None:
        raise ProtocolError(ErrNo.BAD_REQUEST, "with or groupid: only one of them is possible")
    before = message.get("before")
    limit = message.get("limit") or DEFAULT_LIMIT

    def look(tx: Transaction) -> tuple[list[MailRow], int | None]:
        if other is not None:
            conversations = _with_user(tx, request.user_id, other)
        elif group_id is not None:
            # Members may not read messages from before they joined.
            since = membership(tx, group_id, request.user_id).since
            conversations = {group_conversation(group_id): since}
        else:
            conversations = _all_of(tx, request.user_id)
        found = Finder(tx, query, conversations).run(before, limit + 1)
        rows = HistoryModel(tx).rows(found.seqs[:limit])
        page = first_page([rows[seq] for seq in found.seqs[:limit] if seq in rows])
        if len(page) < len(found.seqs):
            return page, page[-1].seq
        return page, found.before

    rows, go_on = ctx.database.read(look)
    answer: Message = {"messages": [_hit(row, query) for row in rows], "more": go_on is not None}
    if go_on is not None:
        answer["before"] = go_on
    return answer


def _with_user(tx: Transaction, user_id: int, other: int) -> Mapping[int, int]:
    """The conversation with a user, also with a deleted one. Raises NOT_FOUND."""
    conversation = user_conversation(user_id, other)
    if UserModel(tx).contact(other) is None and not HistoryModel(tx).newest(
        conversation, 0, None, 1
    ):
        raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
    return {conversation: 0}


def _all_of(tx: Transaction, user_id: int) -> Mapping[int, int]:
    """All conversations of a user, and the last number before the user's part of each.

    A server of the version before adds no rows of conversations, so the friends are looked up, too.
    """
    found = dict.fromkeys(ConversationModel(tx).with_users(user_id), 0)
    for other in FriendModel(tx).both_ways(user_id):
        found[user_conversation(user_id, other)] = 0
    for group_id, since in GroupModel(tx).starts_of_user(user_id):
        found[group_conversation(group_id)] = since
    return found


def _hit(row: MailRow, query: Query) -> Message:
    """A message as in HISTORY_ACK, with the places of the words."""
    marks = [list(mark) for mark in query.marks(row.text or "")]
    return {**to_message(row).fields(v2=True), "marks": marks}
