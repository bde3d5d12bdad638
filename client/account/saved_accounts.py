"""Saved accounts: the accounts with a saved login. It reads the files, and locks and makes none."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client.account.folders import server_folder, service_of, slot_folder, slots_in
from client.account.journal import Record
from client.account.records import Credentials, owner, read_credentials
from client.errors import StoreError


@dataclass(frozen=True, slots=True)
class SavedAccount:
    """An account that can log in without a password.

    Attributes:
        user_id: the number of the user.
        name: the name of the user, not escaped.
        used: the time of the last login, in Unix seconds.
    """

    user_id: int
    name: str
    used: float

    @property
    def shown(self) -> str:
        """The text by which a user chooses it, not escaped: the name, or the number."""
        return shown_name(self.user_id, self.name)


def shown_name(user_id: int, name: str) -> str:
    """The name; the number if there is no name, or a name that could be taken for a number."""
    return str(user_id) if not name or name.isdigit() else name


def saved_accounts(folder: Path, host: str, port: int) -> list[SavedAccount]:
    """The accounts at a server that have a token, the last used first. Any thread.

    Files that cannot be read are skipped.
    """
    found = [account for account, token in _accounts(folder, host, port) if token]
    return sorted(found, key=lambda account: account.used, reverse=True)


def account_named(folder: Path, host: str, port: int, name: str) -> int | None:
    """The number of the account whose files have this name, with a token or without. Any thread.

    The last used one, if several have had the name; None if there is none.
    """
    found = [one for one, _ in _accounts(folder, host, port) if one.name == name]
    return max(found, key=lambda one: one.used).user_id if found else None


def _accounts(folder: Path, host: str, port: int) -> list[tuple[SavedAccount, str | None]]:
    """The accounts at a server, each with a token of one of its slots."""
    found = []
    with contextlib.suppress(OSError):
        for path in server_folder(folder, host, port).iterdir():
            user_id = _to_id(path.name)
            expected = owner(host, port, user_id, service_of(path))
            slots = [*_read_slots(path, expected)] if user_id else []
            if slots:
                used, last = max(slots, key=lambda slot: slot[0])
                token = next((slot.token for _, slot in slots if slot.token), None)
                found.append((SavedAccount(user_id, last.name, used), token))
    return found


def _read_slots(base: Path, expected: Record) -> Iterator[tuple[float, Credentials]]:
    """The logins of an account, each with the time of its file."""
    for slot in slots_in(base):
        file = slot_folder(base, slot) / "account.json"
        with contextlib.suppress(OSError, StoreError):
            credentials = read_credentials(file, expected)
            if credentials is not None:
                yield file.stat().st_mtime, credentials


def _to_id(name: str) -> int:
    return int(name) if re.fullmatch(r"[1-9][0-9]{0,9}", name) else 0
