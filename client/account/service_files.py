"""Service files: keeps the files of an account under the name of its service.

::

    FOLDER/chat.example_6000/5 ──link──▶ FOLDER/services/3f…9a/
    FOLDER/127.0.0.1_6000/5    ──link──▶       the same

The answer to a login has that name. Each account at each service has its own, and no other server
knows it. So two addresses with one name are one service, and a server cannot get the messages that
wait for another one. A server of version 0.2.0 has no name: then the files stay in the folder of
the address, as those of earlier versions do until the next login.
"""

from __future__ import annotations

import logging
import os
import re

from client.account.folders import service_of
from client.account.slots import open_slot
from client.account.store import Store
from client.errors import StoreError

log = logging.getLogger(__name__)

_is_name = re.compile(r"[A-Za-z0-9_-]{8,64}").fullmatch


def settle(store: Store, service: str, *, shared: bool = False, device: str = "") -> Store:
    """The files of the account at this service; ``store`` is open, and so is the result.

    It moves the files, or adds them to those that the account has there already, in a free slot
    (``shared``, ``device``: see ``open_slot``). If that fails, they stay. If ``store`` belongs to
    another service, which had this address before, the result is another one, and ``store`` stays
    open for the caller. One thread at a time.
    """
    if store.service == service or not _is_name(service):
        return store
    try:
        if store.service is None and service_of(store.link) == service:
            # The program of another slot has moved the folder meanwhile.
            store.moved_to(store.elsewhere(service))
            return store
        if store.service is not None:
            if service_of(store.link) == store.service:
                store.link.unlink()
            first = store.elsewhere(service_of(store.link)).in_slot(1)
            store = open_slot(first, shared=shared, has_password=True, device=device)
            if store.service == service:
                return store
        if store.elsewhere(service).base.exists():
            return _join(store, service, shared, device)
        _move(store, store.elsewhere(service))
    except (OSError, StoreError) as exc:
        log.warning("the files of user %d stay in %s: %s", store.user_id, store.folder, exc)
    return store


def _move(store: Store, target: Store) -> None:
    """A kill after the first step costs a saved login: the next login joins both."""
    target.base.parent.mkdir(mode=0o700, exist_ok=True)
    os.rename(store.base, target.base)
    store.moved_to(target)
    _link(store)


def _join(store: Store, service: str, shared: bool, device: str) -> Store:
    """Add the files to those of another address. Raises InUseError if programs use those."""
    first = store.elsewhere(service).in_slot(1)
    target = open_slot(first, shared=shared, has_password=True, device=device)
    kept = {message.mid for message in target.unsent}
    for message in store.unsent:
        if message.mid not in kept:
            target.add(message)
    if store.epoch == target.epoch or target.epoch is None:
        for mark in store.seen:
            target.saw(mark)
    store.clear()
    store.close()
    try:
        _link(target)
    except OSError as exc:
        # Another slot is in the folder by the address. The next login joins that, too.
        log.warning("%s is no link: %s", target.link, exc.strerror)
    return target


def _link(store: Store) -> None:
    store.link.parent.mkdir(mode=0o700, exist_ok=True)
    store.link.symlink_to(os.path.relpath(store.base, store.link.parent))
