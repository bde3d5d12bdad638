"""Handlers of conversations: their list, read marks, muting, typing. All: worker thread.

A number without an account gets the same answers as a user without a conversation. So ids cannot be
tried out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chat.conversation_notice import MUTED, READ, TYPING
from chat.handlers.answer_fields import conversation_fields
from chat.handlers.context import Context, Request
from chat.handlers.current_login import hold_login
from chat.handlers.group_access import membership
from chat.login.conversation_list import LISTED_MUTED, read_conversations
from chat.mailbox_number import is_named
from chat.protocol import LISTED_CONVERSATIONS, MAX_SEQ, ErrNo, Message, ProtocolError, errors
from chat.protocol.requests import (
    ConversationsRequest,
    MuteRequest,
    ReadRequest,
    SettingsRequest,
    TypingRequest,
)
from chat.storage import Transaction
from chat.storage.tables import (
    BlockedModel,
    ConversationModel,
    FriendModel,
    GroupModel,
    UserModel,
    event_conversation,
    group_conversation,
    user_conversation,
)

TYPING_MEMBERS = 50
"""Members of the largest group whose members are told who types. A larger one would have several
typing at any time, and each notice goes to all."""

NO_CONVERSATION = "no conversation with this user"


class Place(NamedTuple):
    """The conversation of a request: with a user or in a group. The other one is 0."""

    with_id: int
    group_id: int

    @property
    def fields(self) -> Message:
        return {"groupid": self.group_id} if self.group_id else {"with": self.with_id}

    def number(self, user_id: int) -> int:
        """The number of the conversation, for one of its users."""
        if self.group_id:
            return group_conversation(self.group_id)
        return user_conversation(user_id, self.with_id)


def _place(request: Request[Any]) -> Place:
    """Raises BAD_REQUEST unless the request names one conversation."""
    other, group_id = request.message.get("with"), request.message.get("groupid")
    if (other is None) == (group_id is None):
        raise ProtocolError(ErrNo.BAD_REQUEST, "with or groupid: one of them is needed")
    return Place(other or 0, group_id or 0)


def _newest(tx: Transaction, user_id: int, place: Place) -> int:
    """The number of the newest message that the user may read, or of the newest event.

    In a group without one it is the number after which the user has joined. Raises the error of
    ``membership``, or NOT_FOUND.
    """
    newest = ConversationModel(tx).newest(place.number(user_id))
    if place.group_id:
        newest = max(newest, ConversationModel(tx).newest(event_conversation(place.group_id)))
        return max(newest, membership(tx, place.group_id, user_id).since)
    if not newest:
        raise ProtocolError(ErrNo.NOT_FOUND, NO_CONVERSATION)
    return newest


# ---------------------------------------------------------------------- lists


def list_conversations(ctx: Context, request: Request[ConversationsRequest]) -> Message:
    """CONVERSATIONS_MSG: the conversations with the newest messages below ``before``.

    A named device gets events of groups as messages.
    """
    before = request.message.get("before", MAX_SEQ + 1)
    limit = request.message.get("limit", LISTED_CONVERSATIONS)
    user_id, events = request.user_id, is_named(request.current.mailbox)
    page = ctx.database.read(
        lambda tx: read_conversations(tx, user_id, before, limit, events=events)
    )
    listed = [conversation_fields(request.name, item) for item in page.conversations]
    return {"conversations": listed, "more": page.more}


# ---------------------------------------------------------------------- marks


def read_up_to(ctx: Context, request: Request[ReadRequest]) -> Message:
    """READ_MSG: the user has read the messages of a conversation up to ``seq``."""
    place, seq, user_id = _place(request), request.message["seq"], request.user_id
    number = place.number(user_id)

    def raise_mark(tx: Transaction) -> tuple[int, bool, bool]:
        """The mark, whether it is new, and whether the other user is told."""
        hold_login(tx, request)
        if seq > _newest(tx, user_id, place):
            beyond = "seq: is beyond the newest message of this conversation"
            raise ProtocolError(ErrNo.BAD_REQUEST, beyond)
        model = ConversationModel(tx)
        if model.set_mark(user_id, number, seq):
            told = not place.group_id and _shows_receipts(tx, user_id, place.with_id)
            return seq, True, told
        found = model.find(user_id, number)
        return (found[0] if found else seq), False, False

    mark, is_new, told = ctx.database.write(raise_mark)
    if is_new:
        login, notices = request.current, ctx.delivery.conversation_notices
        notices.tell(READ, login, user_id=user_id, **place._asdict(), number=mark)
        if told:
            notices.tell(READ, login, user_id=place.with_id, with_id=user_id, number=mark)
    return {**place.fields, "seq": mark}


def _shows_receipts(tx: Transaction, user_id: int, other_id: int) -> bool:
    """May each of the two users know what the other one has read?

    ConversationListModel.of_user has the same rule.
    """
    if user_id == other_id:
        return False
    blocked = BlockedModel(tx)
    return (
        UserModel(tx).has_receipts([user_id, other_id])
        and not blocked.has(user_id, other_id)
        and not blocked.has(other_id, user_id)
    )


def mute(ctx: Context, request: Request[MuteRequest]) -> Message:
    """MUTE_MSG: a conversation does not disturb the user, or does again."""
    place, muted, user_id = _place(request), request.message["muted"], request.user_id
    number = place.number(user_id)

    def change(tx: Transaction) -> bool:
        hold_login(tx, request)
        model = ConversationModel(tx)
        found = model.find(user_id, number)
        is_muted = found is not None and found[1]
        if muted or not is_muted:  # a user that has left a muted group may end the muting
            _newest(tx, user_id, place)
        if muted and not is_muted and len(model.muted(user_id, LISTED_MUTED)) >= LISTED_MUTED:
            full = f"{LISTED_MUTED} conversations are muted: end that for one of them first"
            raise ProtocolError(ErrNo.REFUSED, full)
        return model.set_muted(user_id, number, muted)

    if ctx.database.write(change):
        ctx.delivery.conversation_notices.tell(
            MUTED, request.current, user_id=user_id, **place._asdict(), number=int(muted)
        )
    return {**place.fields, "muted": muted}


def change_settings(ctx: Context, request: Request[SettingsRequest]) -> Message:
    """SETTINGS_MSG: the switches of the own account. Those that the request names change."""
    receipts = request.message.get("receipts")

    def change(tx: Transaction) -> bool:
        model = UserModel(tx)
        if receipts is not None:
            hold_login(tx, request)
            model.set_receipts(request.user_id, receipts)
        return model.has_receipts([request.user_id])

    run = ctx.database.read if receipts is None else ctx.database.write
    return {"receipts": run(change)}


# ---------------------------------------------------------------------- typing


def tell_typing(ctx: Context, request: Request[TypingRequest]) -> Message:
    """TYPING_MSG: tell the other user, or the members of a small group. It has no answer."""
    place, user_id = _place(request), request.user_id
    wait = ctx.typing.take(user_id, ctx.clock.monotonic())
    if wait:
        words = "too many notices of typing: send fewer"
        raise ProtocolError(ErrNo.TOO_MANY, words, retry_after=int(wait) + 1)

    def is_told(tx: Transaction) -> bool:
        if place.group_id:
            membership(tx, place.group_id, user_id)
            return GroupModel(tx).count_members(place.group_id) <= TYPING_MEMBERS
        other_id = place.with_id
        model, number = ConversationModel(tx), place.number(user_id)
        if model.find(user_id, number) is None and not FriendModel(tx).is_one(other_id, user_id):
            raise ProtocolError(ErrNo.NOT_FOUND, NO_CONVERSATION)
        blocked = BlockedModel(tx)
        if blocked.has(other_id, user_id):
            raise ProtocolError(ErrNo.BLOCKED, errors.BLOCKED)
        return user_id != other_id and not blocked.has(user_id, other_id)

    def is_shown(tx: Transaction) -> bool:
        """Typing shows that the user is online, so it follows ``chat.presence``."""
        return is_told(tx) and ctx.visibility.shows(tx, user_id, place.with_id)

    if ctx.database.read(is_shown):
        notices = ctx.delivery.conversation_notices
        if place.group_id:
            notices.tell(TYPING, request.current, group_id=place.group_id)
        else:
            notices.tell(TYPING, request.current, user_id=place.with_id, with_id=user_id)
    return {}
