"""The devices of the user, in the whole terminal with a scripted server."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat.protocol import Message, MsgType
from tests.client.fake_server import FakeServer, ack, login_ack, one_chat, refuse
from tests.client.ui.appkit import Start, save_login
from tests.client.ui.apprun import ENTER, ESC, TAB, AppRun

TIME = "2026-11-23 12:00:00"
UNNAMED = {"deviceid": 0, "label": "", "first": "", "last": "", "online": False, "this": False}
PHONE = {"deviceid": 3, "label": "phone\x1b", "first": TIME, "last": "2026-11-22 12:00:00"}
PHONE.update(online=True, this=False)
LAPTOP = {"deviceid": 4, "label": "chatclient@laptop", "first": TIME, "last": TIME}
LAPTOP.update(online=True, this=True)
DEVICES = [UNNAMED, PHONE, LAPTOP]


@pytest.fixture
def app(server: FakeServer, start: Start) -> AppRun:
    """Signed in as the device 4."""
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, devices=True, deviceid=4)]
    server.rules[MsgType.DEVICES_MSG] = lambda r: [ack(MsgType.DEVICES_ACK, r, devices=DEVICES)]
    server.rules[MsgType.END_DEVICE_MSG] = lambda r: [ack(MsgType.END_DEVICE_ACK, r)]
    app = start()
    app.sign_in()
    return app


def test_the_number_of_devices_and_their_list(server: FakeServer, app: AppRun) -> None:
    app.wait_for("2 devices online")
    app.command("/devices")
    app.wait_for(
        "Your devices: /end NUMBER ends one",
        "0  clients without a device of their own  offline",
        "3  phone\\x1b  online  since 2026-11-23  last 2026-11-22 20:00",
        "4  chatclient@laptop  this device",
    )
    app.type(ESC)
    app.command("/end 3")
    app.wait_for("The device 3 has ended.")
    assert server.expect(MsgType.END_DEVICE_MSG)["deviceid"] == 3
    app.command("/end phone")
    app.wait_for("phone is not the number of a device. See them: /devices")
    server.rules[MsgType.END_DEVICE_MSG] = refuse(MsgType.END_DEVICE_ACK, 5, "you have no such")
    app.command("/end 0")
    app.wait_for("You have no device 0. See them: /devices")


def test_a_new_device(server: FakeServer, app: AppRun) -> None:
    app.wait_for("2 devices online")
    server.send({"msgid": 95, "event": "new", "deviceid": 5, "label": "tablet", "first": TIME})
    app.wait_for("New device: tablet. If that was not you: /end 5, and /password")
    server.send({"msgid": 95, "event": "ended", "deviceid": 5})
    app.wait_for("The device 5 has ended.")
    server.send({"msgid": 95, "event": "new", "deviceid": 0})
    app.wait_for("New device: clients without a device of their own.")


def test_a_message_from_another_device(server: FakeServer, app: AppRun) -> None:
    """It is an own message in the conversation with its receiver, and rings no bell."""
    app.command("/chat 2")
    server.send({**one_chat(7, "from the phone", sender=1, name="alice"), "toid": 2})
    app.wait_for("alice: from the phone")
    app.command("/end 4")
    app.wait_for("Sign this device out for good?")
    assert app.output.bells == 0


def test_this_device_is_ended(server: FakeServer, app: AppRun) -> None:
    app.wait_for("2 devices online")
    server.send({"msgid": 32, "reason": "ended", "reconnect": False})
    server.hang_up()
    app.wait_for("this device was signed out, by another one of yours")


@pytest.mark.parametrize("answer", ["y", "n"])
def test_too_many_devices(server: FakeServer, start: Start, answer: str) -> None:
    def login(request: Message) -> list[Message]:
        if "end_device" in request:
            return [login_ack(request)]
        text = "you have too many devices: end one of them"
        return [ack(MsgType.LOGIN_MSG_ACK, request, 13, errmsg=text, devices=[LAPTOP, PHONE])]

    server.rules[MsgType.LOGIN_MSG] = login
    app = start()
    app.wait_for("Sign in")
    app.type("1", TAB, "secret", ENTER)
    app.wait_for("End phone\\x1b (3), last used 2026-11-22 20:00, and sign in here?")
    if answer == "n":
        app.type("n")
        app.wait_for("End chatclient@laptop (4), last used 2026-11-23 20:00")
    app.type("y")
    app.wait_for("Welcome, alice")
    server.expect(MsgType.LOGIN_MSG)
    ended = server.expect(MsgType.LOGIN_MSG)["end_device"]
    assert ended == (3 if answer == "y" else 4)


def refuse_ninth(request: Message) -> list[Message]:
    if "end_device" in request:
        return [login_ack(request, name="alice")]
    text = "you have too many devices: end one of them"
    return [ack(MsgType.LOGIN_MSG_ACK, request, 13, errmsg=text, devices=[LAPTOP, PHONE])]


def test_too_many_devices_for_a_saved_login(
    server: FakeServer, start: Start, tmp_path: Path
) -> None:
    """A token may not end a device: the choice comes first, then the password."""
    save_login(tmp_path, server.port, 1, "alice")
    server.rules[MsgType.LOGIN_MSG] = refuse_ninth
    app = start(tmp_path)
    app.wait_for("End phone\\x1b (3), last used 2026-11-22 20:00, and sign in here?")
    app.type("y")
    app.wait_for("Type your password, to end phone\\x1b (3) and sign in here.")
    app.type("secret", ENTER)
    app.wait_for("alice (1) ●")
    assert "token" in server.expect(MsgType.LOGIN_MSG)
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["password"], request["end_device"]) == ("secret", 3)


def test_too_many_devices_at_a_reconnect(server: FakeServer, app: AppRun) -> None:
    """The cluster has begun to know devices meanwhile."""
    app.wait_for("2 devices online")
    server.rules[MsgType.LOGIN_MSG] = refuse_ninth
    server.hang_up()
    app.wait_for("End phone\\x1b (3), last used 2026-11-22 20:00, and sign in here?")
    app.type("n")
    app.wait_for("End chatclient@laptop (4)")
    app.type("y")
    app.wait_for("Type your password, to end chatclient@laptop (4) and sign in here.")
    app.type("secret", ENTER)
    app.wait_for("alice (1) ●")
