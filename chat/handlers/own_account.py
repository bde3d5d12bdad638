"""Handlers of a user's own account: password, name, deletion. ``finish_…``: connection's loop.

Each change checks in its transaction that the login is the current one (current_login.py).
"""

from __future__ import annotations

from typing import Any

from chat.delivery.group_events import Recorded
from chat.handlers.context import Connection, Context, Request
from chat.handlers.current_login import hold_login, replaced
from chat.handlers.group_members import Left, leave, record_left, tell_left
from chat.handlers.registration import check_new_password, name_refused
from chat.login.login import Login
from chat.names.name_hash import name_hashes
from chat.protocol import Message, ProtocolError, errors, normal_name
from chat.protocol.requests import ChangePasswordRequest, DeleteAccountRequest, RenameRequest
from chat.storage import Transaction, UniqueViolation
from chat.storage.tables import (
    USERS,
    GroupModel,
    OwnedRowsModel,
    SessionModel,
    TokenModel,
    User,
    UserModel,
)


def change_password(ctx: Context, request: Request[ChangePasswordRequest]) -> Message:
    """CHANGE_PASSWORD_MSG: all other logins and tokens end. Hasher thread."""
    login, message = _login(request), request.message
    user = _checked(ctx, login, message["old"], request.peer)
    check_new_password(ctx, message["new"], user.name, v2=True)
    hashed = ctx.passwords.hash(message["new"])

    def change(tx: Transaction) -> None:
        hold_login(tx, request)
        if not UserModel(tx).set_password(user.id, user.password, hashed):
            raise replaced()
        SessionModel(tx).end_all(user.id, keep=login.mailbox)
        TokenModel(tx).delete_of_user(user.id, keep=login.token)

    ctx.database.write(change)
    ctx.reconciliation.rows_changed([user.id])
    return {}


def rename(ctx: Context, request: Request[RenameRequest]) -> Message:
    """RENAME_MSG: the name that others see. Worker thread."""
    login, given = _login(request), request.message["name"]
    name = normal_name(given)
    hashes = name_hashes(name)

    def change(tx: Transaction) -> None:
        claimed = ctx.lookalikes.claim(tx, USERS, hashes)
        hold_login(tx, request)
        UserModel(tx).rename(login.user_id, name, claimed)

    try:
        ctx.database.write(change)
    except UniqueViolation as exc:
        raise name_refused(ctx, given, name) from exc
    return {"name": name}


def finish_rename(
    ctx: Context, connection: Connection, message: RenameRequest, ack: Message
) -> Message:
    """The next messages of this login have the new name."""
    if connection.login is not None:
        connection.login.name = ack["name"]
    return ack


def delete_account(ctx: Context, request: Request[DeleteAccountRequest]) -> Message:
    """DELETE_ACCOUNT_MSG: the messages stay, with another name. Hasher thread."""
    login = _login(request)
    user = _checked(ctx, login, request.message["password"], request.peer)

    def delete(tx: Transaction) -> tuple[list[Left], list[Recorded]]:
        hold_login(tx, request)
        UserModel(tx).delete(user.id)
        groups = GroupModel(tx).ids_of_user(user.id)
        # In the order in which all servers must take these locks.
        left = [leave(tx, group_id, user.id) for group_id in sorted(groups)]
        recorded = record_left(ctx, tx, left, user.id, user.name)
        OwnedRowsModel(tx).delete_rows(user.id)
        return left, recorded

    watchers = ctx.login_flow.watchers(user.id)
    lefts, recorded = ctx.database.write(delete)
    for left in lefts:
        tell_left(ctx, left, user.id, user.name)
    ctx.delivery.group_events.announce(recorded)
    ctx.login_flow.forget(login, watchers)
    ctx.reconciliation.rows_changed([user.id])  # ends the logins of the other devices
    return {}


def finish_delete_account(
    ctx: Context, connection: Connection, message: DeleteAccountRequest, ack: Message
) -> Message:
    """The connection is closed after the answer."""
    if connection.login is not None:
        connection.login.end()
    connection.loop.queue_in_loop(lambda: connection.close("deleted"))
    return ack


def _login(request: Request[Any]) -> Login:
    assert request.login is not None
    return request.login


def _checked(ctx: Context, login: Login, password: str, peer: str) -> User:
    """The user of the login, if the password is right. A wrong one counts as a failed login.

    The device of the login counts, so that an attacker behind the same NAT does not keep the owner
    from changing the password. Raises ProtocolError, StorageError.
    """
    user = ctx.authentication.find_user(login.user_id)
    device = login.device
    try:
        return ctx.authentication.check_password(user, login.user_id, password, peer, device).user
    except ProtocolError as exc:
        if exc.errmsg == errors.WRONG_PASSWORD:  # the user gave no id
            raise ProtocolError(exc.errno, errors.PASSWORD_IS_WRONG) from exc
        raise
