"""Several programs of one account on one machine, and several addresses of one server."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client import ChatClient, StoreError
from tests.e2e.chatkit import PASSWORD, WAIT, ServerProcess, free_port
from tests.e2e.test_client_library import QUICK, Reader
from tests.e2e.test_client_scripts import run
from tests.e2e.test_client_terminal import Window, Windows, register

Start = Callable[..., ServerProcess]


@pytest.fixture
def windows(tmp_path: Path, server: ServerProcess) -> Iterator[Windows]:
    windows = Windows(tmp_path, server)
    yield windows
    windows.close()


def kill_client(window: Window) -> None:
    """Kill the client in a window, but not the shell."""
    shell = window.pid()
    (client,) = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
    os.kill(int(client), signal.SIGKILL)


def named_devices(server: ServerProcess) -> int:
    """The number of named devices of user 1."""
    return len(server.query("SELECT mailbox FROM device WHERE userid = 1 AND hash <> ''"))


def test_two_terminals_with_one_folder(windows: Windows, server: ServerProcess) -> None:
    first = windows.open("ann")
    register(first, "ann", 1)
    bob = windows.open("bob")
    register(bob, "bob", 2)
    second = windows.open("ann")
    second.see("Another program has this account open.", "ann")
    second.enter(PASSWORD)
    second.see("2 devices online")
    for window in (first, second):
        window.enter("/chat bob")
        window.see("bob (2)")
    bob.enter("/chat ann hello")
    for window in (first, second):
        window.see("bob: hello")
    second.enter("from the second")
    first.see("ann: from the second")
    server.kill()  # both write while there is no server
    first.enter("one")
    second.enter("two")
    first.see("1 unsent")
    second.see("1 unsent")
    kill_client(second)
    second.see("status 137")
    first.keys("C-q")
    first.see("Quit?")
    first.enter("y")
    first.see("status 0")
    server.start()
    third = windows.open("ann")  # takes the first slot, and what waits in the second one
    bob.see("ann: one", "ann: two")
    screen = third.see("bob: hello", "ann: from the second", "ann: one", "ann: two", gone="unsent")
    received = bob.see("ann: two")
    for text in ("bob: hello", "ann: from the second", "ann: one", "ann: two"):
        assert screen.count(text) == received.count(text) == 1
    assert named_devices(server) == 2
    fourth = windows.open("ann")
    fourth.see("bob")  # the second slot is used again, without a password
    third.enter("/devices")
    third.see("Your devices", "this device")
    assert named_devices(server) == 2


@pytest.fixture
def other_port(make_server: Start) -> tuple[ServerProcess, int]:
    port = free_port()
    return make_server("", "--listen", f"127.0.0.1:{port}"), port


def test_one_device_at_two_addresses(other_port: tuple[ServerProcess, int], tmp_path: Path) -> None:
    server, port = other_port
    first_read, second_read = Reader(), Reader()

    def client(port: int, reader: Reader, **options: object) -> ChatClient:
        return ChatClient(
            "127.0.0.1",
            port,
            folder=tmp_path / "state",
            on_message=reader,
            timing=QUICK,
            **options,  # type: ignore[arg-type]
        )

    with ChatClient("127.0.0.1", server.port) as bob:
        bob_id = bob.register("bob", PASSWORD)
        bob.login(bob_id, PASSWORD)
        with client(server.port, first_read) as ann:
            ann_id = ann.register("ann", PASSWORD)
            device = ann.login("ann", PASSWORD).device_id
            bob.send(ann_id, "one").result(WAIT)
            first_read.wait_for(1)
        bob.send(ann_id, "two").result(WAIT)
        with client(port, second_read) as ann:
            assert ann.login("ann", PASSWORD).device_id == device
            second_read.wait_for(1)
            bob.send(ann_id, "three").result(WAIT)
            assert second_read.wait_for(2) == ["two", "three"]
        for there in (server.port, port):  # the saved login is one, too
            with client(there, second_read) as ann:
                assert ann.login("ann").device_id == device
                assert [one.id for one in ann.devices()] == [device]
    assert second_read.wait_for(2) == ["two", "three"]


def test_a_device_that_was_guessed_wrongly(
    other_port: tuple[ServerProcess, int], tmp_path: Path
) -> None:
    """The files of another account of that name were used later, so its device is presented."""
    server, port = other_port
    state = tmp_path / "state"

    def client(port: int) -> ChatClient:
        return ChatClient("127.0.0.1", port, folder=state, timing=QUICK, on_message=reader)

    reader = Reader()
    with client(server.port) as ann:
        ann_id = ann.register("ann", PASSWORD)
        device = ann.login("ann", PASSWORD).device_id
    wrong = state / "services" / ("f" * 32)
    wrong.mkdir()
    owner = {"v": 1, "host": "elsewhere", "port": 1, "id": 7, "service": "f" * 32}
    login = {**owner, "name": "ann", "device": "wrong", "token": "t"}
    (wrong / "account.json").write_text(json.dumps(login))
    os.utime(wrong / "account.json", (2**31, 2**31))
    with ChatClient("127.0.0.1", server.port) as bob, client(port) as ann:
        assert ann.login("ann", PASSWORD).device_id == device
        assert [one.id for one in ann.devices()] == [device]
        bob.login(bob.register("bob", PASSWORD), PASSWORD)
        bob.send(ann_id, "hello").result(WAIT)
        assert reader.wait_for(1) == ["hello"]
    assert json.loads((wrong / "account.json").read_text())["token"] == "t"


def test_a_shared_folder_is_asked_for(server: ServerProcess, tmp_path: Path) -> None:
    """A bot that is started twice by mistake must not answer twice."""

    def client(**options: object) -> ChatClient:
        return ChatClient("127.0.0.1", server.port, folder=tmp_path, **options)  # type: ignore[arg-type]

    with client() as first, client() as second, client(share_folder=True) as third:
        ann_id = first.register("ann", PASSWORD)
        device = first.login(ann_id, PASSWORD).device_id
        with pytest.raises(StoreError, match="another program"):
            second.login(ann_id, PASSWORD)
        with pytest.raises(StoreError, match="another program"):
            third.login(ann_id)
        assert third.login(ann_id, PASSWORD).device_id != device


def test_line_mode_is_a_device(windows: Windows, server: ServerProcess) -> None:
    """It gets copies and events, is the same device in each run, and stays beside the windows."""
    office = windows.open("office")
    register(office, "ann", 1)
    line = windows.open("home", "--plain")
    line.see("choice:")
    line.enter("1")
    line.see("name or id:")
    line.enter("ann")
    line.see("password:")
    line.enter(PASSWORD)
    line.see("2 devices online")
    office.enter("/create tea")
    line.see("you created the group")
    office.enter("/group tea hello all")
    line.see("ann said: hello all")
    line.enter("groupchat:1:a note")
    office.see("ann: a note")
    line.enter("quit")
    line.see("status 0")
    office.enter("while you were away")
    again = windows.open("home", "--plain", "--login", "ann")
    screen = again.see("ann said: while you were away", "2 devices online")
    assert "hello all" not in screen
    assert named_devices(server) == 2
    again.enter("devices")
    again.see("this device")
    assert server.query("SELECT COUNT(*) FROM offlinemessage") == [(0,)]


def test_a_script_is_no_device(server: ServerProcess, tmp_path: Path) -> None:
    with ChatClient("127.0.0.1", server.port) as client:
        client.register("ann", PASSWORD)
    lines = f"1\nann\n{PASSWORD}\nchat:1:hello\nquit\n"
    for _ in range(2):
        done = run(server, text=lines)
        assert (done.returncode, done.stderr) == (0, "")
    assert server.query("SELECT COUNT(*) FROM device") == [(0,)]
    assert not (tmp_path / "xdg").exists()
    for _ in range(2):  # a script that names a folder is one device
        done = run(server, "--folder", str(tmp_path / "state"), text=lines)
        assert (done.returncode, done.stderr) == (0, "")
    assert named_devices(server) == 1


def test_line_mode_with_too_many_devices(make_server: Start, tmp_path: Path) -> None:
    server = make_server(config="[chat]\ndevices = 2\n")
    for name in ("laptop", "phone"):
        with ChatClient("127.0.0.1", server.port, device=name, label=name) as client:
            if name == "laptop":
                client.register("ann", PASSWORD)
            client.login("ann", PASSWORD)
    windows = Windows(tmp_path, server)
    try:
        line = windows.open("home", "--plain", "--login", "ann")
        line.see("password:")
        line.enter(PASSWORD)
        line.see("1 laptop", "2 phone", "number of the device to end")
        line.enter("1")
        line.see("current login user => id:1")
        assert server.query("SELECT label FROM device ORDER BY mailbox")[0] == ("phone",)
    finally:
        windows.close()
