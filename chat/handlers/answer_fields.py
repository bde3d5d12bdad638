"""The fields of users, groups and members in answers."""

from __future__ import annotations

from chat.login.conversation_list import Listed
from chat.mailbox_number import device_of
from chat.process.clock import utc_text
from chat.protocol import Message
from chat.storage.tables import (
    LAST_CHARACTERS,
    OPEN,
    Contact,
    Device,
    FriendRequestRow,
    Group,
    GroupInvitation,
    GroupUser,
    partner_of,
)


def contact_fields(contact: Contact) -> Message:
    return {"id": contact.id, "name": contact.name, "state": contact.state}


def friend_request_fields(row: FriendRequestRow) -> Message:
    return {"id": row.id, "name": row.name, "time": utc_text(row.time)}


def device_fields(device: Device, *, this: bool) -> Message:
    """``this``: it is the reader's."""
    return {
        "deviceid": device_of(device.mailbox),
        "label": device.label,
        "first": utc_text(device.first),
        "last": utc_text(device.used),
        "online": device.node is not None,
        "this": this,
    }


def group_fields(group: Group) -> Message:
    """``more``: there are members beyond ``users``, for MEMBERS_MSG."""
    fields: Message = {"id": group.id, "groupname": group.name, "groupdesc": group.desc}
    if group.join != OPEN:
        fields["join"] = group.join
    return {
        **fields,
        "users": [member_fields(user) for user in group.users],
        "members": group.members,
        "more": len(group.users) < group.members,
    }


def invitation_fields(invitation: GroupInvitation) -> Message:
    return {
        "groupid": invitation.group_id,
        "groupname": invitation.group_name,
        "by": invitation.by,
        "byname": invitation.by_name,
    }


def member_fields(user: GroupUser) -> Message:
    return {"id": user.id, "name": user.name, "state": user.state, "role": user.role}


def conversation_fields(reader: str, listed: Listed) -> Message:
    """A conversation in a list. ``other_read`` is absent if the user may not see it.

    ``reader``: the name of the user that gets the list.
    """
    row, unread, event = listed
    last: Message
    if event is not None:
        last = event.fields(v2=True)
        del last["msgid"], last["groupid"]
    else:
        text = row.text[:LAST_CHARACTERS]
        name = row.sender_name or ""
        if row.partner:
            name = row.name or "" if row.sender == row.partner else reader
        last = {"seq": row.seq, "id": row.sender, "name": name, "msg": text, "time": row.time}
        if len(text) < len(row.text):
            last["cut"] = True
    fields: Message
    if row.partner:
        fields = {"with": row.partner, "name": row.name}
    else:
        fields = {"groupid": -row.conversation, "groupname": row.name}
    fields["last"], fields["read"], fields["unread"] = last, row.mark, unread.number
    if unread.more:
        fields["unread_more"] = True
    if row.other_mark is not None:
        fields["other_read"] = row.other_mark
    if row.muted:
        fields["muted"] = True
    return fields


def place_fields(user_id: int, conversation: int) -> Message:
    """A conversation by its number: the group, or the other user."""
    if conversation < 0:
        return {"groupid": -conversation}
    return {"with": partner_of(conversation, user_id)}
