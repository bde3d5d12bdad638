"""The fields of users, groups and members in answers."""

from __future__ import annotations

from chat.process.clock import utc_text
from chat.protocol import Message
from chat.storage.tables import OPEN, Contact, FriendRequestRow, Group, GroupInvitation, GroupUser


def contact_fields(contact: Contact) -> Message:
    return {"id": contact.id, "name": contact.name, "state": contact.state}


def friend_request_fields(row: FriendRequestRow) -> Message:
    return {"id": row.id, "name": row.name, "time": utc_text(row.time)}


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
