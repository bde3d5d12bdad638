"""Store: what is kept of one account between two runs of the program, in files.

    FOLDER/HOST_PORT/ID/account.json    device, token, name
                       /outbox.jsonl    messages that the server has not confirmed
                       /seen.jsonl      numbers of messages that were shown
                       /lock            held by the program that has the account open

The folders are 0700 and the files 0600: a token is as good as a password, and messages are
nobody else's business. No password is ever written.

The outbox's file is a journal: a line when a message is written, a line when it has left. The
seen one has a line for each message that was taken care of, before that is told the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from client.account.inbox import SEEN_SEQS, Seen
from client.account.journal import Journal, Record, read_private, write_private
from client.account.outbox import OutboxMessage
from client.account.records import (
    Credentials,
    is_owner,
    message_record,
    owner,
    read_credentials,
    read_message,
    read_seen,
    seen_record,
)
from client.errors import InUseError, StoreError

log = logging.getLogger(__name__)

_SLACK = 1000
"""Lines that may be out of date before a journal is written anew."""


@dataclass(frozen=True, slots=True)
class SavedAccount:
    """An account that can be logged in without a password.

    Attributes:
        used: unix seconds, when it was last logged in.
    """

    user_id: int
    name: str
    used: float


def forget_account(folder: Path, host: str, port: int, user_id: int) -> None:
    """Remove an account's files: this id has just been given to somebody new. Any thread.

    Whatever cannot be removed, or is in use, stays.
    """
    with contextlib.suppress(OSError, StoreError):
        if (folder / _server_name(host, port) / str(user_id)).exists():
            with Store(folder, host, port, user_id) as store:
                store.clear()


def default_folder() -> Path:
    """``$XDG_STATE_HOME/chatclient``, or ``~/.local/state/chatclient``. Any thread.

    Raises StoreError if there is no home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # the specification says to ignore others
        return Path(state) / "chatclient"
    try:
        return Path.home() / ".local" / "state" / "chatclient"
    except RuntimeError as exc:
        raise StoreError("~", "there is no home directory") from exc


def saved_accounts(folder: Path, host: str, port: int) -> list[SavedAccount]:
    """The accounts at a server that have a token, the last used one first. Any thread.

    Whatever cannot be read is left out.
    """
    found = []
    with contextlib.suppress(OSError):
        for path in (folder / _server_name(host, port)).iterdir():
            file = path / "account.json"
            user_id = _to_id(path.name)
            with contextlib.suppress(OSError, StoreError):
                credentials = read_credentials(file, host, port, user_id)
                if credentials is not None and credentials.token:
                    used = file.stat().st_mtime
                    found.append(SavedAccount(user_id, credentials.name, used))
    return sorted(found, key=lambda account: account.used, reverse=True)


