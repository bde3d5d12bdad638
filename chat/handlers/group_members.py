"""Handlers of joining, inviting and leaving: worker thread. ``finish_…``: connection's loop."""

from __future__ import annotations

from typing import NamedTuple

from chat.delivery.group_events import GroupChange, Recorded
from chat.group_notice import INVITED, JOINED, LEFT, ROLE
from chat.handlers.answer_fields import group_fields
from chat.handlers.context import Connection, Context, Request
from chat.handlers.current_login import hold_login
from chat.handlers.group_access import (
    end_invitations,
    existing,
    head,
    lock,
    membership,
    must_manage,
    other_user,
)
from chat.login.login_limits import too_many
from chat.message import Topic
from chat.protocol import GROUP_CHAT, ErrNo, Message, ProtocolError, errors
from chat.protocol.requests import (
    CreateGroupRequest,
    GroupRequest,
    JoinGroupRequest,
    MemberRequest,
)
from chat.storage import Transaction
from chat.storage.tables import (
    BANNED,
    CREATOR,
    NORMAL,
    OPEN,
    Group,
    GroupBanModel,
    GroupInviteModel,
    GroupModel,
    JoinRule,
)

FULL_SECONDS = 3600
"""The pause before another attempt to invite, when too many invitations wait."""

ANNOUNCED_MEMBERS = 100
"""In a larger group no member is told of each user that comes or goes: a burst of 500 joins would
be 500 notices to each of 500 members."""

INVITE_BANNED = "is banned from the group: lift the ban first"
YOU_ARE_BANNED = "you are banned from this group"


class Joined(NamedTuple):
    """A user has joined a group, and this node has one more subscription to its topic.

    ``recorded``: the event. It is announced after the answer, which has the whole group.
    """

    user_id: int
    group_id: int
    answer: Message
    recorded: list[Recorded]


# ---------------------------------------------------------------------- joining


def join_group(ctx: Context, request: Request[JoinGroupRequest]) -> Joined:
    """ADD_GROUP_MSG. It uses up an invitation, and the mark of a former removal."""
    group_id, password = request.message["groupid"], request.message.get("password")
    proven = None if password is None else _proven_hash(ctx, request, password)
    now = ctx.clock.unix()
    # Before the commit, so that no wake is missed. Example: the commit makes A a member; meanwhile
    # B sends to the group; the wake of B's message must find a subscription.
    ctx.bus.subscribe([topic_of(group_id)])

    def shown(tx: Transaction) -> Group:
        group = existing(tx, group_id, ctx.limits.members)
        return ctx.visibility.groups(tx, request.user_id, [group])[0]

    def join(tx: Transaction) -> tuple[Group, list[Recorded] | None]:
        """The group, and the event; None: the user is a member already."""
        hold_login(tx, request)
        lock(tx, group_id, errors.CANNOT_JOIN)
        if GroupModel(tx).membership(group_id, request.user_id) is not None:
            return shown(tx), None
        _admit(tx, group_id, request.user_id, proven, now)
        check_groups(ctx, tx, request.user_id)
        _check_members(ctx, tx, group_id)
        GroupModel(tx).add_member(group_id, request.user_id, NORMAL)
        fields = {"groupname": head(tx, group_id).name}
        joined = GroupChange(group_id, JOINED, request.user_id, request.user_id, fields=fields)
        return shown(tx), ctx.delivery.group_events.record(tx, joined)

    try:
        group, recorded = ctx.database.write(join)
    except BaseException:
        ctx.bus.unsubscribe([topic_of(group_id)])
        raise
    fields = {"group": group_fields(group)}
    if recorded is None:
        # Example: the first request was committed, its answer was lost, and the client repeats it.
        ctx.delivery.group_notices.begin_to_listen(request.user_id, group_id)
        raise ProtocolError(ErrNo.EXISTS, "is a member already", **fields)
    ctx.delivery.members_changed(group_id)
    if group.members <= ANNOUNCED_MEMBERS:
        _tell(ctx, request, JOINED, request.user_id, name=request.name)
    return Joined(request.user_id, group_id, fields, recorded)


def _proven_hash(ctx: Context, request: Request[JoinGroupRequest], password: str) -> str | None:
    """The hash of the group's password, if this is the password; else None.

    It takes as long for an id without a group. Raises ProtocolError(TOO_MANY) after too many wrong
    passwords.
    """
    user_id, group_id = request.user_id, request.message["groupid"]
    rule = ctx.database.read(lambda tx: GroupModel(tx).join_rule(group_id))
    if rule is not None and rule.mode == OPEN:
        return None
    failures = ctx.login_limits.groups
    wait = failures.retry_after(request.peer, user_id, group_id, ctx.clock.monotonic())
    if wait:
        raise too_many("too many wrong passwords: try again later, or ask for an invitation", wait)
    stored = None if rule is None else rule.hash
    if ctx.passwords.verify(stored, password):
        failures.succeeded(user_id, group_id)
        return stored
    failures.failed(request.peer, user_id, group_id, ctx.clock.monotonic())
    return None


