"""Handlers of blocked users. All: worker thread.

The answers do not show whether an account exists: a block is stored for any number.
"""

from __future__ import annotations

from chat.handlers.context import Context, Request
from chat.handlers.current_login import hold_login
from chat.notice import BLOCKED, Notice
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import BlocksRequest, UserRequest
from chat.storage import Transaction
from chat.storage.tables import BlockedModel, FriendModel, FriendRequestModel


def block(ctx: Context, request: Request[UserRequest]) -> Message:
    """BLOCK_MSG: take no messages from a user, and vanish from that user's list."""
    user_id, blocked_id = request.user_id, request.message["userid"]
    if blocked_id == user_id:
        raise ProtocolError(ErrNo.BAD_REQUEST, "userid: is your own")

    def insert(tx: Transaction) -> None:
        # Locked, so that two requests at two servers cannot both take the last place.
        hold_login(tx, request)
        blocked = BlockedModel(tx)
        if not blocked.has(user_id, blocked_id):
            if len(blocked.of_user(user_id)) >= ctx.limits.blocked:
                full = f"your list of blocked users is full: {ctx.limits.blocked} users"
                raise ProtocolError(ErrNo.REFUSED, full)
            blocked.insert(user_id, blocked_id)
        FriendModel(tx).delete(blocked_id, user_id)
        FriendRequestModel(tx).delete(user_id, blocked_id)  # else the other one could accept it

    ctx.database.write(insert)
    for login in ctx.logins.of_user(user_id):
        ctx.logins.add_blocks(login, [blocked_id], ())
    for login in ctx.logins.of_user(blocked_id):
        ctx.logins.add_blocks(login, (), [user_id])
    ctx.bus.tell([Notice(blocked_id, BLOCKED, (user_id,))])
    return {"userid": blocked_id}


def unblock(ctx: Context, request: Request[UserRequest]) -> Message:
    """UNBLOCK_MSG."""
    blocked_id = request.message["userid"]

    def delete(tx: Transaction) -> bool:
        hold_login(tx, request)
        return BlockedModel(tx).delete(request.user_id, blocked_id)

    if not ctx.database.write(delete):
        raise ProtocolError(ErrNo.NOT_FOUND, "is not blocked")
    # ``blocked_by`` of the other login stays: it only means that a transaction decides.
    for login in ctx.logins.of_user(request.user_id):
        ctx.logins.remove_block(login, blocked_id)
    return {"userid": blocked_id}


def blocks(ctx: Context, request: Request[BlocksRequest]) -> Message:
    """BLOCKS_MSG: the numbers of the users that the sender blocks. No names: see above."""
    return {"userids": ctx.database.read(lambda tx: BlockedModel(tx).of_user(request.user_id))}
