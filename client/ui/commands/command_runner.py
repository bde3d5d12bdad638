"""CommandRunner: carries out the lines that are entered, by a table of commands."""

from __future__ import annotations

from collections.abc import Callable

from client.encoding import is_unicode
from client.errors import TooLargeError
from client.limits import check_text
from client.ui.commands.command_set import CommandSet
from client.ui.commands.context import CommandContext
from client.ui.commands.message_sender import MessageSender
from client.ui.model.command_line import (
    CommandInput,
    InputError,
    PasswordTypedError,
    TextInput,
    UnknownUserError,
    parse_line,
)
from client.ui.model.known_users import (
    asking_users,
    id_of_name,
    inviting_groups,
    known_groups,
    known_users,
)
from client.ui.model.room import Room, RoomKey
from client.ui.model.slash_commands import ArgumentKind
from client.ui.text.cells import one_line

_KNOWN = {
    ArgumentKind.USER: known_users,
    ArgumentKind.ASKER: asking_users,
    ArgumentKind.GROUP: known_groups,
    ArgumentKind.JOINABLE: inviting_groups,
}
"""The users and groups that an argument may name."""


class CommandRunner:
    """Sends texts and runs commands. The terminal's thread."""

    def __init__(
        self, context: CommandContext, commands: CommandSet, sender: MessageSender
    ) -> None:
        self._context = context
        self._commands = commands
        self._sender = sender
        self._table = commands.by_name()
        self._found: dict[str, int] = {}  # the names in the line that the server has found

    def enter(self, line: str) -> None:
        """Carry out a line. A failed one stays in the input line, and a notice names the fault."""
        self._context.state.notice = None
        self._found.clear()
        self.attempt(lambda: self._enter(line))

    def attempt(self, action: Callable[[], object]) -> None:
        """Call a command; show its InputError as a notice."""
        try:
            action()
        except InputError as exc:
            if isinstance(exc, UnknownUserError) and self._context.state.is_online:
                self._look_up(exc.name)
                return
            if isinstance(exc, PasswordTypedError):
                self._context.terminal.set_input("")
            values = {name: one_line(value) for name, value in exc.values.items()}
            self._context.state.say(self._context.state.texts(exc.key, **values), failed=True)

    def _look_up(self, name: str) -> None:
        """Ask the server for the user, and carry out the line again.

        The line comes back if there is no such user.
        """
        terminal, rooms = self._context.terminal, self._context.rooms
        line = terminal.input_text()[0]
        terminal.set_input("")

        def found(user_id: int) -> None:
            if rooms is self._context.rooms:  # the user has not logged out meanwhile
                self._found[name] = user_id
                self.attempt(lambda: self._enter(line))

        def missing() -> None:
            if not terminal.input_text()[0]:
                terminal.set_input(line)

        self._commands.people.look_up(name, found, missing)

    def _enter(self, line: str) -> None:
        if not is_unicode(line):
            raise InputError("not unicode")
        rooms, terminal = self._context.rooms, self._context.terminal
        parsed = parse_line(line, self._resolve, in_room=rooms.current is not None)
        if parsed is None:
            terminal.set_input("")
            return
        if isinstance(parsed, TextInput):
            done = self._send(rooms.current, parsed.text)
        elif _has_message(parsed):
            done = self._send_to(parsed, line)
        else:
            terminal.set_input("")
            self._table[parsed.name](*parsed.args)
            done = True
        if done:
            self._context.state.input_history.add(line)

    def _send(self, room: Room | None, text: str) -> bool:
        """Send a text. Returns False, after a notice, if the client does not take it."""
        if room is None:
            raise InputError("no room")
        if not self._sender.send_text(room, text):
            return False
        self._context.terminal.set_input("")
        return True

    def _send_to(self, command: CommandInput, line: str) -> bool:
        """Carry out /say, and /chat or /group with a text.

        The line comes back into the input line if the user or group does not exist.
        """
        context, text = self._context, str(command.args[-1])
        if command.name == "say":
            return self._send(context.rooms.current, text)
        key = RoomKey(command.name == "group", int(command.args[0]))
        try:
            check_text(text)
        except TooLargeError as exc:
            context.notice_error(exc)
            return False
        context.terminal.set_input("")

        def opened() -> None:
            if not self._sender.send_text(context.rooms.room(key), text):
                missing()

        def missing() -> None:
            if not context.terminal.input_text()[0]:
                context.terminal.set_input(line)

        self._commands.rooms.visit(key, opened, missing)
        return True

    def _resolve(self, kind: ArgumentKind, name: str) -> int | None:
        if kind is ArgumentKind.USER and name in self._found:
            return self._found[name]
        found = id_of_name(_KNOWN[kind](self._context.rooms), name)
        if found is None and kind is ArgumentKind.USER:
            found = id_of_name(self._context.directory.seen_names, name)
        return found


def _has_message(command: CommandInput) -> bool:
    return command.name in ("chat", "group", "say") and isinstance(command.args[-1], str)
