"""Records: the JSON objects in the files of an account, written and read.

A record is used only if each of its fields has the right form, because files can be damaged, or
copied from another account.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from chat.protocol import MAX_ID, MAX_SEQ
from client.account.inbox import Seen
from client.account.journal import Record, read_private
from client.account.outbox import OutboxMessage
from client.errors import StoreError

log = logging.getLogger(__name__)

_VERSION = 1
_MAX_OPAQUE = 64
_DEVICE_BYTES = 16


@dataclass(slots=True)
class Credentials:
    """The login of an account.

    Attributes:
        name: the name of the user; empty before the first login.
        device: the name of this installation, a random one. Example: the client loses its
            connection and logs in again; meanwhile the server has not noticed the loss. By the
            same ``device`` it replaces the old login. Without it, the account would count as in
            use.
        token: the token of the last login; None after a logout.
    """

    name: str
    device: str
    token: str | None = field(repr=False)


def new_device() -> str:
    """A random name for this installation, which is unique. Any thread."""
    return os.urandom(_DEVICE_BYTES).hex()


def owner(host: str, port: int, user_id: int, service: str | None = None) -> Record:
    """The record that names the account of a file. ``service``: None before its name is known."""
    record: Record = {"v": _VERSION, "host": host.lower(), "port": port, "id": user_id}
    return record if service is None else {**record, "service": service}


def is_owner(head: Record, expected: Record) -> bool:
    """Whether a record names the expected account.

    In the folder of a service the address does not count, and a record may be older than that name.
    """
    service = expected.get("service")
    if service is not None:
        same = head.get("service", service) == service
        return same and bool(head.get("id") == expected["id"])
    return all(head.get(key) == expected[key] for key in ("host", "port", "id"))


def read_credentials(path: Path, expected: Record) -> Credentials | None:
    """The login in a file; None if there is none or it is damaged.

    Raises StoreError if the file belongs to another account than the ``expected`` owner.
    """
    text = read_private(path)
    if not text:
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not _is_opaque(record.get("device")):
        log.warning("%s is damaged, and ignored (in %s)", path.name, path.parent)
        return None
    if not is_owner(record, expected):
        raise StoreError(path, "belongs to another account")
    token = record.get("token")
    return Credentials(
        name=str(record.get("name", "")),
        device=record["device"],
        token=token if _is_opaque(token) else None,
    )


def read_any_credentials(path: Path) -> tuple[int, Credentials] | None:
    """The number of the user and the login in a file of any account; None if there is none.

    Raises StoreError.
    """
    try:
        record = json.loads(read_private(path) or b"{}")
    except (ValueError, RecursionError):
        return None
    user_id = record.get("id") if isinstance(record, dict) else None
    if type(user_id) is not int:
        return None
    credentials = read_credentials(path, record)
    return None if credentials is None else (user_id, credentials)


def _is_opaque(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_OPAQUE


def seen_record(mark: Seen) -> Record:
    """The record of a seen message."""
    return {"seq": mark.seq, "check": mark.check}


def read_seen(record: Record) -> Seen | None:
    """The seen message in a record; None if the record is damaged."""
    seq, check = record.get("seq"), record.get("check")
    if type(seq) is int and 0 < seq <= MAX_SEQ and type(check) is int:
        return Seen(seq, check)
    return None


def message_record(message: OutboxMessage) -> Record:
    """The record of an unconfirmed message."""
    return {
        "mid": message.mid,
        "groupid" if message.to_group else "toid": message.target,
        "text": message.text,
        "at": message.created,
    }


def read_message(record: Record) -> OutboxMessage | None:
    """The unconfirmed message in a record; None if the record is damaged."""
    to_group = "groupid" in record
    target = record.get("groupid" if to_group else "toid")
    mid, text, created = record.get("mid"), record.get("text"), record.get("at")
    if not (_is_opaque(mid) and isinstance(mid, str) and isinstance(text, str)):
        return None
    if not (type(target) is int and 0 < target <= MAX_ID):
        return None
    when = float(created) if isinstance(created, int | float) else 0.0
    return OutboxMessage(mid, target, to_group, text, when)
