from __future__ import annotations

from pathlib import Path

import pytest

from client.account.folders import slots_in
from client.account.outbox import OutboxMessage
from client.account.records import Credentials
from client.account.saved_accounts import saved_accounts
from client.account.service_files import settle
from client.account.slots import Place, forget_account, known_device, open_slot
from client.account.store import Store
from client.errors import InUseError, StoreError

SERVICE = "a" * 32


def place(folder: Path, host: str = "host") -> Place:
    return Place(folder, host, 6000, shared=True)


def take(folder: Path, *, password: bool = True, device: str = "", host: str = "host") -> Store:
    first = place(folder, host).store(5)
    return open_slot(first, shared=True, has_password=password, device=device)


def save(store: Store, device: str, token: str | None = "token") -> Store:
    store.save_credentials(Credentials("ann", device, token))
    return store


def unsent(store: Store, *mids: str) -> None:
    for mid in mids:
        store.add(OutboxMessage(mid, 7, False, "hi", 1000.5))


def test_each_program_has_a_slot(tmp_path: Path) -> None:
    stores = [save(take(tmp_path), f"device {number}") for number in range(3)]
    assert [store.slot for store in stores] == [1, 2, 3]
    assert stores[1].folder == tmp_path / "host_6000" / "5" / "device-2"
    stores[1].close()
    again = take(tmp_path)
    assert again.slot == 2
    assert again.credentials == Credentials("ann", "device 1", "token")
    for store in (*stores, again):
        store.close()
    assert slots_in(again.base) == [1, 2, 3]


def test_a_login_without_a_password_needs_a_slot_with_a_token(tmp_path: Path) -> None:
    with take(tmp_path, password=False) as store:
        assert store.slot == 1
    first = save(take(tmp_path), "d1")
    with pytest.raises(InUseError):
        take(tmp_path, password=False)
    second = save(take(tmp_path), "d2")
    first.save_credentials(Credentials("ann", "d1", None))  # a logout
    first.close()
    second.close()
    with take(tmp_path, password=False) as chosen:
        assert chosen.slot == 2
    with take(tmp_path, device="d1") as chosen:
        assert chosen.slot == 1
    assert [one.name for one in saved_accounts(tmp_path, "host", 6000)] == ["ann"]


def test_without_sharing_one_program_has_the_account(tmp_path: Path) -> None:
    with save(take(tmp_path), "d1"):
        alone = Place(tmp_path, "host", 6000).store(5)
        with pytest.raises(InUseError):
            open_slot(alone, shared=False, has_password=True)


def test_an_empty_slot_leaves_nothing(tmp_path: Path) -> None:
    """A wrong password was typed in two terminals."""
    first, second = take(tmp_path), take(tmp_path)
    assert (first.slot, second.slot) == (1, 2)
    first.close()
    third = take(tmp_path)
    assert third.slot == 1
    third.close()
    second.close()
    assert not [*tmp_path.iterdir()]


def test_unsent_messages_of_a_free_slot(tmp_path: Path) -> None:
    first, second = save(take(tmp_path), "d1"), save(take(tmp_path), "d2")
    unsent(first, "a")
    unsent(second, "b", "c")
    second.close()
    third = save(take(tmp_path), "d2")
    assert [message.mid for message in third.unsent] == ["b", "c"]  # "a" has a program
    third.close()
    first.close()
    with take(tmp_path) as store:
        assert store.slot == 1
        assert [message.mid for message in store.unsent] == ["a", "b", "c"]
    with second.in_slot(2) as store:
        assert not store.unsent


def test_a_kill_while_messages_are_taken(tmp_path: Path) -> None:
    """Both outboxes have a message: it is taken once."""
    first, second = save(take(tmp_path), "d1"), save(take(tmp_path), "d2")
    unsent(first, "b")
    unsent(second, "b", "c")
    second.close()
    first.close()
    with take(tmp_path) as store:
        assert [message.mid for message in store.unsent] == ["b", "c"]
    with second.in_slot(2) as store:
        assert not store.unsent


def test_a_damaged_slot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = save(take(tmp_path), "d1"), save(take(tmp_path), "d2")
    unsent(second, "b")
    second.close()
    first.close()
    account = second.folder / "account.json"
    account.write_text(account.read_text().replace('"id": 5', '"id": 6'))
    with take(tmp_path) as store:
        assert store.slot == 1
        assert not store.unsent
    assert "unsent messages stay" in caplog.text


def test_the_slots_move_to_the_service(tmp_path: Path) -> None:
    first, second = save(take(tmp_path), "d1"), save(take(tmp_path), "d2")
    assert settle(first, SERVICE, shared=True) is first
    assert settle(second, SERVICE, shared=True) is second
    assert second.folder == tmp_path / "services" / SERVICE / "device-2"
    save(second, "d2", "new token")
    second.close()
    first.close()
    with take(tmp_path, device="d2") as store:
        assert (store.slot, store.service) == (2, SERVICE)
        assert store.credentials == Credentials("ann", "d2", "new token")


def test_a_second_address_while_another_program_uses_the_files(tmp_path: Path) -> None:
    first = settle(save(take(tmp_path), "d1"), SERVICE)
    other = settle(take(tmp_path, host="other"), SERVICE, shared=True)
    assert other.folder == tmp_path / "services" / SERVICE / "device-2"
    save(other, "d2").close()
    first.close()
    with take(tmp_path, host="other") as store:
        assert store.folder == tmp_path / "services" / SERVICE


def test_two_programs_while_the_address_goes_to_another_service(tmp_path: Path) -> None:
    stores = [save(take(tmp_path), f"d{number}") for number in range(2)]
    stores = [settle(store, SERVICE, shared=True) for store in stores]
    new = [save(settle(store, "b" * 32, shared=True), "e") for store in stores]
    assert [store.folder for store in new] == [
        tmp_path / "services" / ("b" * 32),
        tmp_path / "services" / ("b" * 32) / "device-2",
    ]
    for store in (*stores, *new):
        store.close()


def test_the_device_of_another_address(tmp_path: Path) -> None:
    assert known_device(place(tmp_path), "ann") is None
    first = settle(save(take(tmp_path), "d1"), SERVICE)
    assert known_device(place(tmp_path, "other"), "ann") is None  # a program uses it
    first.close()
    for who in ("ann", 5):
        assert known_device(place(tmp_path, "other"), who) == "d1"
    assert known_device(place(tmp_path, "other"), "bob") is None
    (tmp_path / "services" / SERVICE / "account.json").write_text("[]")
    assert known_device(place(tmp_path, "other"), "ann") is None


def test_all_slots_of_a_deleted_account(tmp_path: Path) -> None:
    stores = [save(take(tmp_path), f"d{number}") for number in range(3)]
    stores[0].close()
    stores[2].close()
    forget_account(place(tmp_path), 5)
    assert slots_in(stores[0].base) == [1, 2]  # a program uses the second one
    stores[1].close()
    forget_account(place(tmp_path), 5)
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "host_6000").write_text("in the way")
    with pytest.raises(StoreError):
        take(tmp_path)
