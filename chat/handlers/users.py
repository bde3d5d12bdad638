"""Handlers of the names of users: find a user by name, and the names for numbers. All: worker.

An exact name finds its user on each server. The first letters of names find users only with
``chat.directory``. ``Visibility`` decides which names a user may learn for numbers.
"""

from __future__ import annotations

from chat.handlers.context import Context, Request
from chat.names.name_hash import name_hashes
from chat.protocol import ErrNo, Message, ProtocolError, normal_name
from chat.protocol.requests import FindUserRequest, UserNamesRequest
from chat.storage import Transaction
from chat.storage.tables import BlockedModel, DirectoryModel, UserName

MOST_FOUND = 50
"""Users in one answer to a search by the first letters."""


def find_user(ctx: Context, request: Request[FindUserRequest]) -> Message:
    """FIND_USER_MSG."""
    name = request.message["name"]
    if not request.message.get("prefix"):
        user = named_user(ctx, name)
        exact = user.name in (name, normal_name(name))
        return {"users": [_fields(user)], "exact": exact}
    if not ctx.directory:
        raise ProtocolError(ErrNo.REFUSED, "this server has no directory: give the whole name")
    users, more = ctx.database.read(lambda tx: _with_prefix(tx, request.user_id, name))
    return {"users": [_fields(user) for user in users], "more": more}


def user_names(ctx: Context, request: Request[UserNamesRequest]) -> Message:
    """USER_MSG. Users that do not exist, or that the sender may not know, are left out."""
    # A user that becomes a friend by adding is shown with its name then, so names hide nothing.
    all_names = ctx.directory or not ctx.approve_friends
    viewer, ids = request.user_id, set(request.message["ids"])
    names = ctx.database.read(lambda tx: ctx.visibility.names(tx, viewer, ids, all_names=all_names))
    return {"users": [_fields(user) for user in names]}


def named_user(ctx: Context, name: str) -> UserName:
    """The user with this name, or with one that differs in case and width only.

    Two users never have such names: see ``chat.names``. Raises ProtocolError(NOT_FOUND).
    """
    names, folded = (name, normal_name(name)), name_hashes(normal_name(name)).folded

    def find(tx: Transaction) -> UserName | None:
        model = DirectoryModel(tx)
        return model.with_name(names) or model.with_folded(folded)

    found = ctx.database.read(find)
    if found is None:
        raise ProtocolError(ErrNo.NOT_FOUND, "no such user")
    return found


def _with_prefix(tx: Transaction, viewer: int, prefix: str) -> tuple[list[UserName], bool]:
    """The first users of the directory whose names begin so, and whether there are more.

    ``zh`` finds ``zhang san``, ``Zhang San`` and ``ZHANG``. A user that blocks the viewer is not
    shown.
    """
    text = normal_name(prefix)
    found: set[UserName] = set()
    for form in {text, text.lower(), text.upper(), text.title(), text.capitalize()}:
        found.update(DirectoryModel(tx).with_prefix(form, MOST_FOUND + 1))
    users = sorted(found, key=lambda user: (user.name.casefold(), user.name))
    blockers = BlockedModel(tx).between([user.id for user in users], [viewer])
    shown = [user for user in users if (user.id, viewer) not in blockers]
    return shown[:MOST_FOUND], len(users) > MOST_FOUND


def _fields(user: UserName) -> Message:
    return {"id": user.id, "name": user.name}
