"""Handlers of the user's own devices. ``finish_…``: connection's loop; the rest: worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.handlers.answer_fields import device_fields
from chat.handlers.context import Connection, Context, Request
from chat.handlers.current_login import hold_login
from chat.login.device_rows import NamedDevice, end_device
from chat.login.login import Login
from chat.login.login_flow import Entered
from chat.mailbox_number import device_of, is_named
from chat.protocol import ErrNo, Message, ProtocolError
from chat.protocol.requests import DevicesRequest, EndDeviceRequest, LoginRequest
from chat.storage import Transaction
from chat.storage.tables import Device, DeviceModel


@dataclass(frozen=True, slots=True)
class EndedDevice:
    """The result of END_DEVICE_MSG. ``own``: the request came from this device."""

    number: int
    own: bool


def devices(ctx: Context, request: Request[DevicesRequest]) -> Message:
    """DEVICES_MSG: the devices of the user."""
    login = request.login
    assert login is not None
    rows = ctx.database.read(lambda tx: DeviceModel(tx).of_user(request.user_id))
    return {"devices": device_list(rows, login)}


def device_list(rows: Sequence[Device], login: Login | None = None) -> list[Message]:
    """The fields of devices. ``login``: of the reader, if it has one."""
    this = None if login is None else login.mailbox
    if not rows and login is not None:  # the unnamed device, which has no row yet
        return [{"deviceid": 0, "label": "", "online": True, "this": True}]
    return [device_fields(row, this=row.mailbox == this) for row in rows]


def end(ctx: Context, request: Request[EndDeviceRequest]) -> EndedDevice:
    """END_DEVICE_MSG: its login, its tokens and its mailbox end."""
    login, number = request.login, request.message["deviceid"]
    assert login is not None

    def work(tx: Transaction) -> int:
        hold_login(tx, request)
        return end_device(tx, request.user_id, number)

    mailbox = ctx.database.write(work)
    own = mailbox == login.mailbox
    if own:  # the client gets its answer before the connection ends
        ctx.login_flow.forget(login, [])
    ctx.login_flow.device_ended(request.user_id, mailbox)
    return EndedDevice(number, own)


def finish_end(
    ctx: Context, connection: Connection, message: EndDeviceRequest, result: EndedDevice
) -> Message:
    """The connection of the ended device is closed after the answer."""
    if result.own:
        if connection.login is not None:
            connection.login.end()
        connection.loop.queue_in_loop(lambda: connection.close("ended"))
    return {"deviceid": result.number}


def named_device(message: LoginRequest, *, by_password: bool) -> NamedDevice | None:
    """The named device that a v2 login asks for; None: it asks for the unnamed one.

    Raises ProtocolError(BAD_REQUEST).
    """
    if message.get("devices") is not True:
        return None
    name, ends = message.get("device"), message.get("end_device")
    if ends is not None and not by_password:  # a stolen token must not end the owner's devices
        raise ProtocolError(ErrNo.BAD_REQUEST, "end_device: needs the password, not a token")
    return NamedDevice(name, message.get("label"), ends) if name else None


def named_fields(entered: Entered) -> Message:
    """The fields of the answer to a login with a named device."""
    device = entered.device.device
    if device is None or not is_named(device.mailbox):
        return {}
    number, label = device_of(device.mailbox), device.label
    return {
        "devices": True,
        "deviceid": number,
        "label": label,
        "since": device.since,
        "newest": entered.snapshot.newest,
    }
