"""RoomCommands: the commands that open, close and list rooms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chat.protocol import ErrNo
from client.errors import ClientError, RefusedError
from client.ui.commands.command_group import RequestCommands
from client.ui.commands.context import CommandContext
from client.ui.commands.room_controller import RoomController
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.command_line import InputError
from client.ui.model.pending_line import PendingLine
from client.ui.model.room import RoomKey
from client.ui.model.room_switcher import RoomSwitcher

_UNKNOWN: dict[tuple[bool, int], str] = {
    (False, ErrNo.NOT_FOUND): "no such user",
    (True, ErrNo.NOT_FOUND): "no such group",
    (True, ErrNo.NOT_A_MEMBER): "not a member",
}
"""(in a group, the server's error) → the text about a room that cannot be opened."""


def _joined(*inputs: tuple[str, int]) -> tuple[str, int]:
    """The texts of several input lines below each other, with the cursor of the last one."""
    found = [one for one in inputs if one[0]] or [("", 0)]
    text = "\n".join(one for one, _ in found)
    last, cursor = found[-1]
    return text, len(text) - len(last) + cursor


class RoomCommands(RequestCommands):
    """Opening and closing of rooms. The terminal's thread."""

    def __init__(self, context: CommandContext, loader: RoomLoader, rooms: RoomController) -> None:
        super().__init__(context, loader)
        self._rooms = rooms

    def visit(
        self,
        key: RoomKey,
        pending: PendingLine,
        opened: Callable[[], None],
        missing: Callable[[], None],
    ) -> None:
        """Open a room; ask the server first whether an unknown one exists.

        Then ``opened`` is called. ``missing`` is called instead if it does not exist, and none of
        the two if the user opens another room meanwhile. ``pending``: waits for the answer.
        """
        state = self._context.state
        known = self._is_known(key)
        if not known and state.is_online:
            state.pending = pending
            self._context.terminal.spawn(self._visit(key, pending, opened, missing))
        elif not known and key.in_group and self._context.directory.account is not None:
            missing()
            raise InputError("not a member", id=str(key.id))
        else:
            self._rooms.open_key(key)
            opened()

    def _is_known(self, key: RoomKey) -> bool:
        directory = self._context.directory
        if key.in_group:
            return directory.group(key.id) is not None
        room = self._context.rooms.by_key.get(key)
        has_messages = room is not None and bool(room.items or room.active)
        return has_messages or key.id == directory.me[0] or directory.is_friend(key.id)

    async def _visit(
        self,
        key: RoomKey,
        pending: PendingLine,
        opened: Callable[[], None],
        missing: Callable[[], None],
    ) -> None:
        context = self._context
        unknown = await self._unknown_text(key)
        if context.state.pending is not pending:
            return  # the user has opened another room or logged out meanwhile
        context.state.pending = None
        if unknown is None:
            self._open_with_typed(key, opened)
        else:
            context.notice(unknown, failed=True, id=key.id)
            missing()
        context.terminal.redraw()

    def _open_with_typed(self, key: RoomKey, opened: Callable[[], None]) -> None:
        """Open a room. Lines that were typed since the command move to it."""
        terminal, rooms = self._context.terminal, self._context.rooms
        typed = terminal.input_text()
        terminal.set_input("")
        self._rooms.open_key(key)
        room, draft = rooms.current, terminal.input_text()
        terminal.set_input("")
        opened()
        if room is not None and room is not rooms.current:  # a line that waited opens another one
            room.draft, draft = draft, ("", 0)
        terminal.set_input(*_joined(terminal.input_text(), draft, typed))

    async def _unknown_text(self, key: RoomKey) -> str | None:
        """The text about a room that does not exist; None if it exists, or without an answer."""
        try:
            await self._loader.check_exists(key)
            await self._loader.name_user(key)
        except RefusedError as exc:
            return _UNKNOWN.get((key.in_group, exc.errno))
        except ClientError:
            return None  # messages to it wait for a connection
        return None

    def switch(self) -> None:
        """Show the choice of a room by its letters."""
        self._context.state.switcher = RoomSwitcher(self._context.rooms, self._context.state.texts)

    def switch_done(self) -> None:
        """Open the chosen room, if one matches."""
        state = self._context.state
        switcher, state.switcher = state.switcher, None
        if switcher is not None:
            self._rooms.open_room(switcher.chosen)

    def neighbour(self, step: int) -> None:
        """Open the room above (-1) or below (1) in the list."""
        self._rooms.open_room(self._context.rooms.neighbour(step))

    def numbered(self, number: int) -> None:
        """Open the room at a place of the list, counted from 1."""
        listed = self._context.rooms.ordered()
        if number <= len(listed):
            self._rooms.open_room(listed[number - 1])

    def previous(self) -> None:
        """Open the room that was open before."""
        self._rooms.open_room(self._context.rooms.previous)

    def next_unread(self) -> None:
        """Open the next room with unread messages, or go to those of the open one."""
        rooms = self._context.rooms
        room = rooms.next_unread()
        if room is not None:
            self._rooms.open_room(room)
        elif rooms.current is None or not rooms.current.unread:
            self._context.notice("nothing unread")
        else:
            self._loader.seek_new(rooms.current)

    def first_new(self) -> None:
        """Go to the first new message of the open room."""
        if not self._loader.seek_new(self._current_room()):
            self._context.notice("nothing new")

    def close(self) -> None:
        """Hide the open room until its next message, and open the one below."""
        rooms = self._context.rooms
        room = self._current_room()
        following = rooms.neighbour(1)
        room.draft = ("", 0)
        if following is room or following is None:
            rooms.open(None)
        else:
            self._rooms.open_room(following)
        room.hidden = True

    def mute(self, switch: str | None = None) -> None:
        """Mute the open conversation ("on"), or end that; without an argument the other state."""
        room = self._current_room()
        muted = not room.muted if switch is None else switch == "on"
        title = self._title(room)
        place = {"group_id" if room.key.in_group else "user_id": room.key.id}

        def done(nothing: None) -> None:
            self._context.notice("muted" if muted else "not muted", name=title)

        self._request(partial(self._context.client.mute, **place, muted=muted), done=done)

    def toggle_list(self) -> None:
        """Show the list of rooms, or hide it."""
        self._context.state.toggle_list(self._context.terminal.columns())
