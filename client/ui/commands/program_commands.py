"""ProgramCommands: the commands about the program itself: help, settings, connection, end."""

from __future__ import annotations

from client.ui.commands.command_group import CommandGroup
from client.ui.commands.context import CommandContext
from client.ui.commands.login_controller import LoginController
from client.ui.commands.settings_file import SettingsFile
from client.ui.model.command_line import InputError
from client.ui.text.cells import one_line
from client.ui.view.help_pages import command_help, help_page


class ProgramCommands(CommandGroup):
    """Help, settings, connection and end. The terminal's thread.

    ``server``: its address as it is shown.
    """

    def __init__(
        self, context: CommandContext, login: LoginController, server: str, settings: SettingsFile
    ) -> None:
        super().__init__(context)
        self._login = login
        self._server = server
        self._settings = settings

    def help(self, command: str | None = None) -> None:
        """Show the help page, or the help of one command."""
        texts = self._context.state.texts
        if command is None:
            cells = self._context.terminal.columns() - 2
            self._show_page("help title", help_page(texts, cells))
            return
        about = command_help(command, texts)
        if about is None:
            raise InputError("no such command", command=command)
        self._context.state.say(about)

    def whoami(self) -> None:
        """Show the user's own name and number."""
        user_id, name = self._context.directory.me
        self._context.notice("you are", name=one_line(name), id=user_id, server=self._server)

    # ------------------------------------------------------------------ settings

    def theme(self, name: str | None = None) -> None:
        """Set the colours, or show their name."""
        if name is None:
            self._context.notice("theme is", theme=self._context.state.theme)
            return
        self._context.state.theme = name
        self._settings.change(theme=name)
        self._context.notice("theme set", theme=name)

    def language(self, language: str | None = None) -> None:
        """Set the language, or show its name."""
        if language is None:
            self._context.notice("lang is")
            return
        self._context.state.texts.language = language
        self._settings.change(language=language)
        self._context.notice("lang set")

    def bell(self, switch: str | None = None) -> None:
        """Set the bell to "on" or "off", or show whether it is on."""
        if switch is not None:
            self._context.state.bell = switch == "on"
            self._settings.change(bell=switch == "on")
        self._context.notice("bell on" if self._context.state.bell else "bell off")

    def notify(self, way: str | None = None) -> None:
        """Set the way of desktop notices, or show it."""
        if way is not None:
            self._context.state.notify = way
            self._settings.change(notify=way)
        way = self._context.state.notify
        if way == "off":
            self._context.notice("notify off")
        else:
            self._context.notice("notify on", way=way)

    # ------------------------------------------------------------------ connection and end

    def reconnect(self) -> None:
        """Connect now; log in again if another client has taken the account over."""
        if self._context.state.is_online:
            self._context.notice("connected already")
        else:
            self._context.client.reconnect()

    def logout(self) -> None:
        """Log out; the saved token becomes invalid."""
        self._context.terminal.spawn(self._login.log_out())

    def quit(self) -> None:
        """End the program, after a question if messages are unsent."""
        unsent = self._context.state.unsent
        if unsent:
            question = self._context.state.texts("quit unsent", count=unsent)
            self._context.state.ask(question, self.quit_now)
        else:
            self.quit_now()

    def quit_now(self, code: int = 0) -> None:
        """End the program with this exit code."""
        self._context.terminal.exit(code)
