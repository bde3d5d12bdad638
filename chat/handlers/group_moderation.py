"""Handlers of roles, removals and bans. All: worker thread."""

from __future__ import annotations

from chat import group_notice
from chat.delivery.group_events import GroupChange, Recorded
from chat.handlers.context import Context, Request
from chat.handlers.current_login import hold_login
from chat.handlers.group_access import (
    end_invitations,
    head,
    lock,
    must_be_creator,
    must_manage,
    must_outrank,
    other_member,
    other_user,
)
from chat.process.clock import utc_text
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import (
    BanMemberRequest,
    BansRequest,
    MemberRequest,
    SetRoleRequest,
)
from chat.storage import Transaction
from chat.storage.tables import (
    ADMIN,
    BANNED,
    CREATOR,
    REMOVED,
    GroupBan,
    GroupBanModel,
    GroupInviteModel,
    GroupModel,
)

BANS_PAGE = 100
"""Bans in one answer."""


def set_role(ctx: Context, request: Request[SetRoleRequest]) -> Message:
    """SET_ROLE_MSG: the creator makes a member an administrator, a normal member or the creator.

    A former creator becomes an administrator.
    """
    group_id, user_id = request.message["groupid"], request.message["userid"]
    role, me = request.message["role"], request.user_id
    _must_be_other(me, user_id)

    def change(tx: Transaction) -> list[Recorded]:
        hold_login(tx, request)
        lock(tx, group_id)
        must_be_creator(tx, group_id, me)
        former = other_member(tx, group_id, user_id).role
        GroupModel(tx).set_role(group_id, user_id, role)
        changes = []
        if role != former:
            word = group_notice.ROLE
            changes = [GroupChange(group_id, word, user_id, me, fields={"role": role})]
        if role == CREATOR:
            GroupModel(tx).set_role(group_id, me, ADMIN)
            changes.append(GroupChange(group_id, word, me, me, fields={"role": ADMIN}))
        end_invitations(tx, group_id)
        return ctx.delivery.group_events.record(tx, *changes)

    recorded = ctx.database.write(change)
    tell = ctx.delivery.group_notices.tell
    tell(group_id, group_notice.ROLE, user_id, me, role=role)
    if role == CREATOR:
        tell(group_id, group_notice.ROLE, me, me, role=ADMIN)
    ctx.delivery.group_events.announce(recorded)
    return {"groupid": group_id, "userid": user_id, "role": role}


def remove_member(ctx: Context, request: Request[MemberRequest]) -> Message:
    """REMOVE_MEMBER_MSG: the creator or an administrator removes a member.

    The user joins the group again if it is open, or after a new invitation.
    """
    group_id, user_id = request.message["groupid"], request.message["userid"]
    me, now = request.user_id, ctx.clock.unix()
    if user_id == me:
        raise ProtocolError(ErrNo.BAD_REQUEST, "userid: is your own; leave the group instead")

    def remove(tx: Transaction) -> tuple[str, list[Recorded]]:
        hold_login(tx, request)
        lock(tx, group_id)
        role = must_manage(tx, group_id, me)
        must_outrank(role, other_member(tx, group_id, user_id))
        GroupModel(tx).remove_member(group_id, user_id)
        GroupInviteModel(tx).delete(group_id, user_id)
        GroupBanModel(tx).put(group_id, user_id, REMOVED, me, now)
        end_invitations(tx, group_id)
        recorded = _record_end(ctx, tx, request, group_notice.REMOVED)
        return other_user(tx, user_id).name, recorded

    name, recorded = ctx.database.write(remove)
    _tell_end(ctx, request, group_notice.REMOVED, name=name)
    ctx.delivery.group_events.announce(recorded)
    return {"groupid": group_id, "userid": user_id}


