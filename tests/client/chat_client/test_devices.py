"""The devices of a user."""

from __future__ import annotations

import queue
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, State
from client.account.saved_accounts import saved_accounts
from client.errors import ReplacedError, TooManyDevicesError
from client.values import Device, DeviceNotice
from tests.client.chat_client.clientkit import QUICK, Make, States, times
from tests.client.fake_server import WAIT, FakeServer, ack, login_ack, refuse

DEVICES = [
    {"deviceid": 0, "label": "", "first": "then", "last": "now", "online": False, "this": False},
    {"deviceid": 4, "label": "chat@laptop", "first": "then", "last": "now", "online": True,
     "this": True},
]  # fmt: skip

UNNAMED = Device(0, "", "then", "now", False, False)

LAPTOP = Device(4, "chat@laptop", "then", "now", True, True)


@pytest.mark.parametrize("options", [{"folder": True}, {"device": "laptop"}, {"devices": True}])
def test_a_device_with_a_mailbox_of_its_own(
    server: FakeServer, make: Make, tmp_path: Path, options: dict[str, Any]
) -> None:
    if "folder" in options:
        options = {"folder": tmp_path}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, devices=True, deviceid=4)]
    client = make(**options, label="my laptop")
    assert client.login(1, "secret").device_id == 4
    login = server.expect(MsgType.LOGIN_MSG)
    assert login["devices"] is True
    assert login["label"] == "my laptop"
    client.logout()
    client.login(1, "secret")
    assert server.expect(MsgType.LOGIN_MSG)["device"] == login["device"]


@pytest.mark.parametrize("options", [{}, {"device": "laptop", "devices": False}])
def test_a_client_without_a_mailbox_of_its_own(
    server: FakeServer, make: Make, options: dict[str, Any]
) -> None:
    client = make(**options)
    assert client.login(1, "secret").device_id == 0
    login = server.expect(MsgType.LOGIN_MSG)
    assert "devices" not in login
    assert "label" not in login


def test_a_label_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="64"):
        ChatClient("127.0.0.1", 1, label="x" * 65)


def test_the_devices_of_the_user(server: FakeServer, make: Make) -> None:
    notices: queue.SimpleQueue[DeviceNotice] = queue.SimpleQueue()
    server.rules[MsgType.DEVICES_MSG] = lambda r: [ack(MsgType.DEVICES_ACK, r, devices=DEVICES)]
    server.rules[MsgType.END_DEVICE_MSG] = lambda r: [ack(MsgType.END_DEVICE_ACK, r)]
    client = make(device="laptop", on_device_notice=notices.put)
    client.login(1, "secret")
    assert client.devices() == (UNNAMED, LAPTOP)
    client.end_device(0)
    assert server.expect(MsgType.END_DEVICE_MSG)["deviceid"] == 0
    server.send({"msgid": 95, "event": "new", "deviceid": 5, "label": "phone", "first": "now"})
    assert notices.get(timeout=WAIT) == DeviceNotice("new", 5, "phone", "now")
    server.send({"msgid": 95, "event": "ended", "deviceid": 5})
    assert notices.get(timeout=WAIT) == DeviceNotice("ended", 5)
    for wrong in (-1, "4", True, None):
        with pytest.raises(ValueError, match="integer"):
            client.end_device(wrong)  # type: ignore[arg-type]


def test_too_many_devices(server: FakeServer, make: Make) -> None:
    """Another device is ended. The answer to that is lost; then the device does not exist."""

    def too_many(request: Message) -> list[Message]:
        if "end_device" not in request:
            text = "you have too many devices: end one of them"
            return [ack(MsgType.LOGIN_MSG_ACK, request, 13, errmsg=text, devices=DEVICES)]
        return []

    no_device = refuse(MsgType.LOGIN_MSG_ACK, 5, "you have no such device")
    server.rules[MsgType.LOGIN_MSG] = times(
        [too_many, too_many, no_device], lambda r: [login_ack(r)]
    )
    client = make(device="laptop", timing=replace(QUICK, login=0.2))
    with pytest.raises(TooManyDevicesError, match="too many devices") as caught:
        client.login(1, "secret")
    assert caught.value.devices == (UNNAMED, LAPTOP)
    assert caught.value.errno == 13
    client.login(1, "secret", end_device=4)
    ended = [server.expect(MsgType.LOGIN_MSG).get("end_device") for _ in range(4)]
    assert ended == [None, 4, 4, None]


def test_a_device_that_was_ended(server: FakeServer, make: Make, tmp_path: Path) -> None:
    states = States()
    client = make(folder=tmp_path, on_state=states)
    client.login(1, "secret")
    assert saved_accounts(tmp_path, "127.0.0.1", server.port)
    server.send({"msgid": 32, "reason": "ended", "reconnect": False})
    server.hang_up()
    error = states.wait_for(State.STOPPED).error
    assert isinstance(error, ReplacedError)
    assert str(error) == "this device was signed out: log in with the password"
    assert not saved_accounts(tmp_path, "127.0.0.1", server.port)
    client.login(1, "secret")
    assert client.state is State.ONLINE
