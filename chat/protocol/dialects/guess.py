"""DialectGuess: finds out the table of a connection from its requests.

A client does not name its clone. Each request excludes the tables in which its number and its
fields do not fit together:

    {"msgid":3,"name":"li","password":"123"}      reg3 and ack5 register with a 3
    {"msgid":1,"id":1,"password":"123"}           both log in with a 1
    {"msgid":5,"id":1,"toid":2,"msg":"hi"}        only reg3 sends a chat message with a 5

While several tables are left, answers follow the first of these: the account's table from earlier
connections, the table of the address that the client connected to, the order of the settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from chat.protocol.codec import Message
from chat.protocol.dialects.request_shapes import is_foreign, is_whole, translated
from chat.protocol.dialects.table import REQUESTS, TUTORIAL, Table
from chat.protocol.errors import ErrNo, ProtocolError

_CHATS = {REQUESTS["chat"]: "toid", REQUESTS["group_chat"]: "groupid"}

_CHAT_NAMES = ("msgid", "id", "name", "toid", "groupid", "msg", "time")

MAX_FIELDS = 64
"""Fields of a request, at most. A clone's has up to six. Each field is looked up in each table."""

UNSURE = "?"
"""The end of a remembered name that was the likeliest of several: ``reg3?``."""


class NoTableError(ProtocolError):
    """A request fits none of the tables that are left. It is not served."""

    def __init__(self) -> None:
        super().__init__(ErrNo.BAD_REQUEST, "msgid: is unknown, or its fields are another's")


class DialectGuess:
    """The possible dialects of one connection. The connection's loop only.

    Attributes:
        tables: the tables that are left, in the order of the settings.
        all_tables: the tables at the beginning.
        remembered: the name that is stored with the account (see ``memory``), or None.
        table: the table for answers.
        plain: the number of a chat message, and a field. ``read`` would return a message with that
            number and field unchanged, because all ``tables`` read it as the tutorial's.
        unterminated: a frame has come without terminator.
    """

    __slots__ = (
        "_default",
        "_sure",
        "all_tables",
        "plain",
        "remembered",
        "table",
        "tables",
        "unterminated",
    )

    def __init__(self, tables: Sequence[Table], default: Table | None = None) -> None:
        """``default``: the table of the address that the client connected to."""
        self.tables = tuple(tables)
        if default is not None and default not in self.tables:
            self.tables += (default,)
        self.all_tables = self.tables
        self._default = default
        self.remembered: str | None = None
        self.unterminated = False
        self._choose()

    def __repr__(self) -> str:
        return f"<DialectGuess {self.table.name} of {', '.join(t.name for t in self.tables)}>"

    # ------------------------------------------------------------------ new information

    def read(self, message: Message) -> Message:
        """Translate a request to the tutorial's number and names, and exclude tables by it.

        Returns the message itself if it needs no translation. Raises NoTableError, with no change.
        """
        if len(message) > MAX_FIELDS:
            raise NoTableError
        fitting: list[Table] = []
        read: Message | None = None
        for table in self._preferred():
            request = translated(message, table)
            if request is None or is_foreign(request) or not is_whole(request):
                continue
            # If tables read it as different requests, the table for answers decides.
            if read is None or request["msgid"] == read["msgid"]:
                read = read or request
                fitting.append(table)
        if read is None:
            return self._read_incomplete(message)
        if len(fitting) != len(self.tables):
            self.tables = tuple([table for table in self.tables if table in fitting])
            self._choose()
        return read

    def recall(self, remembered: str | None) -> None:
        """Prefer the remembered table of this account; None: there is none."""
        self.remembered = remembered
        self._choose()

    def ends_with_brace(self) -> None:
        """A frame has come without terminator."""
        self.unterminated = True
        self._choose()

    # ------------------------------------------------------------------ results

    @property
    def is_tutorial(self) -> bool:
        """True if all tables that are left have the tutorial's numbers and names."""
        return all(table.reads_as(TUTORIAL) for table in self.tables)

    def memory(self, known: str | None) -> str | None:
        """The name to store with the account instead of ``known``; None: keep ``known``."""
        now = self.table.name if self._sure else self.table.name + UNSURE
        if now == known:
            return None
        if not self._sure:
            # Keep a stored name that is still possible, and store no default.
            if self._named(known) is not None:
                return None
            if known is None and self.table is self.all_tables[0]:
                return None
        return now

    # ------------------------------------------------------------------ choosing

    def _preferred(self) -> tuple[Table, ...]:
        """The tables that are left, the one for answers first."""
        return (self.table, *[table for table in self.tables if table is not self.table])

    def _choose(self) -> None:
        known = self.remembered
        sure = None if known is None or known.endswith(UNSURE) else self._named(known)
        listened = self._default if self._default in self.tables else None
        self.table = sure or listened or self._named(known) or self._by_default()
        # The address decides for good: its clients are of one kind.
        self._sure = (self.table is listened and sure is None) or all(
            table.reads_as(self.table) for table in self.tables
        )
        self.plain = {kind: name for kind, name in _CHATS.items() if self._is_plain(kind)}

    def _named(self, remembered: str | None) -> Table | None:
        if remembered is None:
            return None
        name = remembered.removesuffix(UNSURE)
        return next((table for table in self.tables if table.name == name), None)

    def _by_default(self) -> Table:
        likely = [table for table in self.tables if table.unterminated == self.unterminated]
        return (likely or self.tables)[0]

    def _is_plain(self, kind: int) -> bool:
        return all(
            table.requests.get(kind) == kind
            and all(table.fields.get(name) == name for name in _CHAT_NAMES)
            for table in self.tables
        )

    def _read_incomplete(self, message: Message) -> Message:
        """Translate a request that lacks a field, so that its error names that field."""
        request = translated(message, self.table)
        if request is None or is_foreign(request):
            raise NoTableError
        return request
