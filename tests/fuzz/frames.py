"""Frames for the fuzzer: correct requests made from the schema, and damaged ones. No I/O.

The fields come from ``build_schema``, so a new message is covered without a change here. All
choices come from one ``random.Random``.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from chat.protocol import Limits
from chat.protocol.dialects import Table
from chat.protocol.fields import Fields
from chat.protocol.schema import build_schema

ENDS = {"lf": b"\n", "crlf": b"\r\n", "nul": b"\0", "nuls": b"\0" * 7, "none": b""}
"""The ends of frames that the server accepts."""

MUTATED = 0.35
"""The share of damaged frames. At most 50 malformed requests in a row are allowed."""

FIRST_USER, LAST_USER = 1, 60
"""The ids that correct frames name: the fuzzer's own accounts, and a few that do not exist."""
LAST_GROUP = 30

TEXTS = (
    "hello",
    "",
    "x" * 50,
    "x" * 51,
    "茶是热的",
    "👨‍👩‍👧‍👦🇨🇳",
    "\u0000\u0001\u001f",
    "e\u0301\u0301\u0301",
    "\u202e\u200d\ufe0f",
    "a  b ",
    "'; DROP TABLE user; --",
    '{"msgid":1}',
    "\ufffd\uffff",
    "%s%n{0}",
)
WORDS = (
    *("open", "invite", "password", "approve", "closed", "accept", "reject", "admin", "normal"),
    *("creator", "members", "active", "name", "contacts"),
)
"""Words that fields with a fixed set of values may have."""

STRANGE: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 2**31 - 1, 2**31, 2**53, 2**63, 10**40, 1.5, -0.0, 1e308),
    *("", "1", "x" * 300, [], [[]], [1] * 2000, {}, {"a": {"b": []}}, ["x", None, -1]),
)
"""Values of other types, and at the bounds."""

DAMAGED = (
    b"",
    b"{",
    b"}",
    b"[]",
    b"null",
    b"{}",
    b'"text"',
    b"\xef\xbb\xbf{}",
    b'{"msgid":26',
    b'{"msgid":26}}',
    b'{"msgid":NaN}',
    b'{"msgid":26,"msgid":1}',
    b'{"msgid":26,"rid":"\\ud800"}',
    b'{"msgid":' + b"9" * 5000 + b"}",
    b'{"msgid":26,"x":' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b'{"msgid":26,"rid":"\xff\xfe"}',
    b'{"msgid":26,"rid":"\x01"}',
    b"GET / HTTP/1.1",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"x" * 9000,
    b'{"msgid":26,"rid":"' + b"y" * 70_000 + b'"}',
)


