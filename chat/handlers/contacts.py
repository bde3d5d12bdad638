"""Friends and groups. All handlers: worker thread; ``finish_…``: session's loop."""

from __future__ import annotations

from chat.db import Transaction, UniqueViolation
from chat.delivery.message import Channel
from chat.handlers.context import Context, Request
from chat.handlers.shapes import contact_fields, group_fields
from chat.model import CREATOR, NORMAL, FriendModel, Group, GroupModel, UserModel
from chat.protocol import ErrNo, Message, MsgType, ProtocolError
from chat.session import Session


def add_friend(ctx: Context, request: Request) -> Message:
    """ADD_FRIEND_MSG."""
    friend_id: int = request.message["friendid"]
    if friend_id == request.user_id:
        raise ProtocolError(ErrNo.BAD_REQUEST, "friendid: is your own")
    friend = ctx.database.read(lambda tx: UserModel(tx).contact(friend_id))
    if friend is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
    fields = {"friend": contact_fields(friend)}
    try:
        ctx.database.write(lambda tx: FriendModel(tx).insert(request.user_id, friend_id))
    except UniqueViolation as exc:
        raise ProtocolError(ErrNo.EXISTS, "is a friend already", **fields) from exc
    return fields


def create_group(ctx: Context, request: Request) -> Message:
    """CREATE_GROUP_MSG: the creator is the first member."""
    name: str = request.message["groupname"]
    desc: str = request.message["groupdesc"]

    def create(tx: Transaction) -> int:
        group_id = GroupModel(tx).insert(name, desc)
        GroupModel(tx).add_member(group_id, request.user_id, CREATOR)
        return group_id

    try:
        group_id = ctx.database.write(create)
    except UniqueViolation as exc:
        raise ProtocolError(ErrNo.EXISTS, "a group of this name exists") from exc
    ctx.bus.subscribe([_channel(group_id)])
    return {"groupid": group_id}


def finish_create_group(ctx: Context, session: Session, request: Message, ack: Message) -> Message:
    _begin_to_listen(ctx, session, ack["groupid"])
    return ack


def join_group(ctx: Context, request: Request) -> Message:
    """ADD_GROUP_MSG."""
    group_id: int = request.message["groupid"]
    # Before the commit: from then on messages are owed, and their wakes must find us.
    ctx.bus.subscribe([_channel(group_id)])

    def join(tx: Transaction) -> Group:
        if GroupModel(tx).find(group_id) is None:
            raise ProtocolError(ErrNo.NOT_FOUND, "no such group")
        GroupModel(tx).add_member(group_id, request.user_id, NORMAL)
        return _existing(tx, group_id)

    try:
        group = ctx.database.write(join)
    except UniqueViolation as exc:
        ctx.bus.unsubscribe([_channel(group_id)])
        group = ctx.database.read(lambda tx: _existing(tx, group_id))
        raise ProtocolError(ErrNo.EXISTS, "is a member already", group=group_fields(group)) from exc
    except BaseException:
        ctx.bus.unsubscribe([_channel(group_id)])
        raise
    ctx.delivery.forget_members(group_id)
    return {"group": group_fields(group)}


def finish_join_group(ctx: Context, session: Session, request: Message, ack: Message) -> Message:
    _begin_to_listen(ctx, session, request["groupid"])
    return ack


def abandon_group(ctx: Context, session: Session, ack: Message) -> None:
    """The connection went down while a group was being made or joined. Its loop."""
    group_id = ack["groupid"] if "groupid" in ack else ack["group"]["id"]
    ctx.bus.unsubscribe([_channel(group_id)])


def _begin_to_listen(ctx: Context, session: Session, group_id: int) -> None:
    if not ctx.sessions.join(session, session.user_id, group_id):
        ctx.bus.unsubscribe([_channel(group_id)])  # it was in there, or has gone
    # What was sent between the commit and this moment had no one to wake.
    session.pump.mark_dirty()


def _existing(tx: Transaction, group_id: int) -> Group:
    group = GroupModel(tx).find(group_id)
    assert group is not None  # groups are never deleted
    return group


def _channel(group_id: int) -> Channel:
    return (int(MsgType.GROUP_CHAT_MSG), group_id)
