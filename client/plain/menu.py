"""Menu: the dialogue of the original client. It reads commands, calls the client and prints.

It owns neither the console nor the client. ``line_mode`` makes and closes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from client.account.saved_accounts import SavedAccount
from client.chat_client import ChatClient
from client.errors import (
    ClientError,
    ConnectError,
    ConnectionLostError,
    NoAnswerError,
    RefusedError,
    ReplacedError,
    UnreadableInputError,
)
from client.ids import parse_id
from client.original_commands import CommandError, parse
from client.plain.account_commands import AccountCommands
from client.plain.chat_writer import ChatWriter
from client.plain.command_group import Command
from client.plain.console import Console
from client.plain.contact_commands import ContactCommands
from client.plain.conversation_commands import ConversationCommands
from client.plain.event_lines import EventLines
from client.plain.group_commands import GroupCommands
from client.plain.plain_text import PlainText
from client.plain.sign_in import DeclinedError, SignIn
from client.protocol.connection import CLOSED
from client.timing import Timing
from client.values import Account

_QUIT_CHOICE = "3"

_LAST_WORDS_SECONDS = 1.0
"""After a failed request: the time to receive the server's last messages."""

_LOST = (ConnectionLostError, ConnectError, ReplacedError)
"""The errors that end the program, because there is no connection any more."""


_Place = tuple[int | None, int | None]
"""A conversation: the other user, or the group."""


class _Quit(Exception):
    """The user has chosen to quit."""


