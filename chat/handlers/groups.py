"""Handlers of groups and their members: worker thread. ``finish_…``: connection's loop."""

from __future__ import annotations

from typing import NamedTuple

from chat.handlers.answer_fields import group_fields, member_fields
from chat.handlers.context import Connection, Context, Request
from chat.message import Topic
from chat.names.name_hash import name_hashes
from chat.protocol import GROUP_CHAT, ErrNo, Message, ProtocolError, errors, normal_name
from chat.protocol.requests import (
    CreateGroupRequest,
    GroupRequest,
    MembersRequest,
    RemoveMemberRequest,
)
from chat.storage import Transaction, UniqueViolation
from chat.storage.tables import (
    CREATOR,
    GROUPS,
    NORMAL,
    Group,
    GroupModel,
    GroupUser,
    NameModel,
    UserModel,
)


class Joined(NamedTuple):
    """A user has joined a group, and this node has one more subscription to its topic."""

    user_id: int
    group_id: int
    answer: Message


def create_group(ctx: Context, request: Request[CreateGroupRequest]) -> Joined:
    """CREATE_GROUP_MSG: the creator is the first member."""
    given = request.message["groupname"]
    desc = request.message["groupdesc"]
    name = normal_name(given)
    hashes = name_hashes(name)

    def create(tx: Transaction) -> int:
        claimed = ctx.lookalikes.claim(tx, GROUPS, hashes)
        _check_groups(ctx, tx, request.user_id)
        group_id = GroupModel(tx).insert(name, desc, claimed)
        GroupModel(tx).add_member(group_id, request.user_id, CREATOR)
        return group_id

    try:
        group_id = ctx.database.write(create)
    except UniqueViolation as exc:
        exists = ctx.database.read(lambda tx: NameModel(tx, GROUPS).exists((given, name)))
        problem = errors.GROUP_EXISTS if exists else errors.GROUP_LOOKALIKE
        raise ProtocolError(ErrNo.EXISTS, problem) from exc
    ctx.bus.subscribe([_topic(group_id)])
    return Joined(request.user_id, group_id, {"groupid": group_id})


def join_group(ctx: Context, request: Request[GroupRequest]) -> Joined:
    """ADD_GROUP_MSG."""
    group_id = request.message["groupid"]
    # Before the commit, so that no wake is missed. Example: the commit makes A a member; meanwhile
    # B sends to the group; the wake of B's message must find a subscription.
    ctx.bus.subscribe([_topic(group_id)])

    def join(tx: Transaction) -> Group:
        # The user's row before the group's: the order of locks on all servers.
        UserModel(tx).generations([request.user_id], lock=True)
        _change(tx, group_id)
        if GroupModel(tx).membership(group_id, request.user_id) is None:
            _check_groups(ctx, tx, request.user_id)
            _check_members(ctx, tx, group_id)
        GroupModel(tx).add_member(group_id, request.user_id, NORMAL)
        return _existing(tx, group_id, ctx.limits.members)

    try:
        group = ctx.database.write(join)
    except UniqueViolation as exc:
        # It may be a retry: the first request was committed, and its answer was lost.
        _begin_to_listen(ctx, request.user_id, group_id)
        group = ctx.database.read(lambda tx: _existing(tx, group_id, ctx.limits.members))
        raise ProtocolError(ErrNo.EXISTS, "is a member already", group=group_fields(group)) from exc
    except BaseException:
        ctx.bus.unsubscribe([_topic(group_id)])
        raise
    ctx.delivery.members_changed(group_id)
    return Joined(request.user_id, group_id, {"group": group_fields(group)})


def finish_joining(
    ctx: Context, connection: Connection, message: GroupRequest | CreateGroupRequest, joined: Joined
) -> Message:
    """The answer to CREATE_GROUP_MSG and ADD_GROUP_MSG."""
    _begin_to_listen(ctx, joined.user_id, joined.group_id)
    return joined.answer


def abandon_joining(ctx: Context, connection: Connection, joined: Joined) -> None:
    """The connection went down meanwhile; a later login of the user may be here."""
    _begin_to_listen(ctx, joined.user_id, joined.group_id)


def members(ctx: Context, request: Request[MembersRequest]) -> Message:
    """MEMBERS_MSG: a page of the members of a group to which the sender belongs."""
    message = request.message
    group_id = message["groupid"]
    limit = message.get("limit") or ctx.limits.members

    def look(tx: Transaction) -> list[GroupUser]:
        _role(tx, group_id, request.user_id)
        return GroupModel(tx).members(group_id, message.get("after") or 0, limit + 1)

    users = ctx.database.read(look)
    return {
        "groupid": group_id,
        "users": [member_fields(user) for user in users[:limit]],
        "more": len(users) > limit,
    }


