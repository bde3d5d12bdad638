from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from client.account import store as store_module
from client.account.inbox import Seen
from client.account.outbox import OutboxMessage
from client.account.records import Credentials, new_device
from client.account.slots import Place, forget_account
from client.account.store import Store
from client.errors import StoreError

HOST, PORT = "chat.example", 6000
CREDENTIALS = Credentials("ann", "device-1", "token-1")


def open_store(root: Path, user_id: int = 5, host: str = HOST) -> Store:
    return Store(root, host, PORT, user_id).open()


def message(mid: str, *, to_group: bool = False, text: str = "你好\n") -> OutboxMessage:
    return OutboxMessage(mid, 7, to_group, text, 1000.5)


def seen(seq: int) -> Seen:
    return Seen(seq, seq * 7)


def everything_in(root: Path) -> dict[str, int]:
    """Every file and folder below, with its mode."""
    return {
        str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")
    }


def test_an_account_that_is_new(tmp_path: Path) -> None:
    with open_store(tmp_path / "root") as store:
        assert store.credentials is None
        assert store.unsent == ()
        assert store.seen == ()
        store.save_credentials(CREDENTIALS)
    with open_store(tmp_path / "root") as store:
        assert store.credentials == CREDENTIALS
        assert "token-1" not in repr(store.credentials)


def test_other_users_may_not_look(tmp_path: Path) -> None:
    with open_store(tmp_path / "root") as store:
        store.save_credentials(CREDENTIALS)
        store.add(message("a"))
        store.saw(seen(1))
        store.write_extra("ui.json", {})
        assert stat.S_IMODE((tmp_path / "root").stat().st_mode) == 0o700
        assert everything_in(tmp_path / "root") == {
            "chat.example_6000": 0o700,
            "chat.example_6000/5": 0o700,
            "chat.example_6000/5/account.json": 0o600,
            "chat.example_6000/5/lock": 0o600,
            "chat.example_6000/5/outbox.jsonl": 0o600,
            "chat.example_6000/5/seen.jsonl": 0o600,
            "chat.example_6000/5/ui.json": 0o600,
        }


def test_a_mistyped_id_leaves_nothing_behind(tmp_path: Path) -> None:
    root = tmp_path / "root"
    open_store(root, user_id=6).close()
    assert everything_in(root) == {}
    open_store(root).save_credentials(CREDENTIALS)
    open_store(root, user_id=6).close()
    assert "chat.example_6000/6" not in everything_in(root)


