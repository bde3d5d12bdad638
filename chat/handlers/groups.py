"""Handlers that create, change, list and end groups. All: worker thread."""

from __future__ import annotations

from chat.delivery.group_events import GroupChange, Recorded
from chat.group_notice import CHANGED, CREATED, DISSOLVED, RENAMED
from chat.handlers.answer_fields import member_fields
from chat.handlers.context import Context, Request
from chat.handlers.current_login import hold_login
from chat.handlers.group_access import (
    head,
    lock,
    membership,
    must_be_creator,
    must_manage,
)
from chat.handlers.group_members import Joined, check_groups, topic_of
from chat.login.common_passwords import is_common
from chat.names.name_hash import name_hashes
from chat.protocol import ErrNo, Message, ProtocolError, errors, normal_name
from chat.protocol.requests import (
    ChangeGroupRequest,
    CreateGroupRequest,
    GroupRequest,
    MembersRequest,
)
from chat.storage import Transaction, UniqueViolation
from chat.storage.tables import (
    CREATOR,
    GROUPS,
    OPEN,
    PASSWORD,
    DeviceModel,
    Group,
    GroupInviteModel,
    GroupModel,
    GroupUser,
    JoinRule,
    NameModel,
)


def create_group(ctx: Context, request: Request[CreateGroupRequest]) -> Joined:
    """CREATE_GROUP_MSG: the creator is the first member."""
    given = request.message["groupname"]
    desc = request.message["groupdesc"]
    mode = request.message.get("join") or ctx.group_join
    password = request.message.get("password")
    if (mode == PASSWORD) != (password is not None):
        raise ProtocolError(ErrNo.BAD_REQUEST, 'password: goes with "join":"password"')
    name = normal_name(given)
    rule = JoinRule(mode, None if password is None else _hash(ctx, password, name))
    hashes = name_hashes(name)

    def create(tx: Transaction) -> tuple[int, list[Recorded]]:
        claimed = ctx.lookalikes.claim(tx, GROUPS, hashes)
        hold_login(tx, request)
        DeviceModel(tx).hold_shared()
        check_groups(ctx, tx, request.user_id)
        group_id = GroupModel(tx).insert(name, desc, claimed, rule)
        GroupModel(tx).add_member(group_id, request.user_id, CREATOR)
        me, fields = request.user_id, {"groupname": name}
        created = GroupChange(group_id, CREATED, me, me, fields=fields)
        return group_id, ctx.delivery.group_events.record(tx, created)

    try:
        group_id, recorded = ctx.database.write(create)
    except UniqueViolation as exc:
        raise _name_taken(ctx, given, name) from exc
    ctx.bus.subscribe([topic_of(group_id)])
    answer: Message = {"groupid": group_id}
    if mode != OPEN:
        answer["join"] = mode
    return Joined(request.user_id, group_id, answer, recorded)


def change_group(ctx: Context, request: Request[ChangeGroupRequest]) -> Message:
    """CHANGE_GROUP_MSG: the creator or an administrator changes the fields that are given."""
    message = request.message
    group_id, given = message["groupid"], message.get("groupname")
    desc, mode, password = message.get("groupdesc"), message.get("join"), message.get("password")
    if given is None and desc is None and mode is None and password is None:
        raise ProtocolError(ErrNo.BAD_REQUEST, "groupname, groupdesc, join: one of them is needed")
    name = None if given is None else normal_name(given)
    hashed = None if password is None else _hash(ctx, password, name or "")

    def change(tx: Transaction) -> tuple[Group, bool, list[Recorded]]:
        model = GroupModel(tx)
        # Before the group is locked: it locks a row of ``setting``.
        claimed = None if name is None else ctx.lookalikes.claim(tx, GROUPS, name_hashes(name))
        hold_login(tx, request)
        lock(tx, group_id)
        must_manage(tx, group_id, request.user_id)
        former, rule = head(tx, group_id), model.join_rule(group_id)
        if name is not None and claimed is not None:
            model.rename(group_id, name, claimed)
        if desc is not None:
            model.describe(group_id, desc)
        if mode is not None or hashed is not None:
            _set_join_rule(tx, group_id, mode, hashed)
        group = head(tx, group_id)
        changes = []
        if group != former or model.join_rule(group_id) != rule:
            event = RENAMED if group.name != former.name else CHANGED
            fields = {"groupname": group.name, "groupdesc": group.desc, "join": group.join}
            changes = [GroupChange(group_id, event, 0, request.user_id, fields=fields)]
        recorded = ctx.delivery.group_events.record(tx, *changes)
        return group, group.name != former.name, recorded

    try:
        group, renamed, recorded = ctx.database.write(change)
    except UniqueViolation as exc:
        assert given is not None
        assert name is not None
        raise _name_taken(ctx, given, name) from exc
    fields = {"groupname": group.name, "groupdesc": group.desc, "join": group.join}
    event = RENAMED if renamed else CHANGED
    ctx.delivery.group_notices.tell(group_id, event, 0, request.user_id, **fields)
    ctx.delivery.group_events.announce(recorded)
    return {"groupid": group_id, **fields}


