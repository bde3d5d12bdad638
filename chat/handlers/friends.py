"""Handlers of the list of friends. All: worker thread."""

from __future__ import annotations

from chat.handlers.answer_fields import contact_fields
from chat.handlers.context import Context, Request
from chat.handlers.current_login import hold_login
from chat.handlers.friend_requests import ask_friend
from chat.handlers.users import named_user
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import AddFriendRequest, FriendRequest
from chat.storage import Transaction, UniqueViolation
from chat.storage.tables import FriendModel, FriendRequestModel, UserModel


def add_friend(ctx: Context, request: Request[AddFriendRequest]) -> Message:
    """ADD_FRIEND_MSG, with the number or the name. With ``approve`` it asks the other user."""
    friend_id, field = request.message.get("friendid"), "friendid"
    if friend_id is None:
        friend_id, field = _number_of(ctx, request), "friendname"
    if friend_id == request.user_id:
        raise ProtocolError(ErrNo.BAD_REQUEST, f"{field}: is your own")
    if ctx.approve_friends:
        return ask_friend(ctx, request, friend_id)
    fields = {"friend": ctx.database.read(lambda tx: _contact(ctx, tx, request.user_id, friend_id))}

    def add(tx: Transaction) -> None:
        # Locked, so that two requests at two servers cannot both take the last place.
        hold_login(tx, request)
        model = FriendModel(tx)
        full = model.count(request.user_id) >= ctx.limits.friends
        if full and not model.is_one(request.user_id, friend_id):
            raise ProtocolError(
                ErrNo.REFUSED,
                f"your list is full, with {ctx.limits.friends} users: remove one first",
            )
        model.insert(request.user_id, friend_id)

    try:
        ctx.database.write(add)
    except UniqueViolation as exc:
        raise ProtocolError(ErrNo.EXISTS, "is a friend already", **fields) from exc
    ctx.friend_notices.list_changed(request.current, friend_id)
    return fields


def remove_friend(ctx: Context, request: Request[FriendRequest]) -> Message:
    """REMOVE_FRIEND_MSG. It takes a request back, too.

    With ``approve`` the user vanishes from the other list as well: both users have agreed to be
    friends, and one of them does no more.
    """
    user_id, friend_id = request.user_id, request.message["friendid"]

    def remove(tx: Transaction) -> tuple[bool, bool]:
        """Was there a request; was there a friend."""
        # Locked. Example: A takes its request to B back, while B accepts it.
        hold_login(tx, request)
        found = FriendRequestModel(tx).delete(user_id, friend_id)
        friends = FriendModel(tx)
        if not friends.is_one(user_id, friend_id):
            return found, False
        pairs = [(user_id, friend_id)]
        if ctx.approve_friends:
            pairs.append((friend_id, user_id))
        for pair in sorted(pairs):  # in the same order, if both users remove each other
            friends.delete(*pair)
        return found, True

    took_back, removed = ctx.database.write(remove)
    if not took_back and not removed:
        raise ProtocolError(ErrNo.NOT_FOUND, "is not in your list")
    if removed:
        ctx.friend_notices.list_changed(request.current, friend_id)
    return {"friendid": friend_id}


def _number_of(ctx: Context, request: Request[AddFriendRequest]) -> int:
    """The user with the name in the request. Raises ProtocolError."""
    name = request.message.get("friendname") if request.v2 else None
    if name is None:
        raise ProtocolError(ErrNo.BAD_REQUEST, "friendid: is missing")
    return named_user(ctx, name).id


def _contact(ctx: Context, tx: Transaction, viewer: int, friend_id: int) -> Message:
    """The fields of a user, as ``viewer`` may see them. Raises ProtocolError(NOT_FOUND)."""
    contact = UserModel(tx).contact(friend_id)
    if contact is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
    (shown,) = ctx.visibility.contacts(tx, viewer, [contact])
    return contact_fields(shown)
