"""Menu: the original client's dialogue. It asks, calls the session and prints.

It owns neither: whoever made console and session closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from client.errors import (
    ClientError,
    ConnectionLostError,
    OutputClosedError,
    UnreadableInputError,
)
from client.ids import parse_id
from client.original_commands import CommandError, parse
from client.plain.console import Console
from client.plain.plain_text import PlainText
from client.protocol.session import Session
from client.timing import Timing
from client.values import Account, ChatFailed, Event, ServerError

_QUIT_CHOICE = "3"

_LAST_WORDS_SECONDS = 1.0
"""A failed send is noticed before what the server said last has been read."""


class _Quit(Exception):
    """The user wants to leave."""


class Menu:
    """The main menu and the command loop, on the thread that calls ``run``."""

    def __init__(
        self,
        console: Console,
        session: Session,
        timing: Timing | None = None,
        text: PlainText | None = None,
        *,
        script: bool = False,
    ) -> None:
        """``script``: a program and no person types. Its failures go to the error stream and
        make the exit code 1, and a login that fails is the end: the lines that follow it are
        meant for a user who is logged in."""
        self._console = console
        self._text = text or PlainText()
        self._script = script
        self._code = 0
        self._session = session
        self._timing = timing or Timing()
        self._choices: dict[str, Callable[[], None]] = {"1": self._login, "2": self._register}
        self._commands: dict[str, Callable[..., None]] = {
            "help": self._help,
            "chat": self._chat,
            "addfriend": self._add_friend,
            "creategroup": self._create_group,
            "addgroup": self._join_group,
            "groupchat": self._group_chat,
            "loginout": self._logout,
            "quit": self._quit,
        }

    def run(self) -> int:
        """Talk until the user leaves or the connection is lost; returns the exit code.

        The console's reading thread. Raises OutputClosedError when nobody reads the output.
        """
        try:
            try:
                self._main_menu()
            except (EOFError, _Quit):
                pass
            except UnreadableInputError as exc:
                self._console.error(str(exc))
                self._code = 1
            self._leave()
        except ConnectionLostError as exc:
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
            user_id = self._session.register(name, password)
        except ClientError as exc:
            self._print_failure(self._text.register_failed(name, exc), exc)
        else:
            self._print(self._text("registered", name=name, id=user_id))

    def _login(self) -> None:
        user_id = parse_id(self._ask(self._text("id")))
        if user_id is None:
            self._fail(self._text("id expected"))
            self._end_script()
            return
        password = self._ask(self._text("password"), echo=False)
        try:
            account = self._session.login(user_id, password)
        except ClientError as exc:
            self._print_failure(self._text.login_failed(exc), exc)
            self._end_script()
        else:
            self._logged_in(account)

    def _logged_in(self, account: Account) -> None:
        self._print_all(self._text.account_lines(account))
        self._show_events()  # the offline messages
        self._print_all(self._text.help_lines())
        while self._session.account is not None:
            self._one_command(self._console.read_line(self._show_events))

    def _one_command(self, line: str) -> None:
        try:
            word, args = parse(line)
        except CommandError as exc:
            self._fail(str(exc))
            return
        self._commands[word](*args)

    def _help(self) -> None:
        self._print_all(self._text.help_lines())

    def _chat(self, friend_id: str, message: str) -> None:
        self._send(self._session.chat, int(friend_id), message, to_group=False)

    def _group_chat(self, group_id: str, message: str) -> None:
        self._send(self._session.group_chat, int(group_id), message, to_group=True)

    def _send(
        self, send: Callable[[int, str], None], target: int, message: str, *, to_group: bool
    ) -> None:
        try:
            send(target, message)
        except ClientError as exc:
            self._print_failure(self._text.chat_failed(target, to_group, str(exc)), exc)

    def _add_friend(self, friend_id: str) -> None:
        try:
            friend = self._session.add_friend(int(friend_id))
        except ClientError as exc:
            self._print_failure(self._failed("addfriend", exc, id=friend_id), exc)
        else:
            self._print(self._text.friend_added(friend))

    def _create_group(self, name: str, desc: str) -> None:
        try:
            group_id = self._session.create_group(name, desc)
        except ClientError as exc:
            self._print_failure(self._failed("creategroup", exc, name=name), exc)
        else:
            self._print(self._text("group created", id=group_id, name=name))

    def _join_group(self, group_id: str) -> None:
        try:
            group = self._session.join_group(int(group_id))
        except ClientError as exc:
            self._print_failure(self._failed("addgroup", exc, id=group_id), exc)
        else:
            self._print(self._text.group_joined(group))

    def _logout(self) -> None:
        self._finish_chats()
        try:
            self._session.logout()
        except ClientError as exc:
            self._print_failure(self._failed("loginout", exc), exc)
        else:
            self._print(self._text("logged out"))

    def _quit(self) -> None:
        raise _Quit

    def _leave(self) -> None:
        """Nothing that was typed is left unsent or its failure unsaid; then a polite good-bye."""
        self._finish_chats()
        if self._session.account is None:
            return
        try:
            self._session.logout(self._timing.goodbye)
        except ClientError:
            pass  # the connection is about to be closed anyway

    def _finish_chats(self) -> None:
        self._session.settle_chats()
        self._show_events()

    def _lost(self, error: ConnectionLostError) -> int:
        self._session.wait_closed(_LAST_WORDS_SECONDS)
        self._session.settle_chats()
        self._session.deliver(self._show)
        self._console.error(str(error))
        return 1

    def _show_events(self) -> None:
        """What the console calls when the session has woken it. Raises ConnectionLostError."""
        self._session.deliver(self._show)
        reason = self._session.closed_reason
        if reason is not None:
            raise ConnectionLostError(reason)

    def _show(self, event: Event) -> None:
        line = self._text.event_line(event)
        if isinstance(event, ChatFailed | ServerError):
            self._fail(line)
        else:
            self._print(line)

    def _ask(self, prompt: str, *, echo: bool = True) -> str:
        return self._console.read_line(self._show_events, prompt, echo=echo)

    def _print(self, line: str) -> None:
        self._console.print(line)

    def _print_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.print(line)

    def _print_failure(self, line: str, error: ClientError) -> None:
        """One line for what only failed; what ends the program goes on its way."""
        if isinstance(error, ConnectionLostError | OutputClosedError):
            raise error
        self._fail(line)

    def _failed(self, word: str, error: ClientError, **values: object) -> str:
        return self._text.failed(self._text(f"do {word}", **values), error)

    def _fail(self, line: str) -> None:
        """Say that something went wrong, where it is looked for."""
        if self._script:
            self._code = 1
            self._console.error(line)
        else:
            self._print(line)

    def _end_script(self) -> None:
        if self._script:
            self._console.error(self._text("not used"))
            raise _Quit
