"""Accounts for tests, in memory and with files."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.account.account_opening import open_local_account
from client.account.device_options import DeviceOptions
from client.account.journal import Journal, Record
from client.account.local_account import LocalAccount
from client.account.sending import Sending
from client.account.slots import Place
from client.errors import (
    StoreError,
)
from client.protocol.events import ChatAnswer, LoggedIn
from client.values import Account

LOGGED_IN = LoggedIn(Account(5, "ann", (), (), None), "token-1")


def memory_account() -> LocalAccount:
    return open_local_account(5, "secret", DeviceOptions(), None, retry=1.0)


def file_account(folder: Path, password: str | None = "secret") -> LocalAccount:
    return open_local_account(5, password, DeviceOptions(), Place(folder, "host", 6000), retry=1.0)


def answer(mid: str, errno: int = 0) -> ChatAnswer:
    return ChatAnswer(mid, errno, "words", None if errno else 9, "now", None)


def settle(account: LocalAccount, sending: Sending, errno: int = 0) -> None:
    account.outbox.take(now=0)
    (complete,) = account.answered(answer(sending.mid, errno), now=0)
    complete()


def break_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def append(self: Journal, record: Record) -> None:
        raise StoreError(self.path, "no space left on the device")

    monkeypatch.setattr(Journal, "append", append)
