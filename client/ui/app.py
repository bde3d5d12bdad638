"""App: the prompt_toolkit application, and where the parts of the terminal are put together."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prompt_toolkit.application import in_terminal
from prompt_toolkit.document import Document
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import DynamicStyle, Style

from client.account.sending import Sending
from client.account.store import SavedAccount, saved_accounts
from client.chat_client import ChatClient
from client.errors import ClosedError, NotConfirmedError
from client.timing import Timing
from client.ui.commands import settings_file
from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.controller import Controller
from client.ui.commands.keyboard import Keyboard
from client.ui.commands.login_controller import LoginController
from client.ui.commands.settings_commands import SettingsCommands
from client.ui.commands.web_browser import browser_command
from client.ui.model.login_form import LoginForm
from client.ui.model.screen_state import Notice, ScreenState
from client.ui.text.cells import one_line
from client.ui.text.translations import Translations, language_of
from client.ui.view.link_style import LinkStyle
from client.ui.view.message_view import MessageView
from client.ui.view.paced_application import PacedApplication
from client.ui.view.screen import Screen
from client.ui.view.terminal_output import TerminalOutput, learn_focus_reports, notice_sequence
from client.ui.view.themes import THEMES, theme_of

if TYPE_CHECKING:
    import ssl

    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

log = logging.getLogger(__name__)

T = TypeVar("T")

SETTINGS_FILE = "settings.json"

_WORKERS = 4
_ESCAPE_SECONDS = 0.05
"""How long after Esc a key still means Alt+key. Terminals send both at once."""

_MEMBERS_SECONDS = 20.0
"""How often it is asked who is in the group that is looked at, and online."""

_SAVE_SECONDS = 5.0
"""How often it is looked whether there is something to keep for the next run."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.

    Attributes:
        folder: None keeps nothing.
        user_id: go straight in as this user, if there is a saved login.
        language, theme: instead of what the settings or the environment say.
        not_kept: why there is no folder, if one was wanted.
        notice_seconds: how long a notice is shown.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    folder: Path | None = None
    user_id: int | None = None
    language: str | None = None
    theme: str | None = None
    timing: Timing | None = None
    not_kept: str = ""
    notice_seconds: float = 10.0

    @property
    def server(self) -> str:
        """As it is shown."""
        return one_line(f"{self.host}:{self.port}")


