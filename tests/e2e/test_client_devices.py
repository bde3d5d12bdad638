"""Several devices of one account, as programs and as terminals, at a server that is killed."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from client import ChatClient, DeviceNotice, ReplacedError, State, TooManyDevicesError
from client.account.saved_accounts import saved_accounts
from tests.e2e.chatkit import PASSWORD, WAIT, ServerProcess
from tests.e2e.test_client_library import QUICK, Reader
from tests.e2e.test_client_terminal import Windows, register

Open = Callable[..., tuple[ChatClient, Reader]]


@pytest.fixture
def opened(server: ServerProcess) -> Iterator[Open]:
    """Opens clients: ``opened(**options)``; each is closed at the end."""
    with ExitStack() as stack:

        def make(**options: object) -> tuple[ChatClient, Reader]:
            reader = Reader()
            client = ChatClient(
                "127.0.0.1",
                server.port,
                **{"on_message": reader, "timing": QUICK, **options},  # type: ignore[arg-type]
            )
            stack.callback(client.close)
            client.connect(WAIT)
            return client, reader

        yield make


def test_each_device_gets_each_message_once(server: ServerProcess, opened: Open) -> None:
    """The server is killed between the messages, and while they are sent."""
    ann = [opened(device=f"device {number}") for number in range(3)]
    bob, bobs = opened()
    ann_id, bob_id = bob.register("ann", PASSWORD), bob.register("bob", PASSWORD)
    bob.login(bob_id, PASSWORD)
    for client, _ in ann:
        assert client.login(ann_id, PASSWORD).device_id
    sent = []
    for part in range(3):
        for number, (client, _) in enumerate(ann):
            sent.append(client.send(bob_id, f"ann {number} {part}"))
        sent.append(bob.send(ann_id, f"bob {part}"))
        if part < 2:
            server.kill()
            server.start()
    for sending in sent:
        sending.result(2 * WAIT)
    for number, (client, reader) in enumerate(ann):
        others = [f"ann {n} {part}" for n in range(3) if n != number for part in range(3)]
        expected = [*others, "bob 0", "bob 1", "bob 2"]
        assert sorted(reader.wait_for(len(expected))) == sorted(expected)
        seqs = [message.seq for message in reader.messages]
        assert len(set(seqs)) == len(seqs)
        for message in reader.messages:
            assert message.mine == message.text.startswith("ann")
            assert message.other_id == bob_id
        past = client.history(user_id=bob_id).messages
        assert [message.mine for message in past].count(True) == 9
    assert len(bobs.wait_for(9)) == 9


def test_a_note_to_oneself_and_a_group(opened: Open) -> None:
    (laptop, on_laptop), (phone, on_phone) = opened(device="laptop"), opened(device="phone")
    ann_id = laptop.register("ann", PASSWORD)
    for client in (laptop, phone):
        client.login(ann_id, PASSWORD)
    group = laptop.create_group("tea")
    laptop.send(ann_id, "note").result(WAIT)
    laptop.send_group(group.id, "to all").result(WAIT)
    assert on_phone.wait_for(2) == ["note", "to all"]
    assert on_laptop.wait_for(1) == ["note"]
    assert [message.mine for message in on_phone.messages] == [True, True]


def test_a_device_is_told_of_another_and_ends_it(
    server: ServerProcess, opened: Open, tmp_path: Path
) -> None:
    notices: queue.SimpleQueue[DeviceNotice] = queue.SimpleQueue()
    stopped: queue.SimpleQueue[object] = queue.SimpleQueue()
    laptop, _ = opened(device="laptop", label="my laptop", on_device_notice=notices.put)
    phone, _ = opened(folder=tmp_path, label="my phone", on_state=stopped.put)
    ann_id = laptop.register("ann", PASSWORD)
    laptop.login(ann_id, PASSWORD)
    number = phone.login(ann_id, PASSWORD).device_id
    notice = notices.get(timeout=WAIT)
    assert (notice.event, notice.id, notice.label) == ("new", number, "my phone")
    listed = {device.label: device for device in laptop.devices()}
    assert listed["my laptop"].this
    assert listed["my phone"].online
    laptop.end_device(number)
    assert notices.get(timeout=WAIT) == DeviceNotice("ended", number)
    while phone.state is not State.STOPPED:
        stopped.get(timeout=WAIT)
    assert isinstance(phone.status.error, ReplacedError)
    assert phone.status.error.reason == "ended"
    assert not saved_accounts(tmp_path, "127.0.0.1", server.port)
    assert phone.login(ann_id, PASSWORD).device_id != number


def test_one_device_too_many(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(config="[chat]\ndevices = 2\n")

    def new(name: str) -> ChatClient:
        return ChatClient("127.0.0.1", server.port, device=name, timing=QUICK)

    with new("a") as first, new("b") as second, new("c") as third:
        ann_id = first.register("ann", PASSWORD)
        first.login(ann_id, PASSWORD)
        second.login(ann_id, PASSWORD)
        with pytest.raises(TooManyDevicesError) as caught:
            third.login(ann_id, PASSWORD)
        assert len(caught.value.devices) == 2
        assert second.account is not None
        third.login(ann_id, PASSWORD, end_device=second.account.device_id)
        assert {device.this for device in third.devices()} == {True, False}
        assert first.state is State.ONLINE


def test_two_terminals_of_one_user(tmp_path: Path, server: ServerProcess) -> None:
    windows = Windows(tmp_path, server)
    try:
        office = windows.open("office")
        register(office, "ann", 1)
        bob = windows.open("bob")
        register(bob, "bob", 2)
        home = windows.open("home")
        home.see("Sign in", "password")
        home.enter("ann")
        home.enter(PASSWORD)
        home.see("2 devices online")
        office.see("New device: chatclient@", "/end ")
        for window in (office, home):
            window.enter("/chat bob")
            window.see("bob (2)")
        bob.enter("/chat ann hello")
        office.see("bob: hello")
        home.see("bob: hello")
        server.kill()
        office.enter("from the office")
        server.start()
        home.see("ann: from the office")
        home.enter("from home")
        office.see("ann: from home")
        screen = bob.see("ann: from the office", "ann: from home")
        assert screen.count("from the office") == screen.count("from home") == 1
        assert home.see("✓").count("from the office") == 1
        office.enter("/devices")
        office.see("Your devices", "this device")
    finally:
        windows.close()