def leave_group(ctx: Context, request: Request[GroupRequest]) -> Message:
    """LEAVE_GROUP_MSG. The oldest member succeeds a creator; without members the group ends."""
    group_id = request.message["groupid"]

    def leave(tx: Transaction) -> None:
        model = GroupModel(tx)
        _change(tx, group_id)
        role = _role(tx, group_id, request.user_id)
        model.remove_member(group_id, request.user_id)
        if role == CREATOR and not model.promote_oldest(group_id):
            model.delete(group_id)

    ctx.database.write(leave)
    ctx.delivery.members_changed(group_id)
    return {"groupid": group_id}


def remove_member(ctx: Context, request: Request[RemoveMemberRequest]) -> Message:
    """REMOVE_MEMBER_MSG: the creator removes a member."""
    group_id = request.message["groupid"]
    user_id = request.message["userid"]
    if user_id == request.user_id:
        raise ProtocolError(ErrNo.BAD_REQUEST, "userid: is your own; leave the group instead")

    def remove(tx: Transaction) -> None:
        _change(tx, group_id)
        _must_be_creator(tx, group_id, request.user_id)
        if not GroupModel(tx).remove_member(group_id, user_id):
            raise ProtocolError(ErrNo.NOT_FOUND, "no such member")

    ctx.database.write(remove)
    ctx.delivery.members_changed(group_id)
    return {"groupid": group_id, "userid": user_id}


def dissolve_group(ctx: Context, request: Request[GroupRequest]) -> Message:
    """DISSOLVE_GROUP_MSG: the creator ends the group."""
    group_id = request.message["groupid"]

    def dissolve(tx: Transaction) -> None:
        _change(tx, group_id)
        _must_be_creator(tx, group_id, request.user_id)
        GroupModel(tx).delete(group_id)

    ctx.database.write(dissolve)
    ctx.delivery.members_changed(group_id)
    return {"groupid": group_id}


def finish_leave_group(
    ctx: Context, connection: Connection, message: GroupRequest, ack: Message
) -> Message:
    """The answer to LEAVE_GROUP_MSG and DISSOLVE_GROUP_MSG.

    Other members of a dissolved group stay registered. No message to it comes any more.
    """
    assert connection.login is not None
    if ctx.logins.leave(connection.login, ack["groupid"]):
        ctx.bus.unsubscribe([_topic(ack["groupid"])])
    return ack


def _begin_to_listen(ctx: Context, user_id: int, group_id: int) -> None:
    """Give the subscription to the user's login, which may be a later one by now. Any thread."""
    login = ctx.logins.find(user_id)
    if login is None or not ctx.logins.join(login, group_id):
        ctx.bus.unsubscribe([_topic(group_id)])  # the login has one, or is over
    if login is not None:
        # A message that was committed between the membership and ``join`` has woken no pump.
        login.loop.run_in_loop(login.pump.mark_dirty)


def _change(tx: Transaction, group_id: int) -> None:
    """Lock the group until the commit: no other change of its members, and no message to it.

    Raises ProtocolError(NOT_FOUND).
    """
    if not GroupModel(tx).change(group_id):
        raise ProtocolError(ErrNo.NOT_FOUND, "no such group")


def _check_groups(ctx: Context, tx: Transaction, user_id: int) -> None:
    """Lock the user, and refuse one group too many. Raises ProtocolError(REFUSED).

    Example: a user with one group left joins two at two servers at once. The second transaction
    waits for the user's row, and then counts the first one's group, too.
    """
    UserModel(tx).generations([user_id], lock=True)
    if GroupModel(tx).count_groups(user_id) >= ctx.limits.groups:
        most = ctx.limits.groups
        raise ProtocolError(ErrNo.REFUSED, f"you are in {most} groups: leave one first")


def _check_members(ctx: Context, tx: Transaction, group_id: int) -> None:
    """Refuse one member too many; the group is locked. Raises ProtocolError(REFUSED)."""
    if GroupModel(tx).count_members(group_id) >= ctx.limits.group_members:
        raise ProtocolError(ErrNo.REFUSED, f"the group is full: {ctx.limits.group_members} members")


def _existing(tx: Transaction, group_id: int, users: int) -> Group:
    """A group with its first members, at most ``users``. Raises ProtocolError(NOT_FOUND)."""
    group = GroupModel(tx).find(group_id, users)
    if group is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such group")
    return group


def _role(tx: Transaction, group_id: int, user_id: int) -> str:
    """The role of a user in a group. Raises ProtocolError(NOT_FOUND or NOT_A_MEMBER)."""
    membership = GroupModel(tx).membership(group_id, user_id)
    if membership is None:
        if not GroupModel(tx).exists(group_id):
            raise ProtocolError(ErrNo.NOT_FOUND, "no such group")
        raise ProtocolError(ErrNo.NOT_A_MEMBER, "not a member of that group")
    return membership.role


def _must_be_creator(tx: Transaction, group_id: int, user_id: int) -> None:
    if _role(tx, group_id, user_id) != CREATOR:
        raise ProtocolError(ErrNo.REFUSED, "only the group's creator may do that")


def _topic(group_id: int) -> Topic:
    return (GROUP_CHAT, group_id)