class FrameMaker:
    """Makes the frames of one seed. Used by one thread.

    Attributes:
        choose: the source of all choices.
    """

    def __init__(self, choose: random.Random, limits: Limits, password: str) -> None:
        self.choose = choose
        self._password = password
        self._schema = build_schema(limits)
        self._msgids = sorted(self._schema)
        self._counter = 0
        self._mutations: Sequence[Callable[[dict[str, Any]], bytes]] = (
            self._without_a_field,
            self._with_a_strange_value,
            self._with_a_strange_value,
            self._with_unknown_fields,
            self._with_another_number,
            self._cut,
            self._with_changed_bytes,
            lambda fields: choose.choice(DAMAGED),
        )

    def frame(self, table: Table | None, user: int) -> bytes:
        """One frame without its end, correct or damaged.

        ``table``: the client's numbers and names; None for those of the protocol. ``user``: the
        sender's id.
        """
        fields = self.request(user, table)
        if self.choose.random() >= MUTATED:
            return encode(fields)
        return self.choose.choice(self._mutations)(fields)

    def request(self, user: int, table: Table | None = None) -> dict[str, Any]:
        """The fields of a correct request."""
        if table is None:
            msgid = self.choose.choice(self._msgids)
            return {"msgid": msgid, **self._fields(self._schema[msgid], user)}
        number = self.choose.choice(sorted(table.requests))
        fields = self._fields(self._schema[table.requests[number]], user)
        return written(table, number, fields)

    def login(self, user: int, password: str, table: Table | None) -> dict[str, Any]:
        """The login of a user with a device, so that it replaces an earlier one."""
        fields: dict[str, Any] = {"id": user, "password": password, "device": f"fuzz-{user}"}
        if table is None:
            return {"msgid": 1, "v": 2, **fields}
        number = next(number for number, meaning in table.requests.items() if meaning == 1)
        return written(table, number, fields)

    def pieces(self, data: bytes) -> list[bytes]:
        """The bytes, split at random places: mostly a few, sometimes each byte alone."""
        if not data:
            return []
        if len(data) < 200 and self.choose.random() < 0.02:
            return [data[at : at + 1] for at in range(len(data))]
        cuts = {self.choose.randrange(len(data)) for _ in range(self.choose.randrange(4))} - {0}
        places = [0, *sorted(cuts), len(data)]
        return [data[start:end] for start, end in itertools.pairwise(places)]

    # ------------------------------------------------------------------ correct values

    def _fields(self, fields: Fields, user: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, wanted, low, high, _check, required in fields:
            if required or self.choose.random() < 0.6:
                made[name] = self._value(name, wanted, low, high, user)
        return made

    def _value(self, name: str, wanted: type, low: int, high: int, user: int) -> Any:
        if wanted is bool:
            return self.choose.random() < 0.5
        if wanted is int:
            return self._number(name, low, high, user)
        if wanted is list:
            size = self.choose.choice((0, 1, 5, high, high + 1))
            return [self.choose.randint(1, 500) for _ in range(size)]
        return self._text(name, low, high)

    def _number(self, name: str, low: int, high: int, user: int) -> int:
        if name == "id":
            return user if self.choose.random() < 0.97 else self.choose.randint(1, LAST_USER)
        if name == "v":
            return 2
        if name == "groupid":
            return self.choose.randint(1, LAST_GROUP)
        if name.endswith("id") or name == "with":
            return self.choose.randint(FIRST_USER, LAST_USER)
        return self.choose.choice((low, high, self.choose.randint(low, min(high, low + 500))))

    def _text(self, name: str, low: int, high: int) -> str:
        self._counter += 1
        if "password" in name:
            return self._password if self.choose.random() < 0.7 else "wrong-password"
        if name == "mid":
            return f"m{self._counter if self.choose.random() < 0.8 else self.choose.randint(1, 9)}"
        if name in {"name", "groupname"}:
            return f"n{self._counter}{self.choose.choice(TEXTS[:5])}"[:high]
        size = self.choose.random()
        if size < 0.05:
            return "x" * self.choose.choice((low, high, high + 1))
        if size < 0.3:
            return self.choose.choice(WORDS)
        return self.choose.choice(TEXTS)

    # ------------------------------------------------------------------ damage

    def _without_a_field(self, fields: dict[str, Any]) -> bytes:
        del fields[self.choose.choice(list(fields))]
        return encode(fields)

    def _with_a_strange_value(self, fields: dict[str, Any]) -> bytes:
        fields[self.choose.choice(list(fields))] = self.choose.choice(STRANGE)
        return encode(fields)

    def _with_unknown_fields(self, fields: dict[str, Any]) -> bytes:
        for number in range(self.choose.choice((1, 5, 200))):
            fields[f"x{number}"] = self.choose.choice(STRANGE)
        return encode(fields)

    def _with_another_number(self, fields: dict[str, Any]) -> bytes:
        name = next(iter(fields))
        fields[name] = self.choose.choice((0, 2, 20, 31, 87, 89, 99, 1000, -5, *self._msgids))
        return encode(fields)

    def _cut(self, fields: dict[str, Any]) -> bytes:
        data = encode(fields)
        return data[: self.choose.randrange(len(data))]

    def _with_changed_bytes(self, fields: dict[str, Any]) -> bytes:
        data = bytearray(encode(fields))
        for _ in range(self.choose.randint(1, 4)):
            data[self.choose.randrange(len(data))] = self.choose.randrange(256)
        return bytes(data)


def encode(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


def written(table: Table, number: int, fields: dict[str, Any]) -> dict[str, Any]:
    """A request with the numbers and names of a table."""
    names = {meaning: name for name, meaning in table.fields.items()}
    result: dict[str, Any] = {name: number for name in table.number_names[:1]}
    result.update({names.get(name, name): value for name, value in fields.items()})
    return result
