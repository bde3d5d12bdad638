"""Opens the files of an account for a login."""

from __future__ import annotations

from client.account.device_options import DeviceOptions
from client.account.local_account import LocalAccount
from client.account.saved_accounts import account_named
from client.account.slots import Place, known_device, open_slot
from client.account.store import Store


def open_local_account(
    who: int | str,
    password: str | None,
    device: DeviceOptions,
    place: Place | None,
    retry: float,
    replaces: bool = False,
    ends_device: int | None = None,
) -> LocalAccount:
    """Open the files of an account, and make its LocalAccount. Raises StoreError.

    ``who``: the number or the name. The files of a name that has never logged in here are opened
    after the login. ``place``: None for no files. ``retry``: as in Outbox. ``replaces``,
    ``ends_device``: as in LocalAccount.
    """
    name = who if isinstance(who, str) else None
    user_id = who if isinstance(who, int) else 0
    if name is not None and place is not None:
        user_id = account_named(place.folder, place.host, place.port, name) or 0
    store = None
    if place is not None and user_id:
        has_password = password is not None
        store = open_slot(place.store(user_id), shared=place.shared, has_password=has_password)
    return LocalAccount(
        user_id,
        password,
        device,
        store,
        retry,
        replaces,
        ends_device=ends_device,
        place=place,
        login_name=name,
        known_device=_known_device(place, store, who),
    )


def _known_device(place: Place | None, store: Store | None, who: int | str) -> str | None:
    """The device to present at an address that has no files of this user yet."""
    is_new = store is None or (store.credentials is None and store.service is None)
    return known_device(place, who) if place is not None and is_new else None
