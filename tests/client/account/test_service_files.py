from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.account.inbox import Seen
from client.account.outbox import OutboxMessage
from client.account.records import Credentials
from client.account.saved_accounts import account_named, saved_accounts
from client.account.service_files import settle
from client.account.slots import Place, forget_account, replace_account
from client.account.store import Store

HOST, OTHER, PORT = "chat.example", "127.0.0.1", 6000
SERVICE, ANOTHER = "a" * 32, "b" * 32


def open_store(root: Path, host: str = HOST, user_id: int = 5) -> Store:
    return Store(root, host, PORT, user_id).open()


def message(mid: str) -> OutboxMessage:
    return OutboxMessage(mid, 7, False, "hi", 1000.5)


def fill(store: Store, name: str = "ann", *, mid: str = "m", seq: int = 1) -> Store:
    store.save_credentials(Credentials(name, f"device of {store.link.parent.name}", "token"))
    store.add(message(mid))
    store.saw(Seen(seq, 9))
    return store


def content(store: Store) -> tuple[list[str], list[int]]:
    return [one.mid for one in store.unsent], [mark.seq for mark in store.seen]


def test_the_files_move_to_the_service(tmp_path: Path) -> None:
    store = fill(open_store(tmp_path))
    assert settle(store, SERVICE) is store
    assert store.folder == tmp_path / "services" / SERVICE
    store.add(message("later"))
    store.saw(Seen(2, 9))
    store.write_extra("rooms.json", {"a": 1})
    assert settle(store, SERVICE) is store
    store.close()
    assert (tmp_path / "chat.example_6000" / "5").is_symlink()
    again = open_store(tmp_path)
    assert content(again) == (["m", "later"], [1, 2])
    assert again.read_extra("rooms.json") == {"a": 1}
    assert again.service == SERVICE
    again.close()
    assert [one.name for one in saved_accounts(tmp_path, HOST, PORT)] == ["ann"]
    assert account_named(tmp_path, HOST, PORT, "ann") == 5
    assert account_named(tmp_path, HOST, PORT, "bob") is None


def test_a_second_address_of_the_service(tmp_path: Path) -> None:
    settle(fill(open_store(tmp_path)), SERVICE).close()
    second = settle(fill(open_store(tmp_path, OTHER), mid="n", seq=2), SERVICE)
    assert content(second) == (["m", "n"], [1, 2])
    assert second.credentials == Credentials("ann", "device of chat.example_6000", "token")
    second.close()
    for host in (HOST, OTHER):
        with open_store(tmp_path, host) as store:
            assert store.folder == tmp_path / "services" / SERVICE
            assert content(store) == (["m", "n"], [1, 2])
        assert [one.user_id for one in saved_accounts(tmp_path, host, PORT)] == [5]


def test_a_second_address_while_a_program_uses_the_files(tmp_path: Path) -> None:
    first = settle(fill(open_store(tmp_path)), SERVICE)
    second = fill(open_store(tmp_path, OTHER), mid="n")
    assert settle(second, SERVICE) is second
    assert second.service is None
    assert content(second) == (["n"], [1])
    first.close()
    joined = settle(second, SERVICE)
    assert content(joined)[0] == ["m", "n"]
    joined.close()


def test_the_address_belongs_to_another_service_now(tmp_path: Path) -> None:
    former = settle(fill(open_store(tmp_path)), SERVICE)
    new = settle(former, ANOTHER)
    assert new is not former
    assert content(new) == ([], [])
    assert new.folder == tmp_path / "services" / ANOTHER
    former.close()
    new.save_credentials(Credentials("eve", "d", "t"))
    new.close()
    assert [one.name for one in saved_accounts(tmp_path, HOST, PORT)] == ["eve"]
    assert json.loads((tmp_path / "services" / SERVICE / "account.json").read_text())["name"]


def test_a_kill_between_the_two_steps(tmp_path: Path) -> None:
    """The folder was moved, and there is no link yet."""
    store = fill(open_store(tmp_path))
    store.close()
    (tmp_path / "services").mkdir()
    store.folder.rename(tmp_path / "services" / SERVICE)
    again = settle(fill(open_store(tmp_path), mid="n", seq=2), SERVICE)
    assert content(again) == (["m", "n"], [1, 2])
    again.close()


@pytest.mark.parametrize("name", ["", "x", "../../etc", "a/b/c/d/e", "..", "a" * 65, "中" * 9])
def test_a_name_that_is_no_folder(tmp_path: Path, name: str) -> None:
    with fill(open_store(tmp_path)) as store:
        assert settle(store, name) is store
        assert store.service is None
    assert not (tmp_path / "services").exists()


def test_when_the_disk_refuses(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("in the way")
    with fill(open_store(tmp_path)) as store:
        assert settle(store, SERVICE) is store
        store.add(message("n"))
        assert content(store) == (["m", "n"], [1])


def test_an_account_without_data_leaves_nothing(tmp_path: Path) -> None:
    settle(open_store(tmp_path), SERVICE).close()
    assert not [*tmp_path.iterdir()]


def test_a_deleted_account(tmp_path: Path) -> None:
    settle(fill(open_store(tmp_path)), SERVICE).close()
    forget_account(Place(tmp_path, HOST, PORT), 5)
    assert not [*tmp_path.iterdir()]


def test_a_new_database_at_the_address(tmp_path: Path) -> None:
    settle(fill(open_store(tmp_path)), SERVICE).close()
    replace_account(Place(tmp_path, HOST, PORT), 5)
    assert saved_accounts(tmp_path, HOST, PORT) == []
    assert (tmp_path / "services" / SERVICE / "account.json").exists()
    fill(open_store(tmp_path, user_id=6)).close()
    replace_account(Place(tmp_path, HOST, PORT), 6)
    assert not (tmp_path / "chat.example_6000" / "6").exists()


def test_the_epoch_is_kept_beside_the_numbers(tmp_path: Path) -> None:
    with fill(open_store(tmp_path)) as store:
        assert store.epoch is None
        store.begin_epoch("e1", forget=False)
    with open_store(tmp_path) as store:
        assert (store.epoch, content(store)[1]) == ("e1", [1])
        store.begin_epoch("e2", forget=True)
        store.saw(Seen(7, 9))
    with open_store(tmp_path) as store:
        assert (store.epoch, content(store)[1]) == ("e2", [7])
