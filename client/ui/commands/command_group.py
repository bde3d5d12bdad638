"""CommandGroup: the base of the classes that carry out commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chat.protocol import ErrNo
from client.errors import ClientError, RefusedError
from client.ui.commands.context import CommandContext
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.command_line import InputError
from client.ui.model.page import Page
from client.ui.model.room import Room
from client.ui.model.room_title import room_title
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line


class CommandGroup:
    """Some commands as methods. The terminal's thread. They raise InputError."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context

    def _current_room(self) -> Room:
        room = self._context.rooms.current
        if room is None:
            raise InputError("no room")
        return room

    def _title(self, room: Room) -> str:
        return room_title(room, self._context.rooms, self._context.state.texts)

    def _user_name(self, user_id: int) -> str:
        """The name of a user, escaped; the number, if the name is unknown."""
        name = self._context.directory.name_of(user_id) or self._context.client.known_name(user_id)
        return one_line(name) or str(user_id)

    def _show_page(self, key: str, lines: list[Line], **values: object) -> None:
        self._context.state.page = Page(self._context.state.texts(key, **values), lines)


class RequestCommands(CommandGroup):
    """Commands that make a request and show its result."""

    def __init__(self, context: CommandContext, loader: RoomLoader) -> None:
        super().__init__(context)
        self._loader = loader

    def _need_connection(self) -> None:
        if not self._context.state.is_online:
            raise InputError("no online")

    def _ask_password(self, key: str, done: Callable[[str], None], **values: object) -> None:
        """Ask for a password on a line that does not show it."""
        self._context.state.ask_password(self._context.state.texts(key, **values), done)

    def _request(
        self,
        call: Callable[..., Any],
        *args: object,
        done: Callable[[Any], None],
        not_found: Callable[[], None] | None = None,
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Make a request on a worker thread; ``done`` gets its result, a notice its error.

        ``not_found`` is called instead of that notice for the errno NOT_FOUND. ``failed`` is called
        after the notice.
        """
        self._need_connection()
        self._context.terminal.spawn(self._await_answer(call, args, done, not_found, failed))

    async def _await_answer(
        self,
        call: Callable[..., Any],
        args: tuple[object, ...],
        done: Callable[[Any], None],
        not_found: Callable[[], None] | None,
        failed: Callable[[], None] | None,
    ) -> None:
        terminal = self._context.terminal
        try:
            answer = await terminal.run_blocking(call, *args)
        except (ClientError, ValueError) as exc:
            if not_found and isinstance(exc, RefusedError) and exc.errno == ErrNo.NOT_FOUND:
                not_found()
            else:
                self._context.notice_error(exc)
                if failed:
                    failed()
        else:
            self._loader.refresh_account()
            done(answer)
        terminal.redraw()
