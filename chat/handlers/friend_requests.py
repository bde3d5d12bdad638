"""Handlers of requests to be a friend (``chat.friend_requests = "approve"``). All: worker.

The answer to a request for a number does not show whether that account exists, and neither do the
limits: a request is stored for any number. A name that no user has is refused.
"""

from __future__ import annotations

from typing import Any

from chat.handlers.answer_fields import contact_fields, friend_request_fields
from chat.handlers.context import Context, Request
from chat.handlers.current_login import hold_login
from chat.login.snapshot import LISTED_REQUESTS
from chat.notice import ACCEPTED, ASKED
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import AddFriendRequest, AnswerFriendRequest, FriendRequestsRequest
from chat.storage import Transaction
from chat.storage.tables import BlockedModel, FriendModel, FriendRequestModel, UserModel


def ask_friend(ctx: Context, request: Request[AddFriendRequest], friend_id: int) -> Message:
    """Ask another user to be a friend, or accept its request; returns the fields of the answer.

    Two users that ask each other at the same moment both see a request. Either accepts it.
    """
    user_id, now = request.user_id, ctx.clock.unix()

    def has_asked(tx: Transaction) -> bool:
        if FriendModel(tx).is_one(user_id, friend_id):
            raise ProtocolError(
                ErrNo.EXISTS, "is a friend already", friend=_friend(ctx, tx, user_id, friend_id)
            )
        return FriendRequestModel(tx).shown(friend_id, user_id, now) is not None

    if ctx.database.read(has_asked):
        friend = _accept(ctx, request, friend_id, now)
        if friend is not None:
            return {"friend": friend}
    is_new = ctx.database.write(lambda tx: _store(ctx, tx, request, friend_id, now))
    key = (ASKED, user_id, friend_id)
    if is_new and not ctx.ask_notices.take(key, ctx.clock.monotonic()):
        ctx.friend_notices.tell(friend_id, ASKED, user_id)
    return {"pending": True, "friendid": friend_id}


def friend_requests(ctx: Context, request: Request[FriendRequestsRequest]) -> Message:
    """FRIEND_REQUESTS_MSG: the newest requests of other users that wait for an answer."""
    user_id, now = request.user_id, ctx.clock.unix()
    rows = ctx.database.read(
        lambda tx: FriendRequestModel(tx).received(user_id, now, LISTED_REQUESTS)
    )
    return {"requests": [friend_request_fields(row) for row in rows]}


def answer_friend(ctx: Context, request: Request[AnswerFriendRequest]) -> Message:
    """ANSWER_FRIEND_MSG: accept or decline a request."""
    user_id, asker, now = request.user_id, request.message["userid"], ctx.clock.unix()

    def decline(tx: Transaction) -> bool:
        hold_login(tx, request)
        model = FriendRequestModel(tx)
        return model.shown(asker, user_id, now) is not None and model.delete(asker, user_id)

    fields: Message = {"userid": asker}
    if request.message["accept"]:
        friend = _accept(ctx, request, asker, now)
        if friend is not None:
            return {**fields, "friend": friend}
    elif ctx.database.write(decline):
        ctx.friend_notices.request_declined(request.current, asker)
        return fields
    raise ProtocolError(ErrNo.NOT_FOUND, "has not asked you, or has taken the request back")


def _accept(ctx: Context, request: Request[Any], asker: int, now: int) -> Message | None:
    """Put each user into the other's list; returns the new friend, None without a request."""
    user_id = request.user_id

    def accept(tx: Transaction) -> Message | None:
        # Both, so that neither list gets too long, and the asker cannot take the request back,
        # block the user or delete its account meanwhile.
        hold_login(tx, request, asker)
        requests, friends = FriendRequestModel(tx), FriendModel(tx)
        if requests.shown(asker, user_id, now) is None:
            return None
        for owner, other in ((user_id, asker), (asker, user_id)):
            if not friends.is_one(owner, other):
                if friends.count(owner) >= ctx.limits.friends:
                    whose = "your list" if owner == user_id else "the list of the other user"
                    raise ProtocolError(
                        ErrNo.REFUSED, f"{whose} is full: {ctx.limits.friends} users"
                    )
                friends.insert(owner, other)
            requests.delete(owner, other)
        return _friend(ctx, tx, user_id, asker)

    friend = ctx.database.write(accept)
    if friend is not None:
        ctx.friend_notices.tell(asker, ACCEPTED, user_id)
        ctx.friend_notices.list_changed(request.current, asker)
    return friend


def _store(
    ctx: Context, tx: Transaction, request: Request[AddFriendRequest], friend_id: int, now: int
) -> bool:
    """Store a request; False if it is there already."""
    user_id = request.user_id
    # Locked, so that two requests at two servers cannot both take the last place.
    hold_login(tx, request)
    limit, requests = ctx.limits.friends, FriendRequestModel(tx)
    if BlockedModel(tx).has(user_id, friend_id):
        raise ProtocolError(ErrNo.REFUSED, "you have blocked this user: unblock it first")
    if FriendModel(tx).count(user_id) >= limit:
        raise ProtocolError(
            ErrNo.REFUSED, f"your list is full, with {limit} users: remove one first"
        )
    requests.delete_expired_of(user_id, now)
    if requests.has(user_id, friend_id):
        return False
    if requests.sent(user_id) >= limit:
        raise ProtocolError(
            ErrNo.REFUSED, f"{limit} of your requests wait for an answer: remove some of them"
        )
    requests.insert(user_id, friend_id, now)
    return True


def _friend(ctx: Context, tx: Transaction, viewer: int, friend_id: int) -> Message:
    """The fields of a friend, as ``viewer`` may see them. Raises ProtocolError(NOT_FOUND)."""
    contact = UserModel(tx).contact(friend_id)
    if contact is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
    (shown,) = ctx.visibility.contacts(tx, viewer, [contact])
    return contact_fields(shown)
