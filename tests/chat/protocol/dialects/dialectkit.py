"""The shipped tables, and the frames of their clients."""

from __future__ import annotations

from pathlib import Path

from chat.dialect_files import load_dialects
from chat.protocol import Message
from chat.protocol.dialects import DialectGuess, Table

FAMILIES = ("tutorial reg3 thousand ack5 logout11 to errnum passwd unterminated").split()

SHIPPED = load_dialects(FAMILIES)
BY_NAME = {table.name: table for table in SHIPPED.by_name}
CONF = Path(__file__).resolve().parents[4] / "conf" / "dialects"

NEW_USER: dict[str, Message] = {
    "register": {"name": "li", "password": "123"},
    "login": {"id": 1, "password": "123"},
    "add_friend": {"id": 1, "friendid": 2},
    "create_group": {"id": 1, "groupname": "tea", "groupdesc": ""},
    "join_group": {"id": 1, "groupid": 3},
    "chat": {"id": 1, "name": "li", "toid": 2, "msg": "hi", "time": "now"},
    "group_chat": {"id": 1, "name": "li", "groupid": 3, "msg": "hi", "time": "now"},
    "logout": {"id": 1},
}
"""All requests of the original, in the tutorial's names, without number."""


def new_guess(*names: str, default: str | None = None) -> DialectGuess:
    tables = [BY_NAME[name] for name in names] or SHIPPED.used
    return DialectGuess(tables, BY_NAME[default] if default else None)


def names_of(tables: tuple[Table, ...]) -> str:
    return " ".join(table.name for table in tables)