class Menu:
    """The main menu and the command loop, on the thread that calls ``run``.

    ``client`` does not reconnect by itself. It wakes the console when it has a message or an error.
    """

    def __init__(
        self,
        console: Console,
        client: ChatClient,
        events: EventLines,
        text: PlainText,
        timing: Timing,
        *,
        script: bool,
        is_kept: bool = False,
        saved_accounts: Callable[[], list[SavedAccount]] = list,
    ) -> None:
        """``script``: the input comes from a program. Then failures go to the error stream, and
        the exit code becomes 1. A failed login ends the program, because the following lines are
        meant for a user that is logged in. ``is_kept``: logins stay for the next run;
        ``saved_accounts`` reads them.
        """
        self._console = console
        self._client = client
        self._events = events
        self._text = text
        self._timing = timing
        self._script = script
        self._is_kept = is_kept
        self._sign_in = SignIn(client, text, self._print, self._ask, saved_accounts, script=script)
        self._code = 0
        self._unread: dict[_Place, int] = {}  # the newest shown messages of others
        self._writer = ChatWriter(client, events, text, timing, self._print_failure)
        self._choices: dict[str, Callable[[], None]] = {"1": self._login, "2": self._register}
        contacts = ContactCommands(
            client, text, self._print, self._print_failure, None if script else self._ask_secret
        )
        self._commands: dict[str, Callable[..., None]] = {
            "help": self._help,
            "chat": self._writer.chat,
            **contacts.by_name(),
            "groupchat": self._writer.group_chat,
            "loginout": self._logout,
            "quit": self._quit,
        }
        self._added: dict[str, Command] = {}
        for group in (ConversationCommands, GroupCommands, AccountCommands):
            commands = group(client, text, self._ask_secret, self._confirm)
            self._added.update(commands.by_name())

    def run(self, user: int | str | None = None) -> int:
        """Run until the user quits or the connection is lost; returns the exit code.

        ``user``: log in as this user first. The console's reading thread. Raises OutputClosedError
        when the output is closed.
        """
        try:
            try:
                if user is not None:
                    self._log_in(user, saved=True)
                self._main_menu()
            except (EOFError, _Quit):
                pass
            except UnreadableInputError as exc:
                self._console.error(str(exc))
                self._code = 1
            self._leave()
        except _LOST as exc:
            return self._lost(exc)
        return self._code

    def _main_menu(self) -> None:
        while True:
            self._print(self._text("menu"))
            choice = self._ask(self._text("choice")).strip()
            if choice == _QUIT_CHOICE:
                return
            action = self._choices.get(choice)
            if action is None:
                self._fail(self._text("invalid choice"))
            else:
                action()

    def _register(self) -> None:
        name = self._ask(self._text("username"))
        password = self._ask(self._text("password"), echo=False)
        try:
            user_id = self._sign_in.register(name, password)
        except ClientError as exc:
            self._print_failure(self._text.register_failed(name, exc), exc)
        else:
            self._print(self._text("registered", name=name, id=user_id))
            self._print(self._text("log in so", name=name))

    def _login(self) -> None:
        typed = self._ask(self._text("id")).strip()
        user = parse_id(typed) or typed
        if user:
            self._log_in(user, saved=not self._script)
        else:
            self._fail(self._text("id expected"))
            self._end_script()

    def _log_in(self, user: int | str, *, saved: bool) -> None:
        try:
            account = self._sign_in.log_in(user, saved=saved)
        except DeclinedError:
            pass
        except ClientError as exc:
            self._print_failure(self._text.login_failed(exc), exc)
            self._end_script()
        else:
            self._logged_in(account)

    def _logged_in(self, account: Account) -> None:
        self._print_all(self._text.account_lines(account))
        self._print_all(self._text.waiting_lines(account))
        for sending in self._client.outbox:  # of an earlier run
            self._events.watch(sending)
        self._show_events()  # the offline messages
        self._print_all(self._text.first_help_lines())
        if not self._script:
            self._tell_devices(account)
        while self._client.account is not None:
            line = self._console.read_line(self._show_events)
            if not self._script:
                self._mark_read()
            self._one_command(line)

    def _tell_devices(self, account: Account) -> None:
        """Show the number of devices online, if there are several."""
        if not account.device_id:
            return
        try:
            count = sum(device.online for device in self._client.devices())
        except (RefusedError, NoAnswerError):
            return
        if count > 1:
            self._print(self._text("devices online", count=count))

    def _one_command(self, line: str) -> None:
        try:
            word, args = parse(line)
        except CommandError as exc:
            self._fail(str(exc))
            return
        if word in self._added:
            self._run(word, self._added[word], args)
        else:
            self._commands[word](*args)

    def _help(self) -> None:
        self._print_all(self._text.help_lines())

    def _run(self, word: str, command: Command, args: tuple[str, ...]) -> None:
        """Run a command that line mode has added, and show its result."""
        try:
            lines = command(*args)
            self._print_all([self._text("done", word=word)] if lines is None else lines)
        except CommandError as exc:
            self._fail(str(exc))
        except ClientError as exc:
            self._print_failure(self._text.failed(word, exc), exc)

    def _confirm(self, prompt: str) -> bool:
        """Ask a person; a script is sure."""
        return self._script or self._ask(prompt).strip().lower() in ("y", "yes")

    def _logout(self) -> None:
        self._finish_chats()
        try:
            self._client.logout()
        except ClientError as exc:
            self._print_failure(self._text.failed(self._text("do loginout"), exc), exc)
        else:
            self._show_lines()
            self._print(self._text("logged out"))

    def _quit(self) -> None:
        raise _Quit

    def _leave(self) -> None:
        """Wait for the acks of all messages, and show their failures.

        A saved login stays for the next run; without one, log out.
        """
        if self._client.account is None:
            return
        self._finish_chats()
        if self._is_kept:
            self._client.close()
        else:
            with contextlib.suppress(ClientError):  # the connection is about to be closed anyway
                self._client.logout(self._timing.goodbye)
        self._show_lines()

    def _finish_chats(self) -> None:
        self._writer.wait_for_acks()
        self._show_events()

    def _lost(self, error: ClientError) -> int:
        try:
            self._show_messages(_LAST_WORDS_SECONDS)
        except _LOST as exc:
            error = exc  # the reason of the end, which a failed request does not know
        if isinstance(error, ReplacedError) or (
            isinstance(error, ConnectionLostError) and error.announced
        ):
            self._print(self._text("goodbye", why=error.reason))
            error = ConnectionLostError(CLOSED)
        self._client.close()  # the messages without an ack fail now
        self._show_lines()
        self._console.error(self._text.end(error))
        return 1

    def _show_events(self) -> None:
        """Show messages, failures and notices; the console calls it after a wake.

        Raises the errors of ``_LOST``.
        """
        self._show_messages(0)
        self._show_lines()

    def _show_messages(self, timeout: float) -> None:
        """Show the messages that have arrived. Each is acknowledged after it was printed."""
        for message in self._client.messages(timeout):
            self._print(self._text.message_line(message))
            if message.seq is not None and not message.mine:
                other = message.other_id if message.group_id is None else None
                self._unread[other, message.group_id] = message.seq

    def _mark_read(self) -> None:
        """Note that the shown messages are read: a person has typed a line after them."""
        unread, self._unread = self._unread, {}
        account = self._client.account
        if account is None or not account.device_id:
            return
        for (user_id, group_id), seq in unread.items():
            # Without an answer the next message of the conversation marks this one, too.
            with contextlib.suppress(RefusedError, NoAnswerError):
                self._client.mark_read(seq, user_id=user_id, group_id=group_id)

    def _show_lines(self) -> None:
        for line in self._events.take():
            if line.failed:
                self._fail(line.text)
            else:
                self._print(line.text)

    def _ask(self, prompt: str, *, echo: bool = True) -> str:
        return self._console.read_line(self._show_events, prompt, echo=echo)

    def _ask_secret(self, prompt: str) -> str:
        return self._ask(prompt, echo=False)

    def _print(self, line: str) -> None:
        self._console.print(line)

    def _print_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.print(line)

    def _print_failure(self, line: str, error: ClientError) -> None:
        """Print a line about a failed request, but raise the error of a lost connection."""
        if isinstance(error, _LOST):
            raise error
        self._fail(line)

    def _fail(self, line: str) -> None:
        """Print a failure. In a script it goes to the error stream, and the exit code becomes 1."""
        if self._script:
            self._code = 1
            self._console.error(line)
        else:
            self._print(line)

    def _end_script(self) -> None:
        if self._script:
            self._console.error(self._text("not used"))
            raise _Quit
