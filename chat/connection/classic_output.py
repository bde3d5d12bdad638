"""ClassicOutput: the form in which messages go to one classic client.

It has the numbers and names of the client's dialect, the longest frame that the client reads, and
the ClassicWriter of a client of the original. A client that speaks v2, or ends its frames with LF,
has no writer and no longest frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.connection.classic_writer import ClassicWriter
from chat.connection.framing import pack_for_original
from chat.protocol.dialects import TUTORIAL, Table

if TYPE_CHECKING:
    from chat.config import ClassicConfig
    from chat.connection.framing import Framer
    from chat.message import ChatMessage
    from muduopy import TcpConnection


class ClassicOutput:
    """One connection's classic output. All methods: the connection's loop.

    Attributes:
        table: the numbers and names in answers.
        translates: chat messages, too, are written with ``table``.
        frame_limit: the longest frame for a client of the original, in bytes; 0: no limit.
        writer: leaves gaps between the frames for a client of the original; None: frames go out at
            once.
    """

    __slots__ = (
        "_framer",
        "_on_change",
        "_settings",
        "_tcp",
        "frame_limit",
        "table",
        "translates",
        "writer",
    )

    def __init__(
        self,
        tcp: TcpConnection,
        framer: Framer,
        settings: ClassicConfig,
        on_change: Callable[[bool], object],
    ) -> None:
        """``on_change`` is the writer's: it hears True when many frames wait, False when none."""
        self.table = TUTORIAL
        self.translates = False
        self.frame_limit = 0
        self.writer: ClassicWriter | None = None
        self._tcp = tcp
        self._framer = framer
        self._settings = settings
        self._on_change = on_change

    def arrange(self) -> None:
        """Find out whether the peer is a client of the original. Before each classic answer.

        Such a client reads one frame at a time.
        """
        if self.writer is None and self._framer.may_be_original:
            self.frame_limit = self._settings.frame
            if self._settings.gap > 0:
                self.writer = ClassicWriter(
                    self._tcp,
                    self._settings.gap,
                    pack_for_original,
                    self.frames_of,
                    self._on_change,
                )

    def drop_writer(self) -> None:
        """The peer is no client of the original. The frames that wait go out at once."""
        self.frame_limit = 0
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.flush()

    def write_as(self, table: Table) -> None:
        """Write all messages with the numbers and names of this table."""
        self.table = table
        self.translates = not table.writes_plainly

    def frames_of(self, message: ChatMessage) -> list[bytes]:
        """The frames of a chat message: several, if one would be too long."""
        if self.translates:
            return message.dialect_frames(self.table, self.frame_limit)
        return message.classic_frames(self.frame_limit)