def _admit(tx: Transaction, group_id: int, user_id: int, proven: str | None, now: int) -> None:
    """Use up the user's invitation and removal.

    ``proven``: the hash of the password that the user knows. Raises ProtocolError if the user may
    not join: with one answer for all groups that are not open, and for ids without a group.
    """
    rule = GroupModel(tx).join_rule(group_id)
    assert rule is not None  # the group is locked
    ban = GroupBanModel(tx).kind(group_id, user_id)
    invited = GroupInviteModel(tx).exists(group_id, user_id, now)
    if not _may_join(rule, ban, invited, proven):
        if rule.mode == OPEN:
            raise ProtocolError(ErrNo.REFUSED, YOU_ARE_BANNED)
        raise ProtocolError(ErrNo.NOT_FOUND, errors.CANNOT_JOIN)
    GroupInviteModel(tx).delete(group_id, user_id)
    GroupBanModel(tx).delete(group_id, user_id)


def _may_join(rule: JoinRule, ban: str | None, invited: bool, proven: str | None) -> bool:
    if ban == BANNED:
        return False
    if rule.mode == OPEN or invited:
        return True
    # The password may have been changed since it was verified. A removed user may know it still.
    return ban is None and proven is not None and proven == rule.hash


def check_groups(ctx: Context, tx: Transaction, user_id: int) -> None:
    """Refuse one group too many; the user's row is locked. Raises ProtocolError(REFUSED).

    Example: a user with one group left joins two at two servers at once. The second transaction
    waits for the user's row, and then counts the first one's group, too.
    """
    if GroupModel(tx).count_groups(user_id) >= ctx.limits.groups:
        most = ctx.limits.groups
        raise ProtocolError(ErrNo.REFUSED, f"you are in {most} groups: leave one first")


def _check_members(ctx: Context, tx: Transaction, group_id: int) -> None:
    """Refuse one member too many; the group is locked. Raises ProtocolError(REFUSED)."""
    if GroupModel(tx).count_members(group_id) >= ctx.limits.group_members:
        raise ProtocolError(ErrNo.REFUSED, f"the group is full: {ctx.limits.group_members} members")


def finish_joining(
    ctx: Context,
    connection: Connection,
    message: JoinGroupRequest | CreateGroupRequest,
    joined: Joined,
) -> Message:
    """The answer to CREATE_GROUP_MSG and ADD_GROUP_MSG."""
    abandon_joining(ctx, connection, joined)
    return joined.answer


def abandon_joining(ctx: Context, connection: Connection, joined: Joined) -> None:
    """The connection went down meanwhile; other devices of the user may be here or elsewhere."""
    ctx.delivery.group_notices.begin_to_listen(joined.user_id, joined.group_id)
    ctx.delivery.group_notices.tell_devices(joined.user_id, joined.group_id)
    ctx.delivery.group_events.announce(joined.recorded)


# ---------------------------------------------------------------------- inviting


def invite(ctx: Context, request: Request[MemberRequest]) -> Message:
    """INVITE_MSG: by a member of an open group, or by the creator or an administrator.

    The answer does not tell whether the invited user has blocked the sender, or sees the
    invitation.
    """
    group_id, user_id = request.message["groupid"], request.message["userid"]
    if user_id == request.user_id:
        raise ProtocolError(ErrNo.BAD_REQUEST, "userid: is your own")
    now = ctx.clock.unix()

    def put(tx: Transaction) -> tuple[Group, bool]:
        hold_login(tx, request)
        lock(tx, group_id)
        membership(tx, group_id, request.user_id)
        group = head(tx, group_id)
        if group.join != OPEN:
            must_manage(tx, group_id, request.user_id)
        other_user(tx, user_id)
        if GroupModel(tx).membership(group_id, user_id) is not None:
            raise ProtocolError(ErrNo.EXISTS, "is a member already")
        if GroupBanModel(tx).kind(group_id, user_id) == BANNED:
            raise ProtocolError(ErrNo.REFUSED, INVITE_BANNED)
        return group, _put_invitation(ctx, tx, group_id, user_id, request.user_id, now)

    group, is_new = ctx.database.write(put)
    if is_new and not ctx.ask_notices.take((INVITED, group_id, user_id), ctx.clock.monotonic()):
        _tell(ctx, request, INVITED, user_id, groupname=group.name, byname=request.name)
    return {"groupid": group_id, "userid": user_id}


