"""The fields of users, groups and members in answers."""

from __future__ import annotations

from chat.protocol import Message
from chat.storage.tables import Contact, Group, GroupUser


def contact_fields(contact: Contact) -> Message:
    return {"id": contact.id, "name": contact.name, "state": contact.state}


def group_fields(group: Group) -> Message:
    """``more``: there are members beyond ``users``, for MEMBERS_MSG."""
    return {
        "id": group.id,
        "groupname": group.name,
        "groupdesc": group.desc,
        "users": [member_fields(user) for user in group.users],
        "members": group.members,
        "more": len(group.users) < group.members,
    }


def member_fields(user: GroupUser) -> Message:
    return {"id": user.id, "name": user.name, "state": user.state, "role": user.role}
