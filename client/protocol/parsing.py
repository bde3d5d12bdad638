"""Parsing: messages of the server as values. Pure.

Parsing is tolerant. A field that is missing or has the wrong type becomes empty, because a friend
without a name is more useful than an error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chat.protocol import MAX_ID, MAX_SEQ, Message, MsgType
from client.protocol.events import ChatAnswer, Goodbye, LoggedIn
from client.values import (
    Account,
    Announcement,
    Ban,
    ChatMessage,
    Conversation,
    ConversationPage,
    Device,
    DeviceNotice,
    Friend,
    FriendNotice,
    FriendRequest,
    Group,
    GroupNotice,
    History,
    Hit,
    Invitation,
    Member,
    MuteNotice,
    Presence,
    ReadNotice,
    SearchPage,
    TypingNotice,
    User,
)

LONGEST_RETRY = 3600.0
"""The longest pause that a server can request, in seconds. A longer one is shortened to this."""


class MemberPage(NamedTuple):
    """Some members of a group, by id. ``more``: there are members with higher ids."""

    members: tuple[Member, ...]
    more: bool


def read_account(ack: Message) -> Account:
    """The account in a successful LOGIN_MSG_ACK of the v2 dialect."""
    return Account(
        id=read_id(ack, "id"),
        name=_str(ack, "name"),
        friends=tuple(read_friend(item) for item in read_objects(ack, "friends")),
        groups=tuple(read_group(item) for item in read_objects(ack, "groups")),
        heartbeat=_seconds(ack.get("heartbeat")),
        device_id=read_id(ack, "deviceid"),
        invitations=tuple(read_invitation(item) for item in read_objects(ack, "invitations")),
        friend_requests=_friend_requests(ack, "friend_requests"),
        service=_str(ack, "service"),
        epoch=_str(ack, "epoch"),
        conversations=_conversations(ack),
        more_conversations=ack.get("conversations_more") is True,
        muted_users=_ids(ack, "muted", "with"),
        muted_groups=_ids(ack, "muted", "groupid"),
        newest=_seq({"seq": ack.get("newest")}) or 0,
    )


def read_friend(item: Message) -> Friend:
    """A friend in LOGIN_MSG_ACK or ADD_FRIEND_ACK."""
    return Friend(read_id(item, "id"), _str(item, "name"), _str(item, "state"))


def read_group(item: Message) -> Group:
    """A group in LOGIN_MSG_ACK or ADD_GROUP_ACK."""
    group_id, name, desc = read_id(item, "id"), _str(item, "groupname"), _str(item, "groupdesc")
    members = read_members(item)
    count = max(read_id(item, "members"), len(members))  # a server of 0.2.0 sends all members
    return Group(group_id, name, desc, members, count, _str(item, "join") or "open")


def read_invitation(item: Message) -> Invitation:
    """An invitation in LOGIN_MSG_ACK."""
    group_id, by = read_id(item, "groupid"), read_id(item, "by")
    return Invitation(group_id, _str(item, "groupname"), by, _str(item, "byname"))


def read_announcement(message: Message) -> Announcement:
    """An ANNOUNCE_MSG."""
    return Announcement(_str(message, "msg"), _str(message, "time"))


def read_group_notice(message: Message) -> GroupNotice | None:
    """A GROUP_NOTICE_MSG; None if it names no group."""
    notice = _group_notice(message)
    return notice if 0 < notice.group_id <= MAX_ID else None


def _group_notice(message: Message) -> GroupNotice:
    return GroupNotice(
        event=_str(message, "event"),
        group_id=read_id(message, "groupid"),
        user_id=read_id(message, "userid"),
        by_id=read_id(message, "by"),
        name=_str(message, "name"),
        by_name=_str(message, "byname"),
        role=_str(message, "role"),
        group_name=_str(message, "groupname"),
        group_desc=_str(message, "groupdesc"),
        join=_str(message, "join"),
        reason=_str(message, "reason"),
    )


def read_bans(ack: Message) -> tuple[tuple[Ban, ...], bool]:
    """The page of bans in BANS_ACK, and whether there are more."""
    bans = tuple(
        Ban(
            read_id(item, "userid"),
            _str(item, "name"),
            _str(item, "kind"),
            read_id(item, "by"),
            _str(item, "time"),
            _str(item, "reason"),
        )
        for item in read_objects(ack, "bans")
    )
    return bans, ack.get("more") is True


def read_changed_group(ack: Message) -> Group:
    """The group in CHANGE_GROUP_ACK, without its members."""
    name, desc = _str(ack, "groupname"), _str(ack, "groupdesc")
    return Group(read_id(ack, "groupid"), name, desc, (), 0, _str(ack, "join") or "open")


def read_members(item: Message) -> tuple[Member, ...]:
    """The ``users`` of a group or of MEMBERS_ACK."""
    return tuple(
        Member(read_id(user, "id"), _str(user, "name"), _str(user, "state"), _str(user, "role"))
        for user in read_objects(item, "users")
    )


def read_member_page(ack: Message) -> MemberPage:
    """A successful MEMBERS_ACK."""
    return MemberPage(read_members(ack), ack.get("more") is True)


def read_added_friend(ack: Message) -> Friend | None:
    """The friend in ADD_FRIEND_ACK or ANSWER_FRIEND_ACK; None if there is none (yet)."""
    friend = ack.get("friend")
    return read_friend(friend) if type(friend) is dict else None


def read_users(ack: Message) -> tuple[User, ...]:
    """The users in FIND_USER_ACK or USER_ACK."""
    return tuple(
        User(read_id(item, "id"), _str(item, "name")) for item in read_objects(ack, "users")
    )


def read_friend_requests(ack: Message) -> tuple[FriendRequest, ...]:
    """The requests in FRIEND_REQUESTS_ACK."""
    return _friend_requests(ack, "requests")


def _friend_requests(ack: Message, key: str) -> tuple[FriendRequest, ...]:
    return tuple(
        FriendRequest(read_id(item, "id"), _str(item, "name"), _str(item, "time"))
        for item in read_objects(ack, key)
    )


def read_friend_notice(message: Message) -> FriendNotice | None:
    """A FRIEND_NOTICE_MSG; None if it names no user."""
    user_id = read_id(message, "id")
    if not 0 < user_id <= MAX_ID:
        return None
    name, event = _str(message, "name"), _str(message, "event")
    return FriendNotice(event, user_id, name, _str(message, "state"), _str(message, "time"))


def read_devices(answer: Message) -> tuple[Device, ...]:
    """The devices in DEVICES_ACK, or in a login that was refused because there are too many."""
    return tuple(
        Device(
            id=read_id(item, "deviceid"),
            label=_str(item, "label"),
            first=_str(item, "first"),
            last=_str(item, "last"),
            online=item.get("online") is True,
            this=item.get("this") is True,
        )
        for item in read_objects(answer, "devices")
    )


def read_device_notice(message: Message) -> DeviceNotice:
    """A DEVICE_NOTICE_MSG."""
    number, event = read_id(message, "deviceid"), _str(message, "event")
    return DeviceNotice(event, number, _str(message, "label"), _str(message, "first"))


def read_joined_group(ack: Message) -> Group:
    """The group in ADD_GROUP_ACK."""
    return read_group(read_object(ack, "group"))


def read_new_user(ack: Message) -> int:
    """The id in REG_MSG_ACK."""
    return read_id(ack, "id")


def read_blocked(ack: Message) -> tuple[int, ...]:
    """The numbers in BLOCKS_ACK."""
    ids = ack.get("userids")
    return tuple(i for i in ids if type(i) is int) if type(ids) is list else ()


def read_new_name(ack: Message) -> str:
    """The name in RENAME_ACK."""
    return _str(ack, "name")


def read_new_group(ack: Message) -> tuple[int, str]:
    """The id and the join mode in CREATE_GROUP_ACK."""
    return read_id(ack, "groupid"), _str(ack, "join") or "open"


def read_chat(message: Message, me: int | None = None) -> ChatMessage:
    """A chat message or GROUP_EVENT_MSG, live or stored. ``me``: the user that is logged in."""
    if message.get("msgid") == MsgType.GROUP_EVENT_MSG:
        return _read_group_event(message)
    in_group = message.get("msgid") == MsgType.GROUP_CHAT_MSG
    sender_id = read_id(message, "id")
    return ChatMessage(
        sender_id=sender_id,
        sender_name=_str(message, "name"),
        time_text=_str(message, "time"),
        text=_str(message, "msg"),
        group_id=read_id(message, "groupid") if in_group else None,
        seq=_seq(message),
        to_id=read_id(message, "toid"),
        mine=sender_id == me,
    )


_EVENT_TEXTS = {
    "created": "created the group",
    "joined": "joined the group",
    "left": "left the group",
    "removed": "removed {name}",
    "banned": "banned {name}",
    "role": "made {name} {role}",
    "renamed": "renamed the group: {group_name}",
    "changed": "changed the group",
    "dissolved": "dissolved the group",
}


def _read_group_event(message: Message) -> ChatMessage:
    """A GROUP_EVENT_MSG."""
    event = _group_notice(message)
    text = _EVENT_TEXTS.get(event.event, event.event).format(
        name=event.name or event.user_id, role=event.role, group_name=event.group_name
    )
    return ChatMessage(
        sender_id=event.by_id,
        sender_name=event.by_name,
        time_text=_str(message, "time"),
        text=text,
        group_id=event.group_id,
        seq=_seq(message),
        event=event,
    )


def read_history(ack: Message) -> History:
    """A successful HISTORY_ACK."""
    messages = tuple(read_chat(item) for item in read_objects(ack, "messages"))
    return History(messages, ack.get("more") is True)


def read_search_page(ack: Message) -> SearchPage:
    """A successful SEARCH_ACK."""
    hits = tuple(_hit(item) for item in read_objects(ack, "messages"))
    before = ack.get("before")
    return SearchPage(hits, before if type(before) is int and ack.get("more") is True else None)


def _hit(item: Message) -> Hit:
    """A message of a SEARCH_ACK. Marks outside its text are left out."""
    message = read_chat(item)
    marks = item.get("marks")
    found = [
        (mark[0], mark[1])
        for mark in (marks if type(marks) is list else [])
        if type(mark) is list and len(mark) == 2 and all(type(place) is int for place in mark)
    ]
    size = len(message.text)
    return Hit(message, tuple((a, b) for a, b in found if 0 <= a < b <= size))


def read_conversation_page(ack: Message) -> ConversationPage:
    """A successful CONVERSATIONS_ACK."""
    return ConversationPage(_conversations(ack), ack.get("more") is True)


def _conversations(ack: Message) -> tuple[Conversation, ...]:
    found = (read_conversation(item) for item in read_objects(ack, "conversations"))
    return tuple(item for item in found if item is not None)


def read_conversation(item: Message) -> Conversation | None:
    """A conversation in a list; None if it names no user and no group."""
    place = _place(item)
    if place is None:
        return None
    user_id, group_id = place
    last = read_object(item, "last")
    message = ChatMessage(
        sender_id=read_id(last, "id"),
        sender_name=_str(last, "name"),
        time_text=_str(last, "time"),
        text=_str(last, "msg"),
        group_id=group_id,
        seq=_seq(last),
    )
    return Conversation(
        user_id,
        group_id,
        _str(item, "name") or _str(item, "groupname"),
        message,
        last.get("cut") is True,
        _mark(item, "read") or 0,
        read_id(item, "unread"),
        item.get("unread_more") is True,
        _mark(item, "other_read"),
        item.get("muted") is True,
    )


def _place(item: Message) -> tuple[int | None, int | None] | None:
    """The other user or the group of a conversation; None if there is neither, or both."""
    user_id, group_id = read_id(item, "with"), read_id(item, "groupid")
    if (0 < user_id <= MAX_ID) == (0 < group_id <= MAX_ID):
        return None
    return (user_id, None) if 0 < user_id <= MAX_ID else (None, group_id)


def read_mark(ack: Message) -> int:
    """The number in READ_ACK."""
    return _seq(ack) or 0


def read_receipts(ack: Message) -> bool:
    """The switch in SETTINGS_ACK."""
    return ack.get("receipts") is True


def read_read_notice(message: Message) -> ReadNotice | None:
    """A READ_NOTICE_MSG; None if it names no conversation."""
    place, seq = _place(message), _seq(message)
    if place is None or seq is None:
        return None
    return ReadNotice(read_id(message, "id"), *place, seq)


def read_typing_notice(message: Message) -> TypingNotice | None:
    """A TYPING_NOTICE_MSG; None if it names no conversation."""
    place, user_id = _place(message), read_id(message, "id")
    return None if place is None or not user_id else TypingNotice(user_id, place[1])


def read_mute_notice(message: Message) -> MuteNotice | None:
    """A MUTE_NOTICE_MSG; None if it names no conversation."""
    place = _place(message)
    return None if place is None else MuteNotice(*place, message.get("muted") is True)


def read_logged_in(ack: Message) -> LoggedIn:
    """A successful LOGIN_MSG_ACK."""
    return LoggedIn(read_account(ack), _str(ack, "token") or None)


def read_chat_answer(ack: Message) -> ChatAnswer | None:
    """A CHAT_ACK; None if it names no message."""
    mid = ack.get("mid")
    if type(mid) is not str:
        return None
    errno, errmsg = read_failure(ack)
    return ChatAnswer(mid, errno, errmsg, _seq(ack), _str(ack, "time"), read_retry_after(ack))


def read_presence(message: Message) -> Presence | None:
    """A PRESENCE_MSG; None if it names no user."""
    user_id, state = read_id(message, "id"), _str(message, "state")
    return Presence(user_id, state) if 0 < user_id <= MAX_ID and state else None


def read_retry_after(answer: Message) -> float | None:
    """Seconds to wait before the next attempt; None if the answer names none."""
    seconds = _seconds(answer.get("retry_after"))
    return None if seconds is None else min(seconds, LONGEST_RETRY)


def read_goodbye(message: Message) -> Goodbye:
    """A BYE_MSG."""
    return Goodbye(_str(message, "reason"), message.get("reconnect") is True)


def read_failure(answer: Message) -> tuple[int, str]:
    """``errno`` and ``errmsg`` of an answer. An answer without a proper ``errno`` is a failure."""
    errno = answer.get("errno")
    number = errno if type(errno) is int else -1
    return number, _str(answer, "errmsg") or f"error {number}"


def read_id(message: Message, key: str) -> int:
    """The id in a field, 0 if there is none."""
    value = message.get(key)
    return value if type(value) is int else 0


def read_object(message: Message, key: str) -> Message:
    """The object in a field, an empty one if there is none."""
    value = message.get(key)
    return value if type(value) is dict else {}


def read_objects(message: Message, key: str) -> list[Message]:
    """The objects in an array field; its other items are left out."""
    value = message.get(key)
    return [item for item in value if type(item) is dict] if type(value) is list else []


def _str(message: Message, key: str) -> str:
    value = message.get(key)
    return value if type(value) is str else ""


def _ids(message: Message, key: str, name: str) -> frozenset[int]:
    """The ids in this field of a list of objects."""
    found = (read_id(item, name) for item in read_objects(message, key))
    return frozenset(number for number in found if 0 < number <= MAX_ID)


def _mark(message: Message, key: str) -> int | None:
    """A number of a message, or 0: none is read."""
    mark = message.get(key)
    return mark if type(mark) is int and 0 <= mark <= MAX_SEQ else None


def _seq(message: Message) -> int | None:
    seq = message.get("seq")
    return seq if type(seq) is int and 0 < seq <= MAX_SEQ else None


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 < value < 1e6 else None
