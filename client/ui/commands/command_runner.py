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
from client.ui.model.pending_line import PendingLine
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
        """Carry out a line. A failed one stays in the input line, and a notice names the fault.

        While an earlier line waits for the server, this one waits, too.
        """
        state = self._context.state
        if state.pending is not None:
            self._context.terminal.set_input("")
            if line.strip():
                state.pending.later.append(line)
                self._context.notice("lines wait", count=len(state.pending.later))
            return
        state.notice = None
        self._found.clear()
        self._carry_out(line)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Call a command; show its InputError as a notice. Returns whether there was none."""
        try:
            action()
        except InputError as exc:
            if isinstance(exc, PasswordTypedError):
                self._context.terminal.set_input("")
            values = {name: one_line(value) for name, value in exc.values.items()}
            self._context.state.say(self._context.state.texts(exc.key, **values), failed=True)
            return False
        return True

    def _carry_out(self, line: str) -> bool:
        """Carry out a line, or ask the server for its user first. Returns whether it was right."""

        def action() -> None:
            try:
                self._enter(line)
            except UnknownUserError as exc:
                if not self._context.state.is_online:
                    raise
                self._look_up(exc.name, line)

        return self.attempt(action)

    def _carry_out_all(self, lines: list[str]) -> None:
        """Carry out the lines that have waited. The input line keeps its text.

        If one fails, it goes into the input line with those behind it.
        """
        if not lines:
            return
        state, terminal = self._context.state, self._context.terminal
        typed, cursor = terminal.input_text()
        while lines:
            line, *lines = lines
            terminal.set_input(line)
            if not self._carry_out(line):
                state.pending = PendingLine(terminal.input_text()[0], lines)
                terminal.set_input(typed)
                self._give_back()
                return
            if state.pending is not None:
                state.pending.later += lines
                break
        terminal.set_input(typed, cursor)

    def _give_back(self) -> None:
        """Put the lines that wait back into the input line.

        An Enter that the user has pressed already does not enter several of them at once.
        """
        state, terminal = self._context.state, self._context.terminal
        pending, state.pending = state.pending, None
        if pending is not None:
            terminal.set_input(pending.text(terminal.input_text()[0]))
            state.draft_waits = bool(pending.later)

    def _look_up(self, name: str, line: str) -> None:
        """Ask the server for the user, and carry out the line again.

        The line comes back if there is no such user.
        """
        state = self._context.state
        pending = state.pending = PendingLine(line)
        self._context.terminal.set_input("")

        def found(user_id: int) -> None:
            if state.pending is pending:  # no other room was opened meanwhile
                state.pending = None
                self._found[name] = user_id
                self._carry_out_all([line, *pending.later])

        def missing() -> None:
            if state.pending is pending:
                self._give_back()

        in_line = line.startswith("/") and f" {name} " in line.rstrip()
        self._commands.people.look_up(name, found, missing, in_line=in_line)

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
        elif parsed.name == "say":
            done = self._send(rooms.current, str(parsed.args[-1]))
        elif parsed.name in ("chat", "group"):
            done = self._open(parsed, line)
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

    def _open(self, command: CommandInput, line: str) -> bool:
        """Carry out /chat or /group, and send the text, if there is one.

        The line comes back into the input line if its text cannot be sent.
        """
        context = self._context
        number, *texts = command.args
        key = RoomKey(command.name == "group", int(number))
        try:
            for text in texts:
                check_text(str(text))
        except TooLargeError as exc:
            context.notice_error(exc)
            return False
        pending = PendingLine(line if texts else "")

        def opened() -> None:
            room = context.rooms.room(key)
            if all(self._sender.send_text(room, str(text)) for text in texts):
                self._carry_out_all(pending.later)
            else:
                missing()

        def missing() -> None:
            context.state.pending = pending
            self._give_back()

        context.terminal.set_input("")
        self._commands.rooms.visit(key, pending, opened, missing)
        return True

    def _resolve(self, kind: ArgumentKind, name: str) -> int | None:
        if kind is ArgumentKind.USER and name in self._found:
            return self._found[name]
        found = id_of_name(_KNOWN[kind](self._context.rooms), name)
        if found is None and kind is ArgumentKind.USER:
            found = id_of_name(self._context.directory.seen_names, name)
        return found
