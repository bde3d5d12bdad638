"""Parsing of lists of conversations, read marks, typing and muting. Pure."""

from __future__ import annotations

from chat.protocol import MAX_ID, Message
from client.protocol.fields import (
    read_id,
    read_mark_at,
    read_object,
    read_objects,
    read_seq,
    read_text,
)
from client.protocol.parsing_groups import read_group_event
from client.values import (
    ChatMessage,
    Conversation,
    ConversationPage,
    MuteNotice,
    ReadNotice,
    TypingNotice,
)


def read_conversation_page(ack: Message) -> ConversationPage:
    """A successful CONVERSATIONS_ACK."""
    return ConversationPage(read_conversations(ack), ack.get("more") is True)


def read_conversations(ack: Message) -> tuple[Conversation, ...]:
    """The conversations in CONVERSATIONS_ACK or LOGIN_MSG_ACK."""
    found = (read_conversation(item) for item in read_objects(ack, "conversations"))
    return tuple(item for item in found if item is not None)


def read_conversation(item: Message) -> Conversation | None:
    """A conversation in a list; None if it names no user and no group."""
    place = read_place(item)
    if place is None:
        return None
    user_id, group_id = place
    last = read_object(item, "last")
    if group_id is not None and "event" in last:
        message = read_group_event({**last, "groupid": group_id})
    else:
        message = ChatMessage(
            sender_id=read_id(last, "id"),
            sender_name=read_text(last, "name"),
            time_text=read_text(last, "time"),
            text=read_text(last, "msg"),
            group_id=group_id,
            seq=read_seq(last),
        )
    return Conversation(
        user_id,
        group_id,
        read_text(item, "name") or read_text(item, "groupname"),
        message,
        last.get("cut") is True,
        read_mark_at(item, "read") or 0,
        read_id(item, "unread"),
        item.get("unread_more") is True,
        read_mark_at(item, "other_read"),
        item.get("muted") is True,
    )


def read_mark(ack: Message) -> int:
    """The number in READ_ACK."""
    return read_seq(ack) or 0


def read_receipts(ack: Message) -> bool:
    """The switch in SETTINGS_ACK."""
    return ack.get("receipts") is True


def read_read_notice(message: Message) -> ReadNotice | None:
    """A READ_NOTICE_MSG; None if it names no conversation."""
    place, seq = read_place(message), read_seq(message)
    if place is None or seq is None:
        return None
    return ReadNotice(read_id(message, "id"), *place, seq)


def read_typing_notice(message: Message) -> TypingNotice | None:
    """A TYPING_NOTICE_MSG; None if it names no conversation."""
    place, user_id = read_place(message), read_id(message, "id")
    return None if place is None or not user_id else TypingNotice(user_id, place[1])


def read_mute_notice(message: Message) -> MuteNotice | None:
    """A MUTE_NOTICE_MSG; None if it names no conversation."""
    place = read_place(message)
    return None if place is None else MuteNotice(*place, message.get("muted") is True)


def read_place(item: Message) -> tuple[int | None, int | None] | None:
    """The other user or the group of a conversation; None if there is neither, or both."""
    user_id, group_id = read_id(item, "with"), read_id(item, "groupid")
    if (0 < user_id <= MAX_ID) == (0 < group_id <= MAX_ID):
        return None
    return (user_id, None) if 0 < user_id <= MAX_ID else (None, group_id)
