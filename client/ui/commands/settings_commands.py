"""SettingsCommands: the commands about the program itself."""

from __future__ import annotations

from collections.abc import Callable

from client.ui.commands.command_group import CommandGroup
from client.ui.commands.controller import Controller
from client.ui.commands.login_controller import LoginController
from client.ui.commands.settings_file import Settings
from client.ui.text.cells import one_line


class SettingsCommands(CommandGroup):
    """Theme, language, bell, connection, end. The terminal's thread.

    ``server``: as it is shown. ``settings`` are changed, and kept by ``keep_settings``.
    """

    def __init__(
        self,
        controller: Controller,
        login: LoginController,
        server: str,
        settings: Settings,
        keep_settings: Callable[[], None],
    ) -> None:
        super().__init__(controller)
        self._login = login
        self._server = server
        self._settings = settings
        self._keep_settings = keep_settings

    def whoami(self) -> None:
        """Name and number."""
        user_id, name = self._chats.me
        self._notice("you are", name=one_line(name), id=user_id, server=self._server)

    def theme(self, name: str | None = None) -> None:
        """Other colours, or which there are."""
        if name is None:
            self._notice("theme is", theme=self._state.theme)
            return
        self._state.theme = self._settings.theme = name
        self._controller.terminal.use_theme(name)
        self._keep_settings()
        self._notice("theme set", theme=name)

    def language(self, language: str | None = None) -> None:
        """Another language, or which there are."""
        if language is None:
            self._notice("lang is")
            return
        self._settings.language = self._texts.language = language
        self._keep_settings()
        self._notice("lang set")

    def bell(self, switch: str | None = None) -> None:
        """On or off, or which it is."""
        if switch is not None:
            self._state.bell = self._settings.bell = switch == "on"
            self._keep_settings()
        self._notice("bell on" if self._state.bell else "bell off")

    def notify(self, way: str | None = None) -> None:
        """Notices on the desktop: how, or not; or which it is."""
        if way is not None:
            self._state.notify = self._settings.notify = way
            self._keep_settings()
        way = self._state.notify
        if way == "off":
            self._notice("notify off")
        else:
            self._notice("notify on", way=way)

    def reconnect(self) -> None:
        """Connect now, or take the account back."""
        if self._is_online:
            self._notice("connected already")
        else:
            self._controller.client.reconnect()

    def logout(self) -> None:
        """To the form; the saved login is not good any more."""
        self._controller.terminal.spawn(self._login.sign_out())

    def quit(self) -> None:
        """Leave; not without a question if something is not sent yet."""
        if self._state.unsent:
            count = self._state.unsent
            self._state.ask(self._texts("quit unsent", count=count), self.quit_now)
        else:
            self.quit_now()

    def quit_now(self, code: int = 0) -> None:
        """Leave."""
        self._controller.terminal.leave(code)
