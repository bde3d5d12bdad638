"""The rights of members, and what other users learn of a group: nothing, unless it is open.

All functions run within a transaction, in a worker thread. They raise ProtocolError.
"""

from __future__ import annotations

from chat.protocol import ErrNo, ProtocolError, errors
from chat.storage import Transaction
from chat.storage.tables import (
    ADMIN,
    CREATOR,
    NORMAL,
    OPEN,
    Contact,
    DeviceModel,
    Group,
    GroupInviteModel,
    GroupModel,
    Membership,
    UserModel,
)

CREATOR_ONLY = "only the group's creator may do that"
MANAGERS_ONLY = "only the group's creator and administrators may do that"
NORMAL_ONLY = "administrators may do that to normal members only"

MANAGERS = (CREATOR, ADMIN)


def lock(tx: Transaction, group_id: int, problem: str = errors.NO_GROUP) -> None:
    """Lock the group until the commit: no other change of its members, and no message to it.

    It holds the devices of the users, too, for the event of the change.

    Raises NOT_FOUND with this text.
    """
    DeviceModel(tx).hold_shared()
    if not GroupModel(tx).change(group_id):
        raise ProtocolError(ErrNo.NOT_FOUND, problem)


def head(tx: Transaction, group_id: int) -> Group:
    """The group without its members. Raises NOT_FOUND."""
    group = GroupModel(tx).head(group_id)
    if group is None:
        raise ProtocolError(ErrNo.NOT_FOUND, errors.NO_GROUP)
    return group


def existing(tx: Transaction, group_id: int, users: int) -> Group:
    """The group with its first members, at most ``users``. Raises NOT_FOUND."""
    group = GroupModel(tx).find(group_id, users)
    if group is None:
        raise ProtocolError(ErrNo.NOT_FOUND, errors.NO_GROUP)
    return group


def membership(tx: Transaction, group_id: int, user_id: int) -> Membership:
    """The user's place in the group. Raises ``not_a_member``."""
    found = GroupModel(tx).membership(group_id, user_id)
    if found is None:
        raise not_a_member(tx, group_id)
    return found


def not_a_member(tx: Transaction, group_id: int) -> ProtocolError:
    """The refusal of a user that is in no such group.

    NOT_A_MEMBER, if the group is open: each user can see that it exists, by joining it. NOT_FOUND
    for all other ids, so that closed groups cannot be told from ids without a group.
    """
    rule = GroupModel(tx).join_rule(group_id)
    if rule is not None and rule.mode == OPEN:
        return ProtocolError(ErrNo.NOT_A_MEMBER, errors.NOT_A_MEMBER)
    return ProtocolError(ErrNo.NOT_FOUND, errors.NO_GROUP)


def must_be_creator(tx: Transaction, group_id: int, user_id: int) -> None:
    """Raises REFUSED, or the error of ``membership``."""
    if membership(tx, group_id, user_id).role != CREATOR:
        raise ProtocolError(ErrNo.REFUSED, CREATOR_ONLY)


def must_manage(tx: Transaction, group_id: int, user_id: int) -> str:
    """The role of the creator or of an administrator.

    Raises REFUSED, or the error of ``membership``.
    """
    role = membership(tx, group_id, user_id).role
    if role not in MANAGERS:
        raise ProtocolError(ErrNo.REFUSED, MANAGERS_ONLY)
    return role


def must_outrank(role: str, other: Membership) -> None:
    """The creator may act on every member, an administrator on normal ones. Raises REFUSED."""
    if role != CREATOR and other.role != NORMAL:
        raise ProtocolError(ErrNo.REFUSED, NORMAL_ONLY)


def other_member(tx: Transaction, group_id: int, user_id: int) -> Membership:
    """The place of the member that a request is about. Raises NOT_FOUND."""
    found = GroupModel(tx).membership(group_id, user_id)
    if found is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such member")
    return found


def other_user(tx: Transaction, user_id: int) -> Contact:
    """The user that a request is about. Raises NOT_FOUND."""
    contact = UserModel(tx).contact(user_id)
    if contact is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
    return contact


def end_invitations(tx: Transaction, group_id: int) -> None:
    """A member may have lost the right to invite: the invitations of that member end.

    Example: an administrator invites an account of its own to a closed group, and is banned. With
    the invitation the banned user would be back. An open group needs no invitations.
    """
    if head(tx, group_id).join != OPEN:
        GroupInviteModel(tx).delete_of_normal(group_id)