class Store:
    """One account's files, held open and locked against other programs. One thread at a time.

    Attributes:
        folder: where they are.
    """

    def __init__(self, folder: Path, host: str, port: int, user_id: int) -> None:
        """Open or make the files. Raises StoreError."""
        self.folder = folder / _server_name(host, port) / str(user_id)
        self._owner: Record = owner(host, port, user_id)
        self._make_folders(folder)
        self._lock_fd = self._lock()
        self._credentials: Credentials | None = None
        self._outbox = Journal(self.folder / "outbox.jsonl")
        self._unsent: dict[str, OutboxMessage] = {}
        self._seen = Journal(self.folder / "seen.jsonl")
        self._shown: list[Seen] = []
        try:
            self._credentials = read_credentials(self._account_file, host, port, user_id)
            self._open_outbox()
            self._open_seen()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Store {self.folder}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files and let others have them; remove what holds nothing. Idempotent."""
        self._outbox.close()
        self._seen.close()
        fd, self._lock_fd = self._lock_fd, -1
        if fd < 0:
            return
        if self._is_empty:
            self._remove()
        os.close(fd)

    def clear(self) -> None:
        """Forget everything."""
        self._credentials = None
        self._unsent.clear()
        self._shown.clear()
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if path.name != "lock":
                    path.unlink()

    @property
    def _is_empty(self) -> bool:
        """As after a mistyped id: nobody has ever logged in here."""
        return self._credentials is None and not self._unsent and not self._shown

    def _remove(self) -> None:
        with contextlib.suppress(OSError):  # something of others is in there, too
            for path in (self._outbox.path, self._seen.path, self.folder / "lock"):
                path.unlink(missing_ok=True)
            self.folder.rmdir()
            self.folder.parent.rmdir()

    # ------------------------------------------------------------------ who logs in

    @property
    def credentials(self) -> Credentials | None:
        """As saved at the last login; None if there was none."""
        return self._credentials

    def save_credentials(self, credentials: Credentials) -> None:
        """Raises StoreError."""
        self._credentials = credentials
        known = {
            "name": credentials.name,
            "device": credentials.device,
            "token": credentials.token,
        }
        text = json.dumps({**self._owner, **known}, indent=1)
        write_private(self._account_file, text.encode("ascii") + b"\n")

    # ------------------------------------------------------------------ what is to be sent

    def add(self, message: OutboxMessage) -> None:
        """A message was written. Raises StoreError; then it is not kept."""
        self._outbox.append(message_record(message))
        self._unsent[message.mid] = message

    def remove(self, mid: str) -> None:
        """A message has left the outbox, one way or another. Raises StoreError."""
        if self._unsent.pop(mid, None) is None:
            return
        if self._outbox.records > 2 * len(self._unsent) + _SLACK:
            self._write_outbox()
        else:
            self._outbox.append({"done": mid})

    @property
    def unsent(self) -> tuple[OutboxMessage, ...]:
        """The messages that are to be sent, in order."""
        return tuple(self._unsent.values())

    # ------------------------------------------------------------------ what was shown

    def saw(self, mark: Seen) -> None:
        """A message was taken care of. Raises StoreError."""
        self._shown.append(mark)
        if self._seen.records > SEEN_SEQS + _SLACK:
            self._shown = self._shown[-SEEN_SEQS:]
            self._write_seen()
        else:
            self._seen.append(seen_record(mark))

    @property
    def seen(self) -> tuple[Seen, ...]:
        """What is remembered of messages that were shown, in that order."""
        return tuple(self._shown)

    # ------------------------------------------------------------------ other files

    def read_extra(self, name: str) -> dict[str, Any]:
        """What a program keeps beside the above: a JSON object, empty if there is none."""
        try:
            content = json.loads(read_private(self.folder / name) or b"{}")
        except (ValueError, RecursionError):
            log.warning("%s is damaged, and ignored (in %s)", name, self.folder)
            return {}
        return content if isinstance(content, dict) else {}

    def write_extra(self, name: str, content: dict[str, Any]) -> None:
        """Raises StoreError."""
        write_private(self.folder / name, json.dumps(content).encode("ascii"))

    # ------------------------------------------------------------------ opening

    @property
    def _account_file(self) -> Path:
        return self.folder / "account.json"

    def _make_folders(self, root: Path) -> None:
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.folder.parent, self.folder):
                path.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise StoreError(exc.filename or self.folder, exc.strerror or str(exc)) from exc

    def _lock(self) -> int:
        path = self.folder / "lock"
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise StoreError(path, exc.strerror or str(exc)) from exc
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(fd)
            raise InUseError(self.folder) from exc
        return fd

    def _open_outbox(self) -> None:
        for record in self._own_records(self._outbox):
            if "done" in record:
                self._unsent.pop(str(record["done"]), None)
                continue
            message = read_message(record)
            if message is None:
                log.warning("a message in %s cannot be read", self._outbox.path)
            else:
                self._unsent[message.mid] = message
        self._write_outbox()

    def _open_seen(self) -> None:
        marks = [read_seen(record) for record in self._own_records(self._seen)]
        self._shown = [mark for mark in marks if mark is not None][-SEEN_SEQS:]
        self._write_seen()

    def _write_outbox(self) -> None:
        messages = [message_record(message) for message in self._unsent.values()]
        self._outbox.replace([self._owner, *messages])

    def _write_seen(self) -> None:
        self._seen.replace([self._owner, *map(seen_record, self._shown)])

    def _own_records(self, journal: Journal) -> list[Record]:
        """A journal's records but for its first, which says whose it is. Raises StoreError."""
        records = journal.load()
        heads = [record for record in records if "host" in record]
        for head in heads:
            if not is_owner(head, self._owner):
                raise StoreError(journal.path, "belongs to another account")
        if records and not heads:
            # Whose it is, the first line would say, and that is gone. Another's messages must not
            # go out in this account's name.
            log.warning("%s does not say whose it is, and is ignored", journal.path)
            return []
        return [record for record in records if "host" not in record]


def _server_name(host: str, port: int) -> str:
    return f"{re.sub(r'[^a-z0-9.-]', '_', host.lower())}_{port}"


def _to_id(name: str) -> int:
    return int(name) if re.fullmatch(r"[1-9][0-9]{0,9}", name) else 0