def ban_member(ctx: Context, request: Request[BanMemberRequest]) -> Message:
    """BAN_MEMBER_MSG: the creator or an administrator bans a user, who may be no member."""
    group_id, user_id = request.message["groupid"], request.message["userid"]
    me, now, reason = request.user_id, ctx.clock.unix(), request.message.get("reason", "")
    _must_be_other(me, user_id)

    def ban(tx: Transaction) -> tuple[str, bool, list[Recorded]]:
        model = GroupModel(tx)
        hold_login(tx, request)
        lock(tx, group_id)
        role = must_manage(tx, group_id, me)
        name = other_user(tx, user_id).name
        member = model.membership(group_id, user_id)
        if member is not None:
            must_outrank(role, member)
            model.remove_member(group_id, user_id)
        bans = GroupBanModel(tx)
        is_new = bans.kind(group_id, user_id) != BANNED
        if is_new and bans.count(group_id) >= ctx.limits.group_bans:
            raise ProtocolError(ErrNo.REFUSED, "too many bans in this group: lift some first")
        GroupInviteModel(tx).delete(group_id, user_id)
        bans.put(group_id, user_id, BANNED, me, now, reason)
        end_invitations(tx, group_id)
        recorded = []
        if member is not None:
            recorded = _record_end(ctx, tx, request, group_notice.BANNED, reason=reason)
        return name, member is not None, recorded

    name, was_member, recorded = ctx.database.write(ban)
    if was_member:
        _tell_end(ctx, request, group_notice.BANNED, name=name, reason=reason)
    ctx.delivery.group_events.announce(recorded)
    return {"groupid": group_id, "userid": user_id}


def unban_member(ctx: Context, request: Request[MemberRequest]) -> Message:
    """UNBAN_MEMBER_MSG: the creator or an administrator lifts a ban or forgives a removal."""
    group_id, user_id = request.message["groupid"], request.message["userid"]

    def lift(tx: Transaction) -> None:
        hold_login(tx, request)
        lock(tx, group_id)
        must_manage(tx, group_id, request.user_id)
        if not GroupBanModel(tx).delete(group_id, user_id):
            raise ProtocolError(ErrNo.NOT_FOUND, "is not banned")

    ctx.database.write(lift)
    return {"groupid": group_id, "userid": user_id}


def bans(ctx: Context, request: Request[BansRequest]) -> Message:
    """BANS_MSG: a page of the bans and removals, for the creator and administrators."""
    group_id, after = request.message["groupid"], request.message.get("after", 0)

    def look(tx: Transaction) -> list[GroupBan]:
        must_manage(tx, group_id, request.user_id)
        return GroupBanModel(tx).after(group_id, after, BANS_PAGE + 1)

    rows = ctx.database.read(look)
    return {
        "groupid": group_id,
        "bans": [_ban_fields(ban) for ban in rows[:BANS_PAGE]],
        "more": len(rows) > BANS_PAGE,
    }


def _ban_fields(ban: GroupBan) -> Message:
    return {
        "userid": ban.user_id,
        "name": ban.name,
        "kind": ban.kind,
        "by": ban.by,
        "time": utc_text(ban.time),
        "reason": ban.reason,
    }


def _must_be_other(me: int, user_id: int) -> None:
    if user_id == me:
        raise ProtocolError(ErrNo.BAD_REQUEST, "userid: is your own")


def _record_end(
    ctx: Context,
    tx: Transaction,
    request: Request[MemberRequest] | Request[BanMemberRequest],
    event: str,
    **fields: str,
) -> list[Recorded]:
    """The event of a removal or a ban. That user gets it, too."""
    group_id, user_id = request.message["groupid"], request.message["userid"]
    group = head(tx, group_id)
    change = GroupChange(
        group_id,
        event,
        user_id,
        request.user_id,
        former=(user_id,),
        fields={"groupname": group.name, **fields},
    )
    return ctx.delivery.group_events.record(tx, change)


def _tell_end(
    ctx: Context,
    request: Request[MemberRequest] | Request[BanMemberRequest],
    event: str,
    **fields: str,
) -> None:
    """A member is out of the group: tell the servers, then the clients."""
    group_id, user_id = request.message["groupid"], request.message["userid"]
    ctx.delivery.members_changed(group_id)
    ctx.delivery.group_notices.tell(
        group_id, event, user_id, request.user_id, byname=request.name, **fields
    )
