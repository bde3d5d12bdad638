"""ReadMarks: tells the server what the terminal has shown, and others that the user is typing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from client.errors import ClientError
from client.ui.commands.context import CommandContext
from client.ui.model.room import Room, RoomKey

PAUSE_SECONDS = 0.5
"""Before a mark is sent. Several messages that arrive together are one mark."""

TYPING_SECONDS = 3.0
"""Between two notices that the user is typing."""


class ReadMarks:
    """Marks and typing of the user, on their way to the server. The terminal's thread.

    A failure is not shown: the next mark says the same, and a notice of typing is only a hint.
    """

    def __init__(
        self, context: CommandContext, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._clock = clock
        self._waiting: set[RoomKey] = set()  # their marks are about to be sent
        self._typed = (RoomKey(False, 0), 0.0)  # the last notice of typing
        self._text = ""

    def shown(self, room: Room) -> None:
        """Messages of a room were drawn: tell the server, if that is news."""
        if int(room.read_seq) <= room.told_read or room.key in self._waiting:
            return
        if self._context.state.is_online:
            self._waiting.add(room.key)
            self._context.terminal.spawn(self._send(room))

    def tell_all(self) -> None:
        """Tell what was shown without a connection. After a login, and after each reconnect."""
        for room in self._context.rooms.by_key.values():
            if room.told_read:  # the server has listed it
                self.shown(room)

    async def _send(self, room: Room) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        self._waiting.discard(room.key)
        seq = int(room.read_seq)
        place = {"group_id" if room.key.in_group else "user_id": room.key.id}
        try:
            mark = await self._context.terminal.run_blocking(
                self._context.client.mark_read, seq, **place
            )
        except ClientError:
            return
        room.told_read = max(room.told_read, mark)

    def typed(self) -> None:
        """A key has changed the input line, or has not."""
        text, _ = self._context.terminal.input_text()
        before, self._text = self._text, text
        room, state = self._context.rooms.current, self._context.state
        if room is None or not state.logged_in or text == before or not text:
            return
        if text.startswith("/") and not text.startswith("//"):
            return
        key, then = self._typed
        now = self._clock()
        if room.key == key and now - then < TYPING_SECONDS:
            return
        if room.key != RoomKey(False, self._context.directory.me[0]) and room.items:
            self._typed = (room.key, now)
            place = {"group_id" if room.key.in_group else "user_id": room.key.id}
            self._context.client.typing(**place)
