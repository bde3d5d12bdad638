"""Parsing of groups, their members and bans, their changes and events. Pure."""

from __future__ import annotations

from typing import NamedTuple

from chat.protocol import MAX_ID, Message
from client.protocol.fields import read_id, read_object, read_objects, read_seq, read_text
from client.values import Ban, ChatMessage, Group, GroupNotice, Invitation, Member


class MemberPage(NamedTuple):
    """Some members of a group, by id. ``more``: there are members with higher ids."""

    members: tuple[Member, ...]
    more: bool


def read_group(item: Message) -> Group:
    """A group in LOGIN_MSG_ACK or ADD_GROUP_ACK."""
    group_id, name = read_id(item, "id"), read_text(item, "groupname")
    desc = read_text(item, "groupdesc")
    members = read_members(item)
    count = max(read_id(item, "members"), len(members))  # a server of 0.2.0 sends all members
    return Group(group_id, name, desc, members, count, read_text(item, "join") or "open")


def read_joined_group(ack: Message) -> Group:
    """The group in ADD_GROUP_ACK."""
    return read_group(read_object(ack, "group"))


def read_new_group(ack: Message) -> tuple[int, str]:
    """The id and the join mode in CREATE_GROUP_ACK."""
    return read_id(ack, "groupid"), read_text(ack, "join") or "open"


def read_changed_group(ack: Message) -> Group:
    """The group in CHANGE_GROUP_ACK, without its members."""
    name, desc = read_text(ack, "groupname"), read_text(ack, "groupdesc")
    return Group(read_id(ack, "groupid"), name, desc, (), 0, read_text(ack, "join") or "open")


def read_invitation(item: Message) -> Invitation:
    """An invitation in LOGIN_MSG_ACK."""
    group_id, by = read_id(item, "groupid"), read_id(item, "by")
    return Invitation(group_id, read_text(item, "groupname"), by, read_text(item, "byname"))


def read_members(item: Message) -> tuple[Member, ...]:
    """The ``users`` of a group or of MEMBERS_ACK."""
    return tuple(
        Member(
            read_id(user, "id"),
            read_text(user, "name"),
            read_text(user, "state"),
            read_text(user, "role"),
        )
        for user in read_objects(item, "users")
    )


def read_member_page(ack: Message) -> MemberPage:
    """A successful MEMBERS_ACK."""
    return MemberPage(read_members(ack), ack.get("more") is True)


def read_bans(ack: Message) -> tuple[tuple[Ban, ...], bool]:
    """The page of bans in BANS_ACK, and whether there are more."""
    bans = tuple(
        Ban(
            read_id(item, "userid"),
            read_text(item, "name"),
            read_text(item, "kind"),
            read_id(item, "by"),
            read_text(item, "time"),
            read_text(item, "reason"),
        )
        for item in read_objects(ack, "bans")
    )
    return bans, ack.get("more") is True


def read_group_notice(message: Message) -> GroupNotice | None:
    """A GROUP_NOTICE_MSG; None if it names no group."""
    notice = to_group_notice(message)
    return notice if 0 < notice.group_id <= MAX_ID else None


def to_group_notice(message: Message) -> GroupNotice:
    """The change of a group in GROUP_NOTICE_MSG or GROUP_EVENT_MSG."""
    return GroupNotice(
        event=read_text(message, "event"),
        group_id=read_id(message, "groupid"),
        user_id=read_id(message, "userid"),
        by_id=read_id(message, "by"),
        name=read_text(message, "name"),
        by_name=read_text(message, "byname"),
        role=read_text(message, "role"),
        group_name=read_text(message, "groupname"),
        group_desc=read_text(message, "groupdesc"),
        join=read_text(message, "join"),
        reason=read_text(message, "reason"),
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


def read_group_event(message: Message) -> ChatMessage:
    """A GROUP_EVENT_MSG, or the last line of a conversation that is one."""
    event = to_group_notice(message)
    text = _EVENT_TEXTS.get(event.event, event.event).format(
        name=event.name or event.user_id, role=event.role, group_name=event.group_name
    )
    return ChatMessage(
        sender_id=event.by_id,
        sender_name=event.by_name,
        time_text=read_text(message, "time"),
        text=text,
        group_id=event.group_id,
        seq=read_seq(message),
        event=event,
    )