def _set_join_rule(tx: Transaction, group_id: int, mode: str | None, hashed: str | None) -> None:
    """Change the join mode, or the password only. Raises ProtocolError(BAD_REQUEST)."""
    former = GroupModel(tx).join_rule(group_id)
    assert former is not None
    rule = JoinRule(mode or former.mode, hashed)
    if rule.mode == PASSWORD and hashed is None:
        rule = JoinRule(PASSWORD, former.hash)
    if (rule.mode == PASSWORD) != (rule.hash is not None):
        raise ProtocolError(ErrNo.BAD_REQUEST, 'password: goes with "join":"password"')
    GroupModel(tx).set_join_rule(group_id, rule)
    if rule.mode != OPEN:
        GroupInviteModel(tx).delete_of_normal(group_id)


def _hash(ctx: Context, password: str, name: str) -> str:
    """The hash of a new password of a group. Raises ProtocolError(BAD_REQUEST)."""
    if is_common(password, name):
        raise ProtocolError(ErrNo.BAD_REQUEST, errors.COMMON_PASSWORD)
    return ctx.passwords.hash(password)


def _name_taken(ctx: Context, given: str, name: str) -> ProtocolError:
    exists = ctx.database.read(lambda tx: NameModel(tx, GROUPS).exists((given, name)))
    problem = errors.GROUP_EXISTS if exists else errors.GROUP_LOOKALIKE
    return ProtocolError(ErrNo.EXISTS, problem)


def members(ctx: Context, request: Request[MembersRequest]) -> Message:
    """MEMBERS_MSG: a page of the members of a group to which the sender belongs."""
    message = request.message
    group_id = message["groupid"]
    limit = message.get("limit") or ctx.limits.members

    def look(tx: Transaction) -> list[GroupUser]:
        membership(tx, group_id, request.user_id)
        users = GroupModel(tx).members(group_id, message.get("after") or 0, limit + 1)
        return ctx.visibility.members(tx, request.user_id, users)

    users = ctx.database.read(look)
    return {
        "groupid": group_id,
        "users": [member_fields(user) for user in users[:limit]],
        "more": len(users) > limit,
    }


def dissolve_group(ctx: Context, request: Request[GroupRequest]) -> Message:
    """DISSOLVE_GROUP_MSG: the creator ends the group."""
    group_id, me = request.message["groupid"], request.user_id

    def dissolve(tx: Transaction) -> list[Recorded]:
        hold_login(tx, request)
        lock(tx, group_id)
        must_be_creator(tx, group_id, me)
        fields = {"groupname": head(tx, group_id).name}
        ended = GroupChange(group_id, DISSOLVED, 0, me, fields=fields)
        recorded = ctx.delivery.group_events.record(tx, ended)
        GroupModel(tx).delete(group_id)
        return recorded

    recorded = ctx.database.write(dissolve)
    ctx.delivery.group_dissolved(group_id, me)
    ctx.delivery.group_events.announce(recorded)
    return {"groupid": group_id}