def test_messages_that_were_not_confirmed_survive(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for mid in ("a", "b", "c"):
            store.add(message(mid, to_group=mid == "c"))
        store.remove("b")
        store.remove("never heard of")
    with open_store(tmp_path) as store:
        assert store.unsent == (message("a"), message("c", to_group=True))
        store.remove("a")
        store.remove("c")
    with open_store(tmp_path) as store:
        assert store.unsent == ()


def test_seen_messages_survive(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for seq in (3, 1, 2):
            store.saw(seen(seq))
    with open_store(tmp_path) as store:
        assert store.seen == (seen(3), seen(1), seen(2))


def test_files_do_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_SLACK", 5)
    monkeypatch.setattr(store_module, "SEEN_SEQS", 10)
    with open_store(tmp_path) as store:
        store.add(message("stays"))
        for number in range(100):
            store.add(message(f"m{number}"))
            store.remove(f"m{number}")
            store.saw(seen(number + 1))
            for name in ("outbox.jsonl", "seen.jsonl"):
                lines = (store.folder / name).read_bytes().count(b"\n")
                assert lines <= 20
        assert store.seen[-10:] == tuple(map(seen, range(91, 101)))
        assert store.unsent == (message("stays"),)
    with open_store(tmp_path) as store:
        assert store.seen == tuple(map(seen, range(91, 101)))
        assert store.unsent == (message("stays"),)


def test_one_program_at_a_time(tmp_path: Path) -> None:
    with open_store(tmp_path), pytest.raises(StoreError, match="is in use by another program"):
        open_store(tmp_path)
    open_store(tmp_path).close()
    with open_store(tmp_path), open_store(tmp_path, user_id=6):
        pass  # another account is another folder


@pytest.mark.parametrize("name", ["outbox.jsonl", "seen.jsonl", "account.json"])
def test_another_accounts_file(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path, user_id=6) as other:
        other.save_credentials(CREDENTIALS)
        other.add(message("theirs"))
        other.saw(seen(1))
    with open_store(tmp_path) as mine:
        mine.save_credentials(CREDENTIALS)
    (mine.folder / name).write_bytes((other.folder / name).read_bytes())
    with pytest.raises(StoreError, match="belongs to another account") as caught:
        open_store(tmp_path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    (mine.folder / name).unlink()
    open_store(tmp_path).close()  # the lock was given back


def test_the_files_of_another_account_stay(tmp_path: Path) -> None:
    """Example: the folder of user 6 was copied to that of user 5."""
    with open_store(tmp_path, user_id=6) as other:
        other.save_credentials(CREDENTIALS)
        other.add(message("theirs"))
    copied = other.folder.with_name("5")
    shutil.copytree(other.folder, copied)
    before = (copied / "outbox.jsonl").read_bytes()
    with pytest.raises(StoreError, match="belongs to another account"):
        open_store(tmp_path)
    assert (copied / "outbox.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b"[" * 100_000, b"{}"]
)
def test_damaged_files_are_ignored(tmp_path: Path, content: bytes) -> None:
    with open_store(tmp_path) as store:
        store.save_credentials(CREDENTIALS)
        store.write_extra("ui.json", {"a": 1})
    for path in store.folder.iterdir():
        path.write_bytes(content)
    with open_store(tmp_path) as store:
        assert store.credentials is None
        assert store.unsent == ()
        assert store.seen == ()
        assert store.read_extra("ui.json") == {}
        store.add(message("a"))
        store.saw(seen(1))
    with open_store(tmp_path) as store:
        assert store.unsent == (message("a"),)
        assert store.seen == (seen(1),)


def test_messages_of_an_unknown_account_are_not_sent(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.save_credentials(CREDENTIALS)
        store.add(message("a"))
    path = store.folder / "outbox.jsonl"
    path.write_bytes(path.read_bytes().partition(b"\n")[2])  # without its first line
    with open_store(tmp_path) as store:
        assert store.unsent == ()


@pytest.mark.parametrize(
    "record",
    [
        {"mid": "", "toid": 7, "text": "x", "at": 1},
        {"mid": "x" * 65, "toid": 7, "text": "x", "at": 1},
        {"mid": 5, "toid": 7, "text": "x", "at": 1},
        {"mid": "m", "toid": 0, "text": "x", "at": 1},
        {"mid": "m", "toid": True, "text": "x", "at": 1},
        {"mid": "m", "toid": "7", "text": "x", "at": 1},
        {"mid": "m", "text": "x", "at": 1},
        {"mid": "m", "toid": 7, "text": None, "at": 1},
        {"mid": "m", "groupid": 2**31, "text": "x", "at": 1},
    ],
)
def test_a_message_that_makes_no_sense_is_left_out(
    tmp_path: Path, record: dict[str, object]
) -> None:
    with open_store(tmp_path) as store:
        store.save_credentials(CREDENTIALS)
        store.add(message("a"))
    with open(store.folder / "outbox.jsonl", "a", encoding="ascii") as file:
        file.write(json.dumps(record) + "\n")
    with open_store(tmp_path) as store:
        assert store.unsent == (message("a"),)


def test_a_line_cut_by_a_kill_does_not_spoil_the_next(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.add(message("a"))
        path = store.folder / "outbox.jsonl"
    with open(path, "ab") as file:
        file.write(b'{"mid":"b","toi')
    with open_store(tmp_path) as store:
        store.add(message("c"))
    with open_store(tmp_path) as store:
        assert store.unsent == (message("a"), message("c"))


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        open_store(tmp_path / "file")
    with pytest.raises(StoreError):
        open_store(tmp_path / "file" / "below")


@pytest.mark.parametrize("host", ["../../etc", "a/b", "::1", "..", "", "ü.example", "x" * 60])
def test_no_host_leads_out_of_the_folder(tmp_path: Path, host: str) -> None:
    root = tmp_path / "root"
    with open_store(root, host=host) as store:
        assert store.folder.resolve().is_relative_to(root.resolve())
        store.save_credentials(CREDENTIALS)
    assert os.listdir(tmp_path) == ["root"]


def test_an_id_that_is_given_to_a_new_user(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.save_credentials(CREDENTIALS)
        store.add(message("a"))
        store.saw(seen(1))
        store.write_extra("ui.json", {"a": 1})
        forget_account(Place(tmp_path, HOST, PORT), 5)  # in use: it stays
        assert store.folder.exists()
    forget_account(Place(tmp_path, HOST, PORT), 6)
    forget_account(Place(tmp_path, HOST, PORT), 5)
    forget_account(Place(tmp_path, HOST, PORT), 5)
    assert everything_in(tmp_path) == {}


def test_no_two_devices_are_alike() -> None:
    devices = {new_device() for _ in range(100)}
    assert len(devices) == 100
    assert all(len(device) <= 64 for device in devices)
