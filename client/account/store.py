"""Store: the files of one device of an account, from one run of the program to the next.

    FOLDER/HOST_PORT/ID/account.json    device, token, name; ID may be a link: see service_files
                       /outbox.jsonl    messages that the server has not confirmed
                       /seen.jsonl      numbers of messages that were shown
                       /lock            held by the program that has the account open
                       /device-2/       the same files of another device: see slots

The folders have the mode 0700 and the files 0600, because a token is as good as a password, and
messages are private. No password is ever written.

The outbox is a journal: it gets one line when the application sends a message, and another when the
message leaves the outbox. The file of seen messages gets a line for each message that the
application has handled. That line is written before the acknowledgement is sent. Example: the
program is killed between the two; then the server sends the message again, and the client
acknowledges it without showing it twice. The first line of that file has the epoch of its numbers.
"""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import Any, Self

from client.account.folder_lock import FILE as LOCK_FILE
from client.account.folder_lock import FolderLock
from client.account.folders import SERVICES, server_folder, service_of, slot_folder
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
from client.errors import StoreError

log = logging.getLogger(__name__)

_SLACK = 1000
"""The number of outdated lines after which a journal is written anew."""


class Store:
    """The files of one device, open and locked against other programs. One thread at a time.

    Attributes:
        user_id: the number of the user.
        slot: the number of the device in the folder of the account.
        base: the folder of the account; the files of the first slot are in it.
        folder: the folder of the files.
        link: the place of ``base`` by the address; a link if the service has a name.
        service: the name of the service; None: not known.
    """

    def __init__(
        self,
        folder: Path,
        host: str,
        port: int,
        user_id: int,
        service: str | None = None,
        slot: int = 1,
    ) -> None:
        """``service``: None follows the link."""
        self.user_id = user_id
        self.slot = slot
        self.link = server_folder(folder, host, port) / str(user_id)
        self.service = service or service_of(self.link)
        self.base = self.link if self.service is None else folder / SERVICES / self.service
        self.folder = slot_folder(self.base, slot)
        self._root = folder
        self._address = (host, port)
        self._epoch: str | None = None
        self._owner: Record = owner(host, port, user_id, self.service)
        self._lock = FolderLock()
        self._credentials: Credentials | None = None
        self._outbox = Journal(self.folder / "outbox.jsonl")
        self._unsent: dict[str, OutboxMessage] = {}
        self._seen = Journal(self.folder / "seen.jsonl")
        self._shown: list[Seen] = []

    def __repr__(self) -> str:
        return f"<Store {self.folder}>"

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self) -> Self:
        """Lock and read the files, and make the missing ones. Raises StoreError. Idempotent."""
        if self._lock.is_held:
            return self
        self._make_folders()
        self._lock.acquire(self.folder)
        try:
            self._credentials = read_credentials(self._account_file, self._owner)
            self._open_outbox()
            self._open_seen()
        except BaseException:
            self._close(remove=False)  # they may be the files of another account
            raise
        return self

    def close(self) -> None:
        """Close and unlock the files; remove the folder if it holds no data. Idempotent."""
        self._close(remove=self._is_empty)

    def elsewhere(self, service: str | None) -> Store:
        """The same slot at this service, not open; None: in the folder by address."""
        return Store(self._root, *self._address, self.user_id, service, self.slot)

    def in_slot(self, slot: int) -> Store:
        """Another slot of the account, not open."""
        return Store(self._root, *self._address, self.user_id, self.service, slot)

    def moved_to(self, target: Store) -> None:
        """The open folder was moved to the place of ``target``, which is not open."""
        self.base, self.folder = target.base, target.folder
        self.service, self._owner = target.service, target._owner
        self._outbox.path, self._seen.path = target._outbox.path, target._seen.path

    def clear(self) -> None:
        """Delete the login, the outbox, the seen messages and all other files but the lock."""
        self._credentials = None
        self._unsent.clear()
        self._shown.clear()
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if path.name != LOCK_FILE and not path.is_dir():
                    path.unlink()

    @property
    def _is_empty(self) -> bool:
        """Whether there is no data. Example: a wrong id was typed, so there was never a login."""
        return self._credentials is None and not self._unsent and not self._shown

    def _close(self, *, remove: bool) -> None:
        self._outbox.close()
        self._seen.close()
        if remove and self._lock.is_held:
            self._remove()
        self._lock.release()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):  # other files are in there, too
            for path in (self._outbox.path, self._seen.path, self.folder / LOCK_FILE):
                path.unlink(missing_ok=True)
            self.folder.rmdir()
            if self.base.exists():
                self.base.rmdir()
            if self.service is not None and self.link.is_symlink():
                self.link.unlink()
            for parent in (self.base.parent, self.link.parent):
                with contextlib.suppress(OSError):
                    parent.rmdir()

    # ------------------------------------------------------------------ the login

    @property
    def credentials(self) -> Credentials | None:
        """As saved at the last login; None if there was none."""
        return self._credentials

    def read_credentials(self) -> Credentials | None:
        """As saved by the last program, also while the files are not open; None if not readable."""
        with contextlib.suppress(StoreError):
            return read_credentials(self._account_file, self._owner)
        return None

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

    # ------------------------------------------------------------------ the outbox

    def add(self, message: OutboxMessage) -> None:
        """Add a message of the outbox. Raises StoreError; then it is not kept."""
        self._outbox.append(message_record(message))
        self._unsent[message.mid] = message

    def remove(self, mid: str) -> None:
        """Remove a message that has left the outbox. Idempotent. Raises StoreError."""
        if self._unsent.pop(mid, None) is None:
            return
        if self._outbox.records > 2 * len(self._unsent) + _SLACK:
            self._write_outbox()
        else:
            self._outbox.append({"done": mid})

    @property
    def unsent(self) -> tuple[OutboxMessage, ...]:
        """The unconfirmed messages, in order."""
        return tuple(self._unsent.values())

    @property
    def has_unsent(self) -> bool:
        """Whether the file has unconfirmed messages; it need not be open."""
        with contextlib.suppress(StoreError):
            return len(self._outbox.load()) > 1
        return False

    # ------------------------------------------------------------------ seen messages

    def saw(self, mark: Seen) -> None:
        """Add the mark of a message that the application has handled. Raises StoreError."""
        self._shown.append(mark)
        if self._seen.records > SEEN_SEQS + _SLACK:
            self._shown = self._shown[-SEEN_SEQS:]
            self._write_seen()
        else:
            self._seen.append(seen_record(mark))

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The marks of the seen messages that are remembered, in the order of ``saw``."""
        return tuple(self._shown)

    @property
    def epoch(self) -> str | None:
        """The epoch of these numbers, as the server names it; None: not known."""
        return self._epoch

    def begin_epoch(self, epoch: str, *, forget: bool) -> None:
        """Note the epoch; ``forget`` the numbers of the former one. Raises StoreError."""
        self._epoch = epoch
        if forget:
            self._shown.clear()
        self._write_seen()

    # ------------------------------------------------------------------ other files

    def read_extra(self, name: str) -> dict[str, Any]:
        """A JSON object that the program keeps in the folder; empty if there is none.

        Raises StoreError if the file cannot be read.
        """
        try:
            content = json.loads(read_private(self.folder / name) or b"{}")
        except (ValueError, RecursionError):
            log.warning("%s is damaged, and ignored (in %s)", name, self.folder)
            return {}
        return content if isinstance(content, dict) else {}

    def write_extra(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON object of the program in the folder. Raises StoreError."""
        write_private(self.folder / name, json.dumps(content).encode("ascii"))

    # ------------------------------------------------------------------ opening

    @property
    def _account_file(self) -> Path:
        return self.folder / "account.json"

    def _make_folders(self) -> None:
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.base.parent, self.base, self.folder):
                path.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise StoreError(exc.filename or self.folder, exc.strerror or str(exc)) from exc

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
        head = self._owner if self._epoch is None else {**self._owner, "epoch": self._epoch}
        self._seen.replace([head, *map(seen_record, self._shown)])

    def _own_records(self, journal: Journal) -> list[Record]:
        """A journal's records without its first, which names the owner. Raises StoreError."""
        records = journal.load()
        heads = [record for record in records if "host" in record]
        for head in heads:
            if not is_owner(head, self._owner):
                raise StoreError(journal.path, "belongs to another account")
            if isinstance(head.get("epoch"), str):
                self._epoch = head["epoch"]
        if records and not heads:
            # The first line, which names the owner, is missing. If the messages belong to another
            # user, they must not be sent under this user's name.
            log.warning("%s does not name its account, and is ignored", journal.path)
            return []
        return [record for record in records if "host" not in record]
