"""Slots: the devices of one account in one folder, one for each program at a time.

::

    FOLDER/HOST_PORT/ID/             the first slot: the files of a device, see store
                       /device-2/    the second slot, with the same files

A program locks the slot that it uses. Example: a terminal has the first slot; the user opens a
second terminal, and types the password; it becomes another device, in the second slot. The next
program takes a slot that is free, so a device is used again, and there are no more devices than
there were programs at a time.

Each slot has an outbox. Messages that a program could not send wait there, but the slot may stay
unused for long. So a program also takes the waiting messages of the slots that are free. It writes
them into its own outbox first. After a kill between the two steps both outboxes have them, and the
server recognises their ``mid``.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

from client.account.folder_lock import is_free
from client.account.folders import SERVICES, server_folder, service_of, slot_folder, slots_in
from client.account.records import Credentials, read_any_credentials
from client.account.store import Store
from client.errors import InUseError, StoreError

log = logging.getLogger(__name__)

MOST_SLOTS = 64
"""Far more than a server allows devices."""


@dataclass(frozen=True, slots=True)
class Place:
    """The files of the accounts at one address of a server. Immutable.

    Attributes:
        folder: the folder of all files.
        shared: several programs may use an account at once, each in a slot of its own. Otherwise
            all use the first slot, one at a time.
    """

    folder: Path
    host: str
    port: int
    shared: bool = False

    def store(self, user_id: int, slot: int = 1) -> Store:
        """The files of an account, not open."""
        return Store(self.folder, self.host, self.port, user_id, slot=slot)

    def link(self, user_id: int) -> Path:
        """The folder of an account by the address; it may be a link."""
        return server_folder(self.folder, self.host, self.port) / str(user_id)


def open_slot(first: Store, *, shared: bool, has_password: bool, device: str = "") -> Store:
    """Open the slot of the account that suits a login best. One thread at a time.

    ``first``: the first slot, not open. A slot of ``device`` comes first, then those with a saved
    login, then others. A new slot is for a login with the password: a new device has no token.
    Raises StoreError; InUseError if other programs have all slots that would do.
    """
    if not shared:
        return first.open()
    saved = {slot: first.in_slot(slot).read_credentials() for slot in slots_in(first.base)}
    with_token = {slot for slot, one in saved.items() if one is not None and one.token}

    def preference(slot: int) -> tuple[bool, bool, int]:
        one = saved[slot]
        return one is None or one.device != device, slot not in with_token, slot

    wanted = sorted(saved, key=preference)
    if not has_password and with_token:
        wanted = [slot for slot in wanted if slot in with_token]
    elif has_password:
        wanted += [slot for slot in range(1, MOST_SLOTS + 1) if slot not in saved]
    for slot in wanted:
        with contextlib.suppress(InUseError):
            store = first.in_slot(slot).open()
            _take_unsent(store)
            return store
    raise InUseError(first.folder)


def _take_unsent(store: Store) -> None:
    """Take over the messages that wait in slots that are free."""
    for slot in slots_in(store.base):
        if slot == store.slot or not store.in_slot(slot).has_unsent:
            continue
        try:
            with store.in_slot(slot) as other:
                kept = {message.mid for message in store.unsent}
                for message in other.unsent:
                    if message.mid not in kept:
                        store.add(message)
                    other.remove(message.mid)
        except InUseError:
            continue  # a program is there, and sends them itself
        except StoreError as exc:
            log.warning("unsent messages stay in %s: %s", slot_folder(store.base, slot), exc)


def known_device(place: Place, who: int | str) -> str | None:
    """The device of a user's files at another address, if no program uses it. Any thread.

    ``who``: the number or the name. A first login at a second address of a service presents this
    device, so that the server does not open another one. If the address belongs to another
    service, the device is a new one there, because each server has its own list.
    """
    found: list[tuple[float, str]] = []
    with contextlib.suppress(OSError):
        for base in (place.folder / SERVICES).iterdir():
            for slot in slots_in(base) if place.shared else [1]:
                folder = slot_folder(base, slot)
                one = _readable(folder / "account.json")
                if one is not None and who in (one[0], one[1].name) and is_free(folder):
                    used = (folder / "account.json").stat().st_mtime
                    found.append((used, one[1].device))
    return max(found)[1] if found else None


def _readable(path: Path) -> tuple[int, Credentials] | None:
    try:
        return read_any_credentials(path)
    except StoreError:
        return None


def replace_account(place: Place, user_id: int) -> None:
    """The id now belongs to a new user: a new database has this address. Any thread.

    The files of the former user are removed. Files under the name of a service stay, because that
    service may have another address.
    """
    link = place.link(user_id)
    if service_of(link) is None:
        forget_account(place, user_id)
        return
    with contextlib.suppress(OSError):
        link.unlink()


def forget_account(place: Place, user_id: int) -> None:
    """Remove the files of an account that does not exist any more. Any thread.

    Files that cannot be removed, and slots in use, stay.
    """
    if not place.link(user_id).exists():
        return
    first = place.store(user_id)
    for slot in reversed(slots_in(first.base)):
        with contextlib.suppress(OSError, StoreError), first.in_slot(slot) as store:
            store.clear()
