"""Opens the files of an account for a login."""

from __future__ import annotations

from pathlib import Path

from client.account.device_options import DeviceOptions
from client.account.local_account import LocalAccount
from client.account.saved_accounts import account_named
from client.account.store import Store


def open_local_account(
    who: int | str,
    password: str | None,
    device: DeviceOptions,
    where: tuple[Path, str, int] | None,
    retry: float,
    replaces: bool = False,
    ends_device: int | None = None,
) -> LocalAccount:
    """Open the files of an account, and make its LocalAccount. Raises StoreError.

    ``who``: the number or the name. The files of a name that has never logged in here are opened
    after the login. ``where``: folder, host and port of the files; None for no files. ``retry``: as
    in Outbox. ``replaces``, ``ends_device``: as in LocalAccount.
    """
    name = who if isinstance(who, str) else None
    user_id = who if isinstance(who, int) else 0
    if name is not None and where is not None:
        user_id = account_named(*where, name) or 0
    store = None if where is None or not user_id else Store(*where, user_id).open()
    return LocalAccount(
        user_id,
        password,
        device,
        store,
        retry,
        replaces,
        ends_device=ends_device,
        where=where,
        login_name=name,
    )
