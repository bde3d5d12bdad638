from __future__ import annotations

from pathlib import Path

import pytest

from chat.protocol import Message, MsgType
from client.account.records import Credentials
from client.account.saved_accounts import saved_accounts
from client.account.store import Store
from tests.client.fake_server import FakeServer, ack, group_chat, login_ack, one_chat, refuse
from tests.client.plain.menu_run import MenuRun

ONLINE = "current login user => id:1"
HELP = "quit : leave the program, quit\n"

DEVICES = [
    {"deviceid": 4, "label": "phone", "last": "2024-01-02 00:00:00", "online": True},
    {"deviceid": 0, "label": "", "last": "2024-01-01 00:00:00", "online": False},
]


@pytest.fixture(autouse=True)
def lists_devices(server: FakeServer) -> None:
    devices = [{**one, "online": True} for one in DEVICES]
    server.rules[MsgType.DEVICES_MSG] = lambda r: [ack(MsgType.DEVICES_ACK, r, devices=devices)]


def save(folder: Path, server: FakeServer, token: str | None = "tt") -> None:
    with Store(folder, "127.0.0.1", server.port, 1) as store:
        store.save_credentials(Credentials("li si", "terminal", token))


def as_device(request: Message) -> list[Message]:
    return [login_ack(request, id=1, name="li si", devices=True, deviceid=5)]


def full(request: Message) -> list[Message]:
    """A server that has no place for one more device."""
    if request.get("end_device") == 4:
        return as_device(request)
    return [ack(MsgType.LOGIN_MSG_ACK, request, 13, errmsg="too many", devices=DEVICES)]


def test_a_kept_device(server: FakeServer, tmp_path: Path) -> None:
    """Each run is the same device, and the second one needs no password."""
    server.rules[MsgType.LOGIN_MSG] = as_device
    with MenuRun(server.port, folder=tmp_path) as menu:
        menu.type("1", "li si", "secret")
        menu.out.wait_for("2 devices online\n")
        menu.type("quit")
        assert menu.end() == 0
    first = server.expect(MsgType.LOGIN_MSG)
    assert first["devices"] is True
    assert first["label"]
    assert server.received_nothing_more(MsgType.LOGINOUT_MSG)
    for typed in (("1", "li si"), ("1", "1")):
        with MenuRun(server.port, folder=tmp_path) as menu:
            menu.type(*typed)
            menu.out.wait_for("2 devices online\n")
            menu.type("quit")
            assert menu.end() == 0
            assert "password:" not in menu.out.getvalue()
        again = server.expect(MsgType.LOGIN_MSG)
        assert (again["device"], again["token"]) == (first["device"], "t")


def test_copies_and_events(server: FakeServer, tmp_path: Path) -> None:
    server.rules[MsgType.LOGIN_MSG] = as_device
    event = {"msgid": 113, "id": 1, "name": "li si", "groupid": 7, "groupname": "tea", "seq": 11}
    event |= {"event": "created", "userid": 1, "by": 1, "time": "2024-01-02 03:04:05"}
    with MenuRun(server.port, folder=tmp_path) as menu:
        menu.login()
        own = {**one_chat(9, "from my phone", 1, "li si"), "toid": 2}
        server.send(own, {**group_chat(10, "to all"), "id": 1, "name": "li si"}, event)
        menu.out.wait_for("[1]li si said to 2: from my phone\n")
        menu.out.wait_for("群消息[7]:2024-01-02 03:04:05 [1]li si said: to all\n")
        menu.out.wait_for("2024-01-02 03:04:05 group 7: you created the group\n")
        server.send({"msgid": 95, "deviceid": 9, "event": "new", "label": "tablet"})
        menu.out.wait_for("new device: tablet; if it is not yours: end:9\n")


def test_a_script_without_a_folder_is_no_device(server: FakeServer) -> None:
    with MenuRun(server.port, script=True) as menu:
        menu.login()
        menu.type("quit")
        assert menu.end() == 0
    assert "devices" not in server.expect(MsgType.LOGIN_MSG)
    server.expect(MsgType.LOGINOUT_MSG)


def test_a_script_with_a_saved_login(server: FakeServer, tmp_path: Path) -> None:
    """With a user's name at the start, its lines are commands."""
    save(tmp_path, server)
    server.rules[MsgType.LOGIN_MSG] = as_device
    with MenuRun(server.port, folder=tmp_path, user="li si", script=True) as menu:
        menu.type("chat:2:hello", "quit")
        assert menu.end() == 0
    assert server.expect(MsgType.LOGIN_MSG)["token"] == "tt"
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "hello"
    with MenuRun(server.port, user="li si", script=True) as menu:  # nothing is saved
        menu.type("secret", "quit")
        assert menu.end() == 0
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "secret"


