"""The public values: users, groups and messages as the server reports them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from client.wire_time import parse_time


@dataclass(frozen=True, slots=True)
class User:
    """A user that was found by its name.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
    """

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Friend:
    """An entry of the friend list.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        state: "online" or "offline".
    """

    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        state: "online" or "offline".
        role: "creator", "admin" or "normal".
    """

    id: int
    name: str
    state: str
    role: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its members. Name and description are not escaped.

    Attributes:
        id: the number of the group.
        members: those that are known. A login knows the first 200 at most; the rest comes with
            ``ChatClient.members``.
        member_count: the number of all members.
        join: "open", "invite" or "password".
    """

    id: int
    name: str
    desc: str
    members: tuple[Member, ...]
    member_count: int = 0
    join: str = "open"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a group. ``join_group`` uses it up.

    Attributes:
        group_id: the number of the group.
        group_name: the name of the group, not escaped.
        by_id: the number of the member that invites.
        by_name: the name of that member, not escaped.
    """

    group_id: int
    group_name: str
    by_id: int
    by_name: str


@dataclass(frozen=True, slots=True)
class Ban:
    """A user that may not join a group.

    Attributes:
        user_id: the number of the user.
        name: the name of the user, not escaped.
        kind: "removed" or "banned".
        by_id: the number of the member that did it.
        time_text: the time as it stands on the wire.
        reason: the text of that member, not escaped; it may be empty.
    """

    user_id: int
    name: str
    kind: str
    by_id: int
    time_text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """A text of the operator of the server for all users. It is not escaped.

    ``time_text``: as in ChatMessage.
    """

    text: str
    time_text: str


@dataclass(frozen=True, slots=True)
class GroupNotice:
    """A notice: another user has changed a group, its members, or this user's place in it.

    Names and texts are not escaped. Those that the event does not have are empty.

    Attributes:
        event: "created", "joined", "left", "removed", "banned", "role", "renamed", "changed",
            "dissolved", "invited", or a newer word. A notice has no "created".
        group_id: the number of the group.
        user_id: the user whose membership changes; 0: the change is of the group itself.
        by_id: the user that has made the change; 0: an operator of the server.
        name: the name of ``user_id``.
        by_name: the name of ``by_id``.
        role: the new role.
        group_name: the name of the group.
        group_desc: the description of the group.
        join: the join mode of the group.
        reason: the reason of a ban.
    """

    event: str
    group_id: int
    user_id: int
    by_id: int
    name: str = ""
    by_name: str = ""
    role: str = ""
    group_name: str = ""
    group_desc: str = ""
    join: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FriendRequest:
    """A request of another user to be a friend. It waits for ``ChatClient.answer_friend``.

    Attributes:
        user_id: the number of the user that asks.
        name: the name of that user, not escaped.
        time_text: the time as it stands on the wire.
    """

    user_id: int
    name: str
    time_text: str


