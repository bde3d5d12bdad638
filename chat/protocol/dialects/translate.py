"""Translates messages to a client into the numbers and names of its table."""

from __future__ import annotations

from chat.protocol.codec import Message
from chat.protocol.dialects.table import Names, Table


def renamed(fields: Message, names: Names) -> Message:
    """A copy of one object with the names of its level. A field with several names has them all.

    A field that the tutorial does not know is left out if its name has another meaning here.
    """
    if not names:
        return fields
    taken = {name for several in names.values() for name in several}
    out: Message = {}
    for field, value in fields.items():
        if field in names:
            for name in names[field]:
                out[name] = value
        elif field not in taken:
            out[field] = value
    return out


def renumbered(message: Message, table: Table, names: Names) -> Message | None:
    """A whole message for a client of the table; None if the table has no number for it."""
    number = table.numbers.get(message["msgid"])
    if number is None:
        return None
    return renamed({**message, "msgid": number}, names)


def chat_message(fields: Message, table: Table) -> Message:
    """A chat message for a client of the table, alone or in a list of stored ones."""
    written = renumbered(fields, table, table.message)
    assert written is not None  # every table has numbers for chat messages
    return written
