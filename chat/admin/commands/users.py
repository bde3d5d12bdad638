"""Commands on accounts: worker thread."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from chat.admin.audit import write_audited
from chat.admin.commands.pages import limit_of, page
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.mailbox_number import device_of
from chat.storage import Transaction
from chat.storage.tables import (
    ACTIVE,
    DELETED,
    DISABLED,
    AccountModel,
    AccountRow,
    DeviceModel,
    SessionModel,
    TokenModel,
    UserModel,
)

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without letters and digits that look alike."""

PASSWORD_LETTERS = 16


def list_users(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """A page of accounts. Arguments: search, online, after, limit."""
    limit, after = limit_of(request), request.number("after", 0)
    search, online = request.text("search", ""), request.flag("online")
    rows = ctx.database.read(
        lambda tx: AccountModel(tx).search(search, online=online, after=after, limit=limit + 1)
    )
    return page("users", rows, limit)


def show_user(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """An account and how much it has. Argument: user."""

    def look(tx: Transaction) -> dict[str, Any]:
        row = find_user(tx, request)
        return {**asdict(row), **asdict(AccountModel(tx).numbers(row.id))}

    return ctx.database.read(look)


def show_sessions(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """The logins of an account, and its tokens by their last use. Argument: user.

    ``login``: of the unnamed device. ``devices``: all devices; none if there is only that one.
    """

    def look(tx: Transaction) -> dict[str, Any]:
        row = find_user(tx, request)
        login = None
        if row.node is not None:
            login = {"node": row.node, "device": row.device, "generation": row.generation}
        devices = [
            {
                "deviceid": device_of(device.mailbox),
                "label": device.label,
                "used": device.used,
                "node": device.node,
            }
            for device in DeviceModel(tx).of_user(row.id)
        ]
        tokens = TokenModel(tx).used_by(row.id)
        return {"id": row.id, "login": login, "devices": devices, "tokens": tokens}

    result = ctx.database.read(look)
    here = ctx.logins.find(result["id"])  # of the unnamed device
    result["peer"] = None if here is None else here.connection.peer
    return result


def disable_user(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Refuse the logins of an account, and end the running ones. Argument: user."""

    def disable(tx: Transaction, row: AccountRow) -> None:
        _set_status(tx, row, DISABLED)
        TokenModel(tx).delete_of_user(row.id)

    return _change(ctx, request, disable)


def enable_user(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Undo ``disable_user``; the tokens are gone. Argument: user."""
    return _change(ctx, request, lambda tx, row: _set_status(tx, row, ACTIVE))


def log_user_out(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """End the logins of an account, and its tokens. Argument: user."""

    def end(tx: Transaction, row: AccountRow) -> None:
        SessionModel(tx).end_all(row.id)
        TokenModel(tx).delete_of_user(row.id)

    return _change(ctx, request, end)


def reset_password(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Give an account a random password; end its login and its tokens. Argument: user.

    The result has the password. The audit log and the log do not.
    """
    password = new_password()
    hashed = ctx.passwords.hash(password)

    def reset(tx: Transaction, row: AccountRow) -> None:
        if not UserModel(tx).reset_password(row.id, hashed):
            raise _is_deleted(row)
        TokenModel(tx).delete_of_user(row.id)

    return {**_change(ctx, request, reset), "password": password}


def new_password() -> str:
    """A random password: 80 bits or more, in letters that are not mistaken for each other."""
    return "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LETTERS))


def _change(
    ctx: AdminContext,
    request: AdminRequest,
    change: Callable[[Transaction, AccountRow], object],
) -> dict[str, Any]:
    """Change an account in an audited transaction, then end its running login if it is over."""
    row = ctx.database.read(lambda tx: find_user(tx, request))
    write_audited(ctx, request, lambda tx: change(tx, row), f"user {row.id} {row.name}")
    ctx.reconciliation.rows_changed([row.id])
    return {"id": row.id, "name": row.name}


def _set_status(tx: Transaction, row: AccountRow, status: str) -> None:
    if row.status == DELETED:
        raise _is_deleted(row)
    if not UserModel(tx).set_status(row.id, status):
        raise AdminError(f"user {row.id} is {status} already")


def _is_deleted(row: AccountRow) -> AdminError:
    return AdminError(f"user {row.id} is deleted, and cannot be changed")


def find_user(tx: Transaction, request: AdminRequest) -> AccountRow:
    """The account that the argument ``user`` names by its id or its name. Raises AdminError."""
    wanted = request.text("user")
    model = AccountModel(tx)
    row = model.find(int(wanted)) if is_id(wanted) else model.find_name(wanted)
    if row is None:
        raise AdminError(f"no user {wanted!r}; find users with: chatctl user list --search TEXT")
    return row


def is_id(text: str) -> bool:
    """Is the text an id? All others are names."""
    return text.isascii() and text.isdigit() and len(text) <= len(str(2**31))
