"""CommandContext: the objects that all commands work on."""

from __future__ import annotations

from dataclasses import dataclass

from client.chat_client import ChatClient
from client.ui.commands.terminal import Terminal
from client.ui.model.directory import Directory
from client.ui.model.room_list import RoomList
from client.ui.model.screen_state import ScreenState
from client.ui.text.error_texts import error_text
from client.ui.view.message_view import MessageView


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The state, its view, the terminal and the client. The terminal's thread."""

    state: ScreenState
    message_view: MessageView
    terminal: Terminal
    client: ChatClient

    @property
    def rooms(self) -> RoomList:
        """The conversations of the current user. Each login creates another list."""
        return self.state.rooms

    @property
    def directory(self) -> Directory:
        """The users and groups that the current user knows."""
        return self.state.rooms.directory

    def notice(
        self, key: str, *, failed: bool = False, stays: bool = False, **values: object
    ) -> None:
        """Show the text of a key as a notice. Values are escaped already."""
        self.state.say(self.state.texts(key, **values), failed=failed, stays=stays)

    def notice_error(self, error: BaseException) -> None:
        """Show an error and its remedy as a notice."""
        self.state.say(error_text(error, self.state.texts), failed=True)
