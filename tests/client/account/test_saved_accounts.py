from __future__ import annotations

import os
from pathlib import Path

from client.account.records import Credentials
from client.account.saved_accounts import SavedAccount, saved_accounts
from client.account.store import Store

HOST, PORT = "chat.example", 6000


def test_saved_accounts(tmp_path: Path) -> None:
    assert saved_accounts(tmp_path / "nowhere", HOST, PORT) == []
    for user_id, token in ((5, "t5"), (6, None), (7, "t7"), (8, "t8")):
        with Store(tmp_path, HOST, PORT, user_id) as store:
            store.save_credentials(Credentials(f"name {user_id}", "d", token))
        os.utime(store.folder / "account.json", (user_id, user_id))
    (tmp_path / "chat.example_6000" / "8" / "account.json").write_bytes(b"nonsense")
    (tmp_path / "chat.example_6000" / "no number").mkdir()
    assert saved_accounts(tmp_path, HOST, PORT) == [
        SavedAccount(7, "name 7", 7.0),
        SavedAccount(5, "name 5", 5.0),
    ]
    assert saved_accounts(tmp_path, HOST, 6001) == []
    with Store(tmp_path, HOST, PORT, 7):
        assert len(saved_accounts(tmp_path, HOST, PORT)) == 2  # one of them is in use