class App:
    """The terminal. ``run`` is for the main thread; the rest is a Terminal's, on that thread."""

    def __init__(
        self,
        options: Options,
        environment: Mapping[str, str],
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._options = options
        self._environment = environment
        self._settings_path = None if options.folder is None else options.folder / SETTINGS_FILE
        self._settings = settings_file.load(self._settings_path)
        language = options.language or self._settings.language or language_of(environment)
        theme = options.theme or self._settings.theme or theme_of(environment)
        self._monochrome = bool(environment.get("NO_COLOR"))  # https://no-color.org
        self._styles = {name: Style.from_dict(classes) for name, classes in THEMES.items()}
        self._style = self._styles[theme]
        self.state = ScreenState(Translations(language), LoginForm(self._saved()))
        self.state.bell = self._settings.bell
        self.state.notify = self._settings.notify
        self.state.theme = theme
        if options.not_kept:
            why = one_line(options.not_kept)
            self.state.say(self.state.texts("store failed", why=why), failed=True)
        self.message_view = MessageView(self.state.texts)
        self.controller = Controller(self.state, self.message_view, self)
        self.screen = Screen(self.state, self.message_view, options.server, self.columns)
        self.login = LoginController(self.controller, self._saved)
        self.client = self.controller.client = self._make_client()
        choices = SettingsCommands(
            self.controller, self.login, options.server, self._settings, self._keep_settings
        )
        runner = CommandRunner(self.controller, choices)
        self.keyboard = Keyboard(
            self.state, self.screen, self.controller, runner, self.login, self._suspend
        )
        self.application = self._make_application(input, output)
        self._back = asyncio.Event()  # not set while plain lines are on the screen
        self._back.set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="chat terminal")
        self._title = ""
        self._timed_notice: Notice | None = None
        self._saved_state: object = None

    def _saved(self) -> list[SavedAccount]:
        options = self._options
        if options.folder is None:
            return []
        return saved_accounts(options.folder, options.host, options.port)

    def _make_client(self) -> ChatClient:
        options = self._options
        return ChatClient(
            options.host,
            options.port,
            tls=options.tls,
            folder=options.folder,
            on_message=self.controller.on_message,
            on_presence=self.controller.on_presence,
            on_state=self.controller.on_state,
            timing=options.timing,
        )

    def _make_application(
        self, input: Input | None, output: Output | None
    ) -> PacedApplication[int]:
        learn_focus_reports()
        application: PacedApplication[int] = PacedApplication(
            layout=self.screen.layout,
            style=DynamicStyle(lambda: self._style),
            include_default_pygments_style=False,
            key_bindings=self.keyboard.bindings,
            full_screen=True,
            enable_page_navigation_bindings=False,
            color_depth=ColorDepth.DEPTH_1_BIT if self._monochrome else None,
            input=input,
            output=output or TerminalOutput.of_this_process(),
        )
        application.renderer.style = LinkStyle(application.renderer.style)
        application.ttimeoutlen = _ESCAPE_SECONDS
        application.timeoutlen = _ESCAPE_SECONDS
        # A terminal may report that it lost the focus and never that it has it again.
        application.key_processor.before_key_press += lambda sender: self.keyboard.touched()
        application.key_processor.after_key_press += lambda sender: self.keyboard.released()
        application.before_render += lambda sender: self._before_drawing()
        application.after_render += lambda sender: self.controller.drawn()
        return application

    # ------------------------------------------------------------------ running

    def run(self) -> int:
        """Until the user leaves; returns the exit code. Main thread."""
        try:
            return asyncio.run(self._run())
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> int:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._failed)
        handler = _ToNotice(self)
        root = logging.getLogger("client")
        root.addHandler(handler)
        root.propagate = False
        try:
            return await self._application_until_end()
        finally:
            root.removeHandler(handler)
            root.propagate = True

    async def _application_until_end(self) -> int:
        try:
            return await self.application.run_async(
                pre_run=self._started, set_exception_handler=False
            )
        except EOFError:  # the terminal is gone
            return 1
        finally:
            self.controller.save()
            self.application.output.clear_title()
            self.application.output.flush()
            left = self.client.outbox
            await self.run_call(self.client.close)
            self.controller.ended.set()
            self._say_what_is_left(left)

    def _say_what_is_left(self, sendings: tuple[Sending, ...]) -> None:
        """On the terminal that is the shell's again."""
        count = sum(isinstance(one.exception(), NotConfirmedError) for one in sendings)
        if count:
            print(self.state.texts("left unsent", count=count), file=sys.stderr)

    def _started(self) -> None:
        """The application runs from here on."""
        assert self._loop is not None
        self.client.start()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's decision
                    self._loop.add_signal_handler(number, self.leave, 128 + number)
        self.spawn(self._save_now_and_then())
        self.spawn(self._ask_for_members())
        self._go_straight_in()

    def _go_straight_in(self) -> None:
        """With a saved login there is nothing to ask."""
        saved, wanted = self.state.form.saved, self._options.user_id
        for account in saved:
            if wanted in (None, account.user_id):
                self.fill_in("id", str(account.user_id))
                self.login.use_saved(account)
                return
        if wanted is not None:
            self.fill_in("id", str(wanted))
            self.fill_in("password", "")

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            if self.state.logged_in:
                state = self.controller.chats.to_saved()
                if state != self._saved_state:
                    self._saved_state = state
                    self.controller.save()

    async def _ask_for_members(self) -> None:
        while True:
            await asyncio.sleep(_MEMBERS_SECONDS)
            if self.state.logged_in:
                self.controller.refresh_members()

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something of ours is wrong: end, and let it be seen."""
        error = context.get("exception")
        self._back.set()
        if isinstance(error, Exception) and self.application.is_running:
            if not self.application.is_done:
                self.application.exit(exception=error)
        else:
            log.error("%s", context.get("message"))

    def _before_drawing(self) -> None:
        self.message_view.shown = None
        self.screen.focus()
        self.state.unsent = len(self.client.outbox)
        unread, _ = self.state.chats.unread
        title = f"({unread}) chat" if unread else "chat"
        if title != self._title:
            self._title = title
            self.application.output.set_title(title)
        self._time_notice()

    def _time_notice(self) -> None:
        """A notice that is drawn for the first time goes after a while."""
        notice = self.state.notice
        if notice is self._timed_notice:
            return
        self._timed_notice = notice
        if notice is not None and not notice.stays and self._loop is not None:
            self._loop.call_later(self._options.notice_seconds, self._drop_notice, notice)

    def _drop_notice(self, notice: Notice) -> None:
        if self.state.notice is notice:
            self.state.notice = None
            self.show()

    def _suspend(self) -> None:
        self.application.suspend_to_background()

    def _keep_settings(self) -> None:
        settings_file.save(self._settings_path, self._settings)

    # ------------------------------------------------------------------ a Terminal

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        """Any thread. Raises ClosedError."""
        if self._loop is None or self.controller.ended.is_set():
            raise ClosedError
        try:
            self._loop.call_soon_threadsafe(self._make_call, call, args)
        except RuntimeError as exc:  # the loop is closed
            raise ClosedError from exc

    def _make_call(self, call: Callable[..., object], args: tuple[object, ...]) -> None:
        call(*args)
        self.show()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it besides everything else."""
        self.application.create_background_task(coroutine)

    async def run_call(self, call: Callable[..., T], *args: object, **named: object) -> T:
        """Make a call that blocks on another thread, and wait for it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, functools.partial(call, *args, **named))

    def show(self) -> None:
        """Draw what has changed, soon."""
        self.application.invalidate()

    def ring(self) -> None:
        """The bell."""
        self.application.output.bell()
        self.application.output.flush()

    def notify(self, title: str, text: str) -> None:
        """A notice on the desktop, if the terminal can show one."""
        self.application.output.write_raw(notice_sequence(self.state.notify, title, text))
        self.application.output.flush()

    def open_link(self, url: str) -> bool:
        """Show a web page; returns whether there is a program for that."""
        command = browser_command(self._environment, url)
        if command is not None:
            threading.Thread(target=_run_quietly, args=(command,), daemon=True).start()
        return command is not None

    async def print_bare(self, lines: list[str], hint: str) -> None:
        """Print these where the shell prints, until a key is pressed."""
        if not self._back.is_set():
            return  # it was asked for twice
        terminal, back = self.application.input, self._back
        back.clear()

        def read() -> None:
            if terminal.read_keys() or terminal.flush_keys() or terminal.closed:
                back.set()

        focused, self.state.focused = self.state.focused, False
        try:
            async with in_terminal():
                text = "\r\n".join([*lines, "", hint, ""])
                self.application.output.write_raw(text)
                self.application.output.flush()
                with terminal.raw_mode(), terminal.attach(read):
                    await back.wait()
        finally:
            back.set()
            self.state.focused = focused
        self.show()

    def leave(self, code: int) -> None:
        """The program ends."""
        self._back.set()
        if self.application.is_running and not self.application.is_done:
            self.application.exit(result=code)

    def use_theme(self, name: str) -> None:
        """Other colours."""
        self._style = self._styles[name]

    def typed(self) -> tuple[str, int]:
        """What stands in the input line, and where the cursor is."""
        return self.screen.input.text, self.screen.input.cursor_position

    def retype(self, text: str, cursor: int | None = None) -> None:
        """Put something else there."""
        position = len(text) if cursor is None else min(cursor, len(text))
        self.screen.input.reset(Document(text, position))

    def remember(self, text: str) -> None:
        """It can be had again by the arrow keys."""
        self.keyboard.recall.add(text)

    def columns(self) -> int:
        """How wide the screen is."""
        return self.application.output.get_size().columns

    def fill_in(self, field: str, text: str) -> None:
        """Put something into a field of the form, and the cursor there."""
        self.screen.fields[field].reset(Document(text, len(text)))
        self.screen.go_to_field(field)


def _run_quietly(command: list[str]) -> None:
    """Any thread. What the program says would disturb the screen."""
    nothing = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, check=False)


class _ToNotice(logging.Handler):
    """Shows the client's warnings where they disturb nothing."""

    def __init__(self, app: App) -> None:
        super().__init__(logging.WARNING)
        self._app = app

    def emit(self, record: logging.LogRecord) -> None:
        text = one_line(record.getMessage())
        try:
            self._app.call_soon(lambda: self._app.state.say(text, failed=True))
        except ClosedError:
            print(text, file=sys.stderr)