@dataclass(frozen=True, slots=True)
class FriendNotice:
    """A notice: another user asks to be a friend, or has accepted the request of this user.

    Attributes:
        event: "asked", "accepted", or a newer word.
        user_id: the number of the other user.
        name: the name of the other user, not escaped.
        state: "online" or "offline"; empty in "asked".
        time_text: the time of the request as it stands on the wire; empty in "accepted".
    """

    event: str
    user_id: int
    name: str
    state: str = ""
    time_text: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation in a list, with another user or in a group.

    Attributes:
        user_id: the other user; None in a group.
        group_id: the group; None in a conversation of two.
        name: the name of that user or group, not escaped.
        last: the newest message. Its text may be cut, see ``is_cut``.
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


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the user: an installation of a client, with its own mailbox.

    Attributes:
        id: the number of the device; 0: the unnamed one, of clients that know no devices.
        label: the name of the device for its owner, not escaped; it may be empty.
        first: the time of its first login, as it stands on the wire.
        last: the time of its last login, as it stands on the wire.
        online: whether it is logged in.
        this: whether it is the device of this client.
    """

    id: int
    label: str
    first: str
    last: str
    online: bool
    this: bool


@dataclass(frozen=True, slots=True)
class DeviceNotice:
    """A notice: another device of this user has logged in for the first time, or has ended.

    Attributes:
        event: "new", "ended", or a newer word.
        id: the number of the device.
        label: the name of the device, not escaped; empty for "ended".
        first: the time of its first login, as it stands on the wire.
    """

    event: str
    id: int
    label: str = ""
    first: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that is logged in, with friends and groups.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        friends: the friend list.
        groups: the groups of the user.
        heartbeat: seconds between two PING_MSG; None if the server named no interval.
        invitations: the invitations to groups that wait for this user.
        friend_requests: the requests to be a friend that wait for this user.
        service: the name of the service for this account; empty: the server has none.
        device_id: the number of this device; 0: the unnamed one, of clients that know no devices.
        epoch: the name of the server's history. In another epoch, the ``seq`` of a message may
            have belonged to another one; empty: the server has none.
        conversations: as of the login, the conversations with the newest messages.
        more_conversations: there are others, for ``ChatClient.conversations``.
        muted_users: all users with a muted conversation.
        muted_groups: all muted groups.
        newest: the highest number of a message or event at the login; 0: not known.
    """

    id: int
    name: str
    friends: tuple[Friend, ...]
    groups: tuple[Group, ...]
    heartbeat: float | None
    invitations: tuple[Invitation, ...] = ()
    friend_requests: tuple[FriendRequest, ...] = ()
    service: str = ""
    epoch: str = ""
    device_id: int = 0
    conversations: tuple[Conversation, ...] = ()
    more_conversations: bool = False
    muted_users: frozenset[int] = frozenset()
    muted_groups: frozenset[int] = frozenset()
    newest: int = 0


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A chat message as the server delivers it. Name and text are not escaped.

    Attributes:
        sender_id: the number of the sender.
        sender_name: the name of the sender.
        text: the text of the message.
        time_text: the time as it stands on the wire.
        group_id: the group; None for a one-to-one message.
        seq: the number that the server gave the message; None in the mode ``direct``.
        to_id: the receiver; 0 for a message to a group.
        mine: this account has sent it, from another device, or to itself. In the history: from
            any device.
        event: the change of the group, if this is one and no message. The sender is the user that
            made the change, and the text says it in English.
    """

    sender_id: int
    sender_name: str
    time_text: str
    text: str
    group_id: int | None
    seq: int | None
    to_id: int = 0
    mine: bool = False
    event: GroupNotice | None = None

    @property
    def other_id(self) -> int:
        """The other user of a one-to-one conversation; 0 in a group."""
        if self.group_id is not None:
            return 0
        return self.to_id if self.mine else self.sender_id

    @property
    def time(self) -> datetime | None:
        """The time of arrival at the server: aware, in UTC.

        None if ``time_text`` is no time, because old classic clients could send any text in it.
        """
        return parse_time(self.time_text)


@dataclass(frozen=True, slots=True)
class Presence:
    """A presence notice: a friend has come online or gone offline.

    Attributes:
        user_id: the friend.
        state: "online" or "offline".
    """

    user_id: int
    state: str


@dataclass(frozen=True, slots=True)
class History:
    """A page of a conversation's past.

    Attributes:
        messages: the messages of the page, oldest first.
        more: whether there are older messages.
    """

    messages: tuple[ChatMessage, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search has found.

    Attributes:
        message: the message.
        marks: where the words stand in its text: the index of the first character of a match, and
            the one behind it.
    """

    message: ChatMessage
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of the result of a search.

    Attributes:
        hits: the newest first. A page may have none, and yet others follow.
        before: the number to ask for the next page with; None: this is the last page.
    """

    hits: tuple[Hit, ...]
    before: int | None