def test_a_script_types_its_password_always(server: FakeServer, tmp_path: Path) -> None:
    """So each line has the same meaning at the first run and later."""
    save(tmp_path, server)
    with MenuRun(server.port, folder=tmp_path, script=True) as menu:
        menu.type("1", "li si", "secret", "quit")
        assert menu.end() == 0
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "secret"


def test_a_saved_login_that_has_expired(server: FakeServer, tmp_path: Path) -> None:
    save(tmp_path, server)

    def answer(request: Message) -> list[Message]:
        if "token" in request:
            return [ack(MsgType.LOGIN_MSG_ACK, request, 1, errmsg="no")]
        return as_device(request)

    server.rules[MsgType.LOGIN_MSG] = answer
    with MenuRun(server.port, folder=tmp_path, user="li si") as menu:
        menu.out.wait_for("the saved login is no longer valid\npassword:")
        menu.type("secret")
        menu.out.wait_for(ONLINE)


def test_an_account_that_is_open_elsewhere(server: FakeServer, tmp_path: Path) -> None:
    save(tmp_path, server)
    server.rules[MsgType.LOGIN_MSG] = as_device
    with (
        Store(tmp_path, "127.0.0.1", server.port, 1),
        MenuRun(server.port, folder=tmp_path, user=1) as menu,
    ):
        menu.out.wait_for("with the password it opens here, too\npassword:")
        menu.type("secret")
        menu.out.wait_for(ONLINE)
        assert server.expect(MsgType.LOGIN_MSG)["device"] != "terminal"


def test_too_many_devices(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = full
    menu.type("1", "li si", "secret")
    shown = menu.out.wait_for("number of the device to end, or nothing:")
    assert shown.partition("one of them must end\n")[2].partition("number")[0] == (
        "0 clients without a device of their own offline 2024-01-01 00:00:00\n"
        "4 phone online 2024-01-02 00:00:00\n"
    )
    menu.type("9", "x", "4")
    printed = menu.out.wait_for(ONLINE)
    assert printed.count("the number of a device is expected") == 2
    assert printed.count("password:") == 1


def test_too_many_devices_for_a_saved_login(server: FakeServer, tmp_path: Path) -> None:
    save(tmp_path, server)
    server.rules[MsgType.LOGIN_MSG] = full
    with MenuRun(server.port, folder=tmp_path, user=1) as menu:
        menu.out.wait_for("number of the device to end, or nothing:")
        menu.type("4")
        menu.out.wait_for("password:")
        menu.type("secret")
        menu.out.wait_for(ONLINE)
    assert "end_device" not in server.expect(MsgType.LOGIN_MSG)
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["password"], request["end_device"]) == ("secret", 4)


def test_no_device_has_to_end(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = full
    menu.type("1", "li si", "secret", "", "3")
    assert menu.end() == 0


def test_a_script_fails_with_too_many_devices(server: FakeServer, tmp_path: Path) -> None:
    server.rules[MsgType.LOGIN_MSG] = full
    with MenuRun(server.port, folder=tmp_path, script=True) as menu:
        menu.type("1", "li si", "secret", "quit")
        assert menu.end() == 1
    assert menu.err.getvalue() == "login failed: too many\nthe rest of the input was not used\n"


def test_an_unsent_message_goes_with_the_next_run(server: FakeServer, tmp_path: Path) -> None:
    answer = server.rules.pop(MsgType.ONE_CHAT_MSG)
    with MenuRun(server.port, folder=tmp_path) as menu:
        menu.login()
        menu.type("chat:5:hello")
        first = server.expect(MsgType.ONE_CHAT_MSG)
        server.hang_up()
        assert menu.end() == 1
        assert "message to 5 failed: not confirmed by the server; it stays" in menu.out.getvalue()
    server.rules[MsgType.ONE_CHAT_MSG] = answer
    with MenuRun(server.port, folder=tmp_path, user=1) as menu:
        menu.out.wait_for(HELP)
        assert server.expect(MsgType.ONE_CHAT_MSG)["mid"] == first["mid"]
        menu.type("quit")
        assert menu.end() == 0


def test_a_logout_revokes_the_saved_login(server: FakeServer, tmp_path: Path) -> None:
    with MenuRun(server.port, folder=tmp_path) as menu:
        menu.login()
        menu.type("loginout", "3")
        assert menu.end() == 0
    server.expect(MsgType.LOGINOUT_MSG)
    assert not saved_accounts(tmp_path, "127.0.0.1", server.port)


def test_a_wrong_password(server: FakeServer, tmp_path: Path) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 1, "wrong")
    with MenuRun(server.port, folder=tmp_path) as menu:
        menu.type("1", "li si", "guess", "3")
        assert menu.end() == 0
        assert "id or password is invalid!\n" in menu.out.getvalue()
