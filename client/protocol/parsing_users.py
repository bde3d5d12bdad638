"""Parsing of users, friends, requests to be a friend, and devices. Pure."""

from __future__ import annotations

from chat.protocol import MAX_ID, Message
from client.protocol.fields import read_id, read_objects, read_text
from client.values import Device, DeviceNotice, Friend, FriendNotice, FriendRequest, Presence, User


def read_friend(item: Message) -> Friend:
    """A friend in LOGIN_MSG_ACK or ADD_FRIEND_ACK."""
    return Friend(read_id(item, "id"), read_text(item, "name"), read_text(item, "state"))


def read_added_friend(ack: Message) -> Friend | None:
    """The friend in ADD_FRIEND_ACK or ANSWER_FRIEND_ACK; None if there is none (yet)."""
    friend = ack.get("friend")
    return read_friend(friend) if type(friend) is dict else None


def read_users(ack: Message) -> tuple[User, ...]:
    """The users in FIND_USER_ACK or USER_ACK."""
    return tuple(
        User(read_id(item, "id"), read_text(item, "name")) for item in read_objects(ack, "users")
    )


def read_new_user(ack: Message) -> int:
    """The id in REG_MSG_ACK."""
    return read_id(ack, "id")


def read_new_name(ack: Message) -> str:
    """The name in RENAME_ACK."""
    return read_text(ack, "name")


def read_blocked(ack: Message) -> tuple[int, ...]:
    """The numbers in BLOCKS_ACK."""
    ids = ack.get("userids")
    return tuple(i for i in ids if type(i) is int) if type(ids) is list else ()


def read_friend_requests(ack: Message) -> tuple[FriendRequest, ...]:
    """The requests in FRIEND_REQUESTS_ACK."""
    return read_requests_at(ack, "requests")


def read_requests_at(ack: Message, key: str) -> tuple[FriendRequest, ...]:
    """The requests to be a friend in a field."""
    return tuple(
        FriendRequest(read_id(item, "id"), read_text(item, "name"), read_text(item, "time"))
        for item in read_objects(ack, key)
    )


def read_friend_notice(message: Message) -> FriendNotice | None:
    """A FRIEND_NOTICE_MSG; None if it names no user."""
    user_id = read_id(message, "id")
    if not 0 < user_id <= MAX_ID:
        return None
    event, name = read_text(message, "event"), read_text(message, "name")
    state, time = read_text(message, "state"), read_text(message, "time")
    return FriendNotice(event, user_id, name, state, time)


def read_presence(message: Message) -> Presence | None:
    """A PRESENCE_MSG; None if it names no user."""
    user_id, state = read_id(message, "id"), read_text(message, "state")
    return Presence(user_id, state) if 0 < user_id <= MAX_ID and state else None


def read_devices(answer: Message) -> tuple[Device, ...]:
    """The devices in DEVICES_ACK, or in a login that was refused because there are too many."""
    return tuple(
        Device(
            id=read_id(item, "deviceid"),
            label=read_text(item, "label"),
            first=read_text(item, "first"),
            last=read_text(item, "last"),
            online=item.get("online") is True,
            this=item.get("this") is True,
        )
        for item in read_objects(answer, "devices")
    )


def read_device_notice(message: Message) -> DeviceNotice:
    """A DEVICE_NOTICE_MSG."""
    number, event = read_id(message, "deviceid"), read_text(message, "event")
    return DeviceNotice(event, number, read_text(message, "label"), read_text(message, "first"))
