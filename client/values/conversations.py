"""Conversations, and what other devices and users do in them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass

from client.values.messages import ChatMessage


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation in a list, with another user or in a group.

    Attributes:
        user_id: the other user; None in a group.
        group_id: the group; None in a conversation of two.
        name: the name of that user or group, not escaped.
        last: the newest message, or event of the group. Its text may be cut, see ``is_cut``.
        is_cut: the text of ``last`` is longer.
        read: this user has read the messages up to this ``seq``.
        unread: the number of messages of others after ``read``.
        more_unread: there may be more than ``unread``.
        other_read: the other user has read up to this ``seq``; None if that is not known.
        muted: the conversation should not disturb this user.
    """

    user_id: int | None
    group_id: int | None
    name: str
    last: ChatMessage
    is_cut: bool
    read: int
    unread: int
    more_unread: bool
    other_read: int | None
    muted: bool


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Conversations, those with the newest messages first. ``more``: there are older ones."""

    conversations: tuple[Conversation, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class ReadNotice:
    """A notice: messages of a conversation were read, by another user or on another device.

    Attributes:
        reader_id: the user that has read.
        user_id: the other user of the conversation, for this user; None in a group.
        group_id: the group; None in a conversation of two.
        seq: the messages up to this number are read.
    """

    reader_id: int
    user_id: int | None
    group_id: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class TypingNotice:
    """A notice: another user is writing a message.

    Attributes:
        user_id: the user that writes.
        group_id: the group; None in a conversation of two.
    """

    user_id: int
    group_id: int | None


@dataclass(frozen=True, slots=True)
class MuteNotice:
    """A notice: another device of this user has muted a conversation, or has ended that.

    Attributes:
        user_id: the other user of the conversation; None in a group.
        group_id: the group; None in a conversation of two.
        muted: the conversation should not disturb this user.
    """

    user_id: int | None
    group_id: int | None
    muted: bool
