"""Opens and ends devices, in the transaction of a login or a request. Worker thread.

A user without rows in ``device`` has the unnamed device only. Where users have one device, a login
deletes the rows of a former setting.

The first named device of a user adds a row for the unnamed one, too, and both get all later
messages. It takes the place of the unnamed one if no other client has used that: the user has never
logged in, or the same device has logged in before as the unnamed one, with an older client. Then it
gets the messages that wait there.

The caller has locked the row of the user. So no other login of the user opens or ends a device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.mailbox_number import is_named, mailbox_of
from chat.protocol import ErrNo, ProtocolError
from chat.storage import Transaction
from chat.storage.tables import (
    Device,
    DeviceModel,
    KnownDeviceModel,
    MessageModel,
    OwnedRowsModel,
    Session,
    SessionModel,
    TokenModel,
    User,
    device_hash,
)


class TooManyDevices(Exception):
    """The user has no place for another device.

    Attributes:
        devices: all devices of the user.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        super().__init__("too many devices")
        self.devices = devices


@dataclass(frozen=True, slots=True)
class NamedDevice:
    """The device of a login that says ``"devices": true``.

    Attributes:
        name: what identifies the device, as in ``device`` of LOGIN_MSG.
        label: its name for its owner; None: the client says none.
        ends: the number of a device that the login ends; None: none.
    """

    name: str
    label: str | None = None
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The device of a login, in its transaction.

    Attributes:
        device: its row; None: the unnamed device of a user without rows.
        mailbox: its number.
        is_new: it was opened by this login.
        ended: the mailboxes of devices that have ended.
        ends_logins: other logins of the user have ended.
        others: the sessions among them that a login may end only as it may end its own device's.
    """

    device: Device | None
    mailbox: int
    is_new: bool = False
    ended: tuple[int, ...] = ()
    ends_logins: bool = False
    others: tuple[Session, ...] = ()


def open_only(tx: Transaction, user: User, name: str | None) -> Opened:
    """The device of a login where users have one: the unnamed device. The others end.

    ``name``: what the client calls its device; None: it says none. The messages that wait for the
    device of this name go to the unnamed one. If there is no such device and the user has no
    unnamed one, those for the device with the latest login do. All tokens stay valid, as they do
    where users have always had one device.
    """
    devices = DeviceModel(tx).of_user(user.id)
    if not devices:
        return Opened(None, user.id)
    hashed = device_hash(name) if name else None
    named = [device for device in devices if is_named(device.mailbox)]
    same = next((device for device in named if device.hash == hashed), None)
    former = same
    if former is None and len(named) == len(devices):
        former = max(named, key=lambda device: device.used)
    sessions = [SessionModel(tx).find(device.mailbox) for device in named]
    online = [session for session in sessions if session is not None and session.node is not None]
    others = [session for session in online if same is None or session.mailbox != same.mailbox]
    DeviceModel(tx).changed()
    owned = OwnedRowsModel(tx)
    if former is not None:
        owned.join_mailbox(former.mailbox, user.id)
    TokenModel(tx).give_all_to_device(user.id, user.id)
    for device in named:
        owned.delete_device(user.id, device.mailbox)
    DeviceModel(tx).delete_of_user(user.id)
    return Opened(None, user.id, ends_logins=bool(online), others=tuple(others))


def _no_limit() -> None:
    """A new device needs no permission."""


def open_named(
    tx: Transaction,
    user: User,
    wanted: NamedDevice,
    most: int,
    now: int,
    check_new: Callable[[], object] = _no_limit,
) -> Opened:
    """The named device of a login. Raises TooManyDevices, ProtocolError(NOT_FOUND).

    ``most``: devices of one user. ``now``: Unix seconds. ``check_new``: is called before a device
    is opened, and before any lock but that of the user; it may raise.
    """
    devices = DeviceModel(tx).of_user(user.id)
    ended: tuple[int, ...] = ()
    if wanted.ends is not None:
        ended = (_find_mailbox(devices, user.id, wanted.ends),)
        devices = [device for device in devices if device.mailbox not in ended]
    hashed = device_hash(wanted.name)
    same = next((device for device in devices if device.hash == hashed), None)
    if same is None:
        if len(devices) >= most:
            raise TooManyDevices(devices)
        check_new()
    if ended:
        delete_devices(tx, user.id, ended)
    if same is not None:
        DeviceModel(tx).note_use(same.mailbox, now, wanted.label)
        return Opened(same, same.mailbox, ended=ended, ends_logins=bool(ended))
    mailbox = mailbox_of(user.id, DeviceModel(tx).next_number())
    newest = MessageModel(tx).newest()
    replaces = not devices and _used_unnamed(tx, user, wanted.name)
    if replaces:
        SessionModel(tx).end(user.id)
        OwnedRowsModel(tx).move_mailbox(user.id, mailbox)
    elif not devices:
        DeviceModel(tx).insert(Device(user.id, user.id, "", "", now, now, user.node, newest))
    label = wanted.label or ""
    device = Device(mailbox, user.id, hashed, label, now, now, None, newest)
    DeviceModel(tx).insert(device)
    ends_logins = bool(ended) or (replaces and user.generation > 0)
    return Opened(device, mailbox, True, ended, ends_logins)


def open_unnamed(
    tx: Transaction,
    user: User,
    most: int,
    now: int,
    check_new: Callable[[], object] = _no_limit,
) -> Opened:
    """The unnamed device of a login. Raises TooManyDevices. Parameters: as in ``open_named``."""
    devices = DeviceModel(tx).of_user(user.id)
    if not devices:
        return Opened(None, user.id)
    if not is_named(devices[0].mailbox):
        DeviceModel(tx).note_use(user.id, now)
        return Opened(devices[0], user.id)
    if len(devices) >= most:
        raise TooManyDevices(devices)
    check_new()
    DeviceModel(tx).next_number()
    newest = MessageModel(tx).newest()
    device = Device(user.id, user.id, "", "", now, now, None, newest)
    DeviceModel(tx).insert(device)
    return Opened(device, user.id, is_new=True)


def end_device(tx: Transaction, user_id: int, number: int) -> int:
    """End a device of a user, with its tokens and its mailbox; returns its mailbox number.

    Raises ProtocolError(NOT_FOUND) if the user has no such device. Call
    ``Reconciliation.rows_changed`` after the commit.
    """
    mailbox = _find_mailbox(DeviceModel(tx).of_user(user_id), user_id, number)
    delete_devices(tx, user_id, [mailbox])
    return mailbox


def _find_mailbox(devices: Sequence[Device], user_id: int, number: int) -> int:
    """The mailbox of a device of the user. Raises ProtocolError(NOT_FOUND)."""
    mailbox = mailbox_of(user_id, number)
    if mailbox not in {device.mailbox for device in devices} and (devices or number):
        raise ProtocolError(ErrNo.NOT_FOUND, "you have no such device")
    return mailbox


def delete_devices(tx: Transaction, user_id: int, mailboxes: Sequence[int]) -> None:
    """End these devices of a user, which exist."""
    DeviceModel(tx).next_number()
    for mailbox in mailboxes:
        SessionModel(tx).end(mailbox)
        OwnedRowsModel(tx).delete_device(user_id, mailbox)


def _used_unnamed(tx: Transaction, user: User, name: str) -> bool:
    """Has no other device used the unnamed mailbox?

    ``user.device`` names the last one. Servers of version 4 have cleared it at each logout. Then it
    was this device if the account knows only this one, and no classic client.
    """
    if not user.generation:
        return True
    if user.device is not None:
        return user.device == name
    return user.dialect is None and KnownDeviceModel(tx).hashes(user.id) == {device_hash(name)}
