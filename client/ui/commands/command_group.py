"""CommandGroup: what those that carry commands out share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from client.errors import ClientError
from client.ui.commands.controller import Controller
from client.ui.model.chats import Chats
from client.ui.model.command_line import (
    InputError,
)
from client.ui.model.page import Page
from client.ui.model.room import Room, RoomKey
from client.ui.model.room_title import room_title
from client.ui.model.screen_state import ScreenState
from client.ui.text.error_texts import error_text
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations


class CommandGroup:
    """Carries some commands out. The terminal's thread. Its methods raise InputError."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    @property
    def _state(self) -> ScreenState:
        return self._controller.state

    @property
    def _chats(self) -> Chats:
        return self._controller.chats

    @property
    def _texts(self) -> Translations:
        return self._controller.state.texts

    def _room(self) -> Room:
        room = self._chats.current
        if room is None:
            raise InputError("no room")
        return room

    def _group_room(self, group_id: int | None) -> Room:
        if group_id is not None:
            return self._chats.room(RoomKey(True, group_id))
        room = self._room()
        if not room.key.in_group:
            raise InputError("not a group")
        return room

    def _title(self, room: Room) -> str:
        return room_title(room, self._chats, self._texts)

    @property
    def _is_online(self) -> bool:
        return self._state.is_online

    def _notice(
        self, key: str, *, failed: bool = False, stays: bool = False, **values: object
    ) -> None:
        self._state.say(self._texts(key, **values), failed=failed, stays=stays)

    def _view(self, key: str, lines: list[Line], **values: object) -> None:
        self._state.page = Page(self._texts(key, **values), lines)

    def _ask_server(
        self, call: Callable[..., Any], *args: object, done: Callable[[Any], None]
    ) -> None:
        """Make a request on another thread; say what came of it."""
        if not self._is_online:
            raise InputError("no online")
        self._controller.terminal.spawn(self._request(call, args, done))

    async def _request(
        self, call: Callable[..., Any], args: tuple[object, ...], done: Callable[[Any], None]
    ) -> None:
        terminal = self._controller.terminal
        try:
            answer = await terminal.run_call(call, *args)
        except (ClientError, ValueError) as exc:
            self._state.say(error_text(exc, self._texts), failed=True)
        else:
            self._controller.refresh_account()
            done(answer)
        terminal.show()
