"""ClassicReader: translates the frames of one classic connection into the tutorial's requests.

It detects the dialect of the peer, and the end of frames without terminator. It is not for v2
clients and clients that end their frames with LF: their connections drop the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.protocol import Message, asks_for_v2
from chat.protocol.dialects import TUTORIAL, BraceCutter, DialectGuess
from chat.protocol.frames import LineCutter

if TYPE_CHECKING:
    from chat.connection.connection import AnyConnection
    from chat.connection.framing import LineFramer

UNFINISHED_SECONDS = 0.05
"""How long an unfinished frame waits for more bytes. Then a closing brace ends a frame."""


class ClassicReader:
    """One connection's reader. The connection's loop, ``recall`` excepted.

    Attributes:
        guess: the dialects that the peer may speak; None until its first request.
        has_news: there may be another dialect to remember for the account.
        advised: the log has a line about a request of this connection that fits no dialect.
    """

    __slots__ = (
        "_awaits_brace",
        "_braces",
        "_connection",
        "_framer",
        "_new_guess",
        "advised",
        "guess",
        "has_news",
    )

    def __init__(
        self,
        framer: LineFramer,
        new_guess: Callable[[], DialectGuess],
        connection: AnyConnection,
    ) -> None:
        self.guess: DialectGuess | None = None
        self.has_news = False
        self.advised = False
        self._framer = framer
        self._connection = connection
        self._new_guess = new_guess
        self._braces: BraceCutter | None = None
        self._awaits_brace = False  # a timer is running

    # ------------------------------------------------------------------ dialects

    def read(self, message: Message) -> Message:
        """A request under the tutorial's number and names; the message itself if it has them.

        Raises NoTableError.
        """
        guess = self.guess
        if guess is not None:  # the fast path: a chat message of a known client
            number = message.get("msgid")
            if type(number) is int and guess.plain.get(number) in message:
                return message
        connection = self._connection
        if self._ends_lines or asks_for_v2(message):
            self._leave()
            return message
        if guess is None:
            guess = self.guess = self._new_guess()
            connection.classic_output.write_as(guess.table)
        if self._braces is not None and self._braces.found and not guess.unterminated:
            self._framer.answer_with_nul()
            guess.ends_with_brace()
            connection.classic_output.write_as(guess.table)
        tables = guess.tables
        read = guess.read(message)
        if guess.tables is not tables:
            self.has_news = True
            connection.classic_output.write_as(guess.table)
            if guess.is_tutorial:
                connection.reader = None
        if read is not message:
            read.pop("v", None)  # only a request of this protocol chooses v2
        return read

    def _leave(self) -> None:
        """The peer is no clone: it ends its lines, or speaks v2.

        Its first frame may have ended with its brace all the same, if the line feed came late.
        """
        connection = self._connection
        connection.reader = None
        connection.classic_output.write_as(TUTORIAL)
        connection.classic_output.drop_writer()
        if self._braces is not None:
            self._framer.cut_with(LineCutter())

    def news(self) -> str | None:
        """The dialect to store with the logged-in user, once; None: it is stored already."""
        self.has_news = False
        guess = self.guess
        if guess is None:
            return None
        name = guess.memory(guess.remembered)
        if name is not None:
            guess.recall(name)
        return name

    def recall(self, remembered: str | None) -> None:
        """The dialect that is stored with the account that logs in. Any thread."""

        def choose() -> None:
            if self.guess is not None:
                self.guess.recall(remembered)
                self._connection.classic_output.write_as(self.guess.table)

        self._connection.loop.queue_in_loop(choose)

    @property
    def _ends_lines(self) -> bool:
        return self._framer.ends_with_lf

    # ------------------------------------------------------------------ frames without an end

    def await_brace(self) -> None:
        """The framer holds an unfinished frame. If nothing follows, its brace may be its end."""
        if self._braces is None and not self._awaits_brace and not self._ends_lines:
            self._awaits_brace = True
            self._connection.loop.run_after(UNFINISHED_SECONDS, self._look_for_brace)

    def _look_for_brace(self) -> None:
        self._awaits_brace = False
        connection = self._connection
        if not self._is_unfinished:
            return
        left = connection.last_seen + UNFINISHED_SECONDS - connection.loop.poll_return_time
        if left > 0:
            self._awaits_brace = True
            connection.loop.run_after(left, self._look_for_brace)
        else:
            self.end_with_braces()

    def end_with_braces(self) -> None:
        """Nothing follows: from here on a closing brace ends a frame, too."""
        if self._is_unfinished:
            self._braces = BraceCutter()
            self._framer.cut_with(self._braces)
            self._connection.flow.look_again()

    @property
    def _is_unfinished(self) -> bool:
        connection = self._connection
        return (
            connection.reader is self
            and self._braces is None
            and self._framer.held > 0
            and not (connection.flow.pending or connection.closed or self._ends_lines)
        )
