"""Records: what stands in the files of an account, a JSON object each; and reading them with care.

What a file says is believed only if it is of the right form: files get damaged, and copied.
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
    """How an account logs in, and what the server takes us for.

    Attributes:
        device: this installation's own name, made up once. Without it a client that lost its
            connection would be locked out by its own ghost.
        token: from the last login, None after a logout.
    """

    name: str
    device: str
    token: str | None = field(repr=False)


def new_device() -> str:
    """A name for this installation that nobody else has. Any thread."""
    return os.urandom(_DEVICE_BYTES).hex()


def owner(host: str, port: int, user_id: int) -> Record:
    return {"v": _VERSION, "host": host.lower(), "port": port, "id": user_id}


def is_owner(head: Record, owner: Record) -> bool:
    return all(head.get(key) == owner[key] for key in ("host", "port", "id"))


def read_credentials(path: Path, host: str, port: int, user_id: int) -> Credentials | None:
    """None if there are none or they are damaged. Raises StoreError if they are another's."""
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
    if not is_owner(record, owner(host, port, user_id)):
        raise StoreError(path, "belongs to another account")
    token = record.get("token")
    return Credentials(
        name=str(record.get("name", "")),
        device=record["device"],
        token=token if _is_opaque(token) else None,
    )


def _is_opaque(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_OPAQUE


def seen_record(mark: Seen) -> Record:
    return {"seq": mark.seq, "check": mark.check}


def read_seen(record: Record) -> Seen | None:
    seq, check = record.get("seq"), record.get("check")
    if type(seq) is int and 0 < seq <= MAX_SEQ and type(check) is int:
        return Seen(seq, check)
    return None


def message_record(message: OutboxMessage) -> Record:
    return {
        "mid": message.mid,
        "groupid" if message.to_group else "toid": message.target,
        "text": message.text,
        "at": message.created,
    }


def read_message(record: Record) -> OutboxMessage | None:
    to_group = "groupid" in record
    target = record.get("groupid" if to_group else "toid")
    mid, text, created = record.get("mid"), record.get("text"), record.get("at")
    if not (_is_opaque(mid) and isinstance(mid, str) and isinstance(text, str)):
        return None
    if not (type(target) is int and 0 < target <= MAX_ID):
        return None
    when = float(created) if isinstance(created, int | float) else 0.0
    return OutboxMessage(mid, target, to_group, text, when)
