"""Words the log line about a request that fits no table: the nearest table, and a remedy.

The line has the number and the names of the fields. It has no values: one could be a password.
"""

from __future__ import annotations

from collections.abc import Sequence

from chat.protocol.codec import Message
from chat.protocol.dialects.guess import DialectGuess
from chat.protocol.dialects.request_shapes import is_foreign, is_whole, kind_by_fields, translated
from chat.protocol.dialects.table import REQUESTS, Table
from chat.protocol.fields import MAX_ID

_NAMES = {number: name for name, number in REQUESTS.items()}

SHOWN_FIELDS = 12
SHOWN_LENGTH = 24
"""Limits of the client's part of the line: names of fields, and characters of each."""


def advice(message: Message, guess: DialectGuess, known: Sequence[Table]) -> str:
    """The line. ``known``: all tables, including those that the settings do not name."""
    what = _described(message)
    for table in known:
        request = translated(message, table)
        if request is None or is_foreign(request) or not is_whole(request):
            continue
        kind = _NAMES.get(request["msgid"], "request")
        if any(table is used for used in guess.all_tables):
            left = ", ".join(other.name for other in guess.tables)
            return (
                f"{what} is {kind} in the table {table.name}, but what came before it on this "
                f"connection fits only {left}; clients of one kind can have an address of their "
                f"own: --listen ADDRESS={table.name}"
            )
        return f'{what} is {kind} in the table {table.name}: add "{table.name}" to classic.dialects'
    table, kind_number = _nearest(message, known)
    if kind_number is None:
        return f"{what} fits no table; the nearest is {table.name} (see classic.dialects)"
    kind = _NAMES[kind_number]
    return (
        f"{what} fits no table. By its fields it is {kind}, and {table.name} is the nearest table: "
        f"name a file with this number for {kind} in classic.dialects (docs/dialects.md)"
    )


def _described(message: Message) -> str:
    number = message.get("msgid")
    if type(number) is not int:
        named = "a request without msgid"
    else:
        named = f"msgid {number}" if abs(number) <= MAX_ID else "a very large msgid"
    names = [_shown(name) for name in message if name != "msgid"]
    more = ", ..." if len(names) > SHOWN_FIELDS else ""
    return f"{named} with {', '.join(names[:SHOWN_FIELDS]) or 'nothing'}{more}"


def _shown(name: str) -> str:
    return (
        name if name.isascii() and name.isidentifier() and len(name) <= SHOWN_LENGTH else "(a name)"
    )


def _nearest(message: Message, known: Sequence[Table]) -> tuple[Table, int | None]:
    """The table with these fields and the nearest number, and the kind of request there."""
    best, best_kind = known[0], kind_by_fields(message, known[0])
    best_distance = _distance(message, best, best_kind)
    for table in known[1:]:
        kind = kind_by_fields(message, table)
        distance = _distance(message, table, kind)
        if (kind is None, distance) < (best_kind is None, best_distance):
            best, best_kind, best_distance = table, kind, distance
    return best, best_kind


def _distance(message: Message, table: Table, kind: int | None) -> int:
    """The difference between the message's number and the nearest one of this kind, or of all."""
    for name in table.number_names:
        number = message.get(name)
        if isinstance(number, int):
            its = [own for own, meant in table.requests.items() if kind in (None, meant)]
            return min(abs(number - own) for own in its)
    return MAX_ID