def _put_invitation(
    ctx: Context, tx: Transaction, group_id: int, user_id: int, by: int, now: int
) -> bool:
    """Store an invitation; returns whether its receiver sees a new one.

    Raises ProtocolError(TOO_MANY).

    An invitation that waits is renewed, but not by a member that the receiver has blocked: it would
    hide the invitation of another member.
    """
    model = GroupInviteModel(tx)
    blocked = model.is_blocked(user_id, by)
    if model.exists(group_id, user_id, now):
        is_new = not blocked and not model.is_shown(group_id, user_id, now)
        if not blocked:
            model.put(group_id, user_id, by, now)
        return is_new
    model.delete_expired(by, now)
    if model.sent(by) >= ctx.limits.invitations_sent:
        problem = "too many of your invitations wait for an answer"
        raise ProtocolError(ErrNo.TOO_MANY, problem, retry_after=FULL_SECONDS)
    if model.received(user_id, now) >= ctx.limits.invitations_received:
        problem = "this user has too many invitations"
        raise ProtocolError(ErrNo.TOO_MANY, problem, retry_after=FULL_SECONDS)
    model.put(group_id, user_id, by, now)
    return not blocked


# ---------------------------------------------------------------------- leaving


def leave_group(ctx: Context, request: Request[GroupRequest]) -> Message:
    """LEAVE_GROUP_MSG. The oldest administrator succeeds a creator, else the oldest member.

    Without members the group ends.
    """
    group_id = request.message["groupid"]

    def go(tx: Transaction) -> tuple[Left, list[Recorded]]:
        hold_login(tx, request)
        left = leave(tx, group_id, request.user_id)
        return left, record_left(ctx, tx, [left], request.user_id, request.name)

    left, recorded = ctx.database.write(go)
    tell_left(ctx, left, request.user_id, request.name)
    ctx.delivery.group_events.announce(recorded)
    return {"groupid": group_id}


class Left(NamedTuple):
    """A member has left a group: the new creator, if there is one, and the members that stay."""

    group_id: int
    successor: int | None
    size: int


def leave(tx: Transaction, group_id: int, user_id: int) -> Left:
    """Take a member out of a group. Raises ProtocolError(NOT_FOUND or NOT_A_MEMBER)."""
    model = GroupModel(tx)
    lock(tx, group_id)
    role = membership(tx, group_id, user_id).role
    model.remove_member(group_id, user_id)
    successor = model.promote_oldest(group_id) if role == CREATOR else None
    size = model.count_members(group_id)
    if not size:
        model.delete(group_id)
    elif role != NORMAL:
        end_invitations(tx, group_id)
    return Left(group_id, successor, size)


def record_left(
    ctx: Context, tx: Transaction, lefts: list[Left], user_id: int, name: str
) -> list[Recorded]:
    """The events of these leavings. Call it after the last group is locked: that is the order.

    ``name``: of the user, whose account may be deleted in this transaction.
    """
    changes = []
    for group_id, successor, _ in lefts:
        fields = {"name": name, "byname": name}
        changes.append(GroupChange(group_id, LEFT, user_id, user_id, (user_id,), fields))
        if successor is not None:
            role = {"role": CREATOR, "byname": name}
            changes.append(GroupChange(group_id, ROLE, successor, user_id, (), role))
    return ctx.delivery.group_events.record(tx, *changes)


def tell_left(ctx: Context, left: Left, user_id: int, name: str) -> None:
    """After the commit of ``leave``. ``name``: of the user that has left. Worker thread."""
    ctx.delivery.members_changed(left.group_id, user_id)
    notices = ctx.delivery.group_notices
    if left.size <= ANNOUNCED_MEMBERS:
        notices.tell(left.group_id, LEFT, user_id, user_id, name=name)
    if left.successor is not None:
        notices.tell(left.group_id, ROLE, left.successor, user_id, role=CREATOR)


def finish_leave_group(
    ctx: Context, connection: Connection, message: GroupRequest, ack: Message
) -> Message:
    """The answer to LEAVE_GROUP_MSG."""
    assert connection.login is not None
    if ctx.logins.leave(connection.login, ack["groupid"]):
        ctx.bus.unsubscribe([topic_of(ack["groupid"])])
    return ack


def topic_of(group_id: int) -> Topic:
    return (GROUP_CHAT, group_id)


def _tell(
    ctx: Context,
    request: Request[JoinGroupRequest] | Request[GroupRequest] | Request[MemberRequest],
    event: str,
    user_id: int,
    **fields: str,
) -> None:
    group_id = request.message["groupid"]
    ctx.delivery.group_notices.tell(group_id, event, user_id, request.user_id, **fields)
