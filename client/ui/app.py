"""App: constructs and connects the parts of the terminal, and runs them."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import DynamicStyle, Style

from client.account.last_server import LastServer, remember_server
from client.account.lifecycle import State, Status
from client.account.saved_accounts import SavedAccount, saved_accounts
from client.account.sending import Sending
from client.chat_client import ChatClient
from client.errors import NotConfirmedError
from client.ui.commands.client_events import ClientEvents
from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.command_set import CommandSet
from client.ui.commands.context import CommandContext
from client.ui.commands.login_controller import LoginController
from client.ui.commands.message_sender import MessageSender
from client.ui.commands.read_marks import ReadMarks
from client.ui.commands.room_controller import RoomController
from client.ui.commands.room_loader import RoomLoader
from client.ui.commands.scroller import Scroller
from client.ui.commands.settings_file import SettingsFile
from client.ui.keyboard.key_binder import KeyBinder
from client.ui.keyboard.keyboard import bind_keys
from client.ui.log_notices import LogNotices, warnings_to
from client.ui.model.login_form import LoginForm
from client.ui.model.screen_state import ScreenState
from client.ui.notice_timer import NoticeTimer
from client.ui.options import Options
from client.ui.prompt_terminal import PromptTerminal
from client.ui.text.cells import one_line
from client.ui.text.translations import Translations, language_of
from client.ui.view.link_style import LinkStyle
from client.ui.view.message_view import MessageView
from client.ui.view.paced_application import PacedApplication
from client.ui.view.screen import Screen
from client.ui.view.terminal_output import TerminalOutput, learn_focus_reports
from client.ui.view.themes import THEMES, theme_of
from client.values import (
    Announcement,
    ChatMessage,
    DeviceNotice,
    FriendNotice,
    GroupNotice,
    MuteNotice,
    Presence,
    ReadNotice,
    TypingNotice,
)

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

log = logging.getLogger(__name__)

SETTINGS_FILE = "settings.json"

_ESCAPE_SECONDS = 0.05
"""The time after Esc in which a key means Alt+key. Terminals send both at once."""

_MEMBERS_SECONDS = 20.0
"""The pause between two requests for the members of the open group and their presence."""

_SAVE_SECONDS = 5.0
"""The pause between two checks for changes to save."""


class App:
    """The terminal. The constructor starts nothing; ``run`` is for the main thread."""

    def __init__(
        self,
        options: Options,
        environment: Mapping[str, str],
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._options = options
        folder = options.folder
        settings = SettingsFile(None if folder is None else folder / SETTINGS_FILE)
        self.state = self._make_state(settings, environment)
        message_view = MessageView(self.state.texts)
        output = output or TerminalOutput.of_this_process()
        self._screen = Screen(
            self.state, message_view, options.server, lambda: output.get_size().columns
        )
        bindings = KeyBindings()
        self.application = self._make_application(
            bindings, input, output, no_color=bool(environment.get("NO_COLOR"))
        )
        self.terminal = PromptTerminal(self.application, self._screen, self.state, environment)
        self._client = self._make_client()
        self._message_view = message_view
        context = CommandContext(self.state, message_view, self.terminal, self._client)
        sender = MessageSender(context)
        self._loader = RoomLoader(context)
        self._marks = ReadMarks(context)
        self._scroller = Scroller(context, self._loader, self._marks)
        self._rooms = RoomController(context, self._loader, sender)
        self._login = LoginController(context, self._rooms, self._saved_accounts)
        self.events = ClientEvents(context, self._loader, self._login, self._marks)
        commands = CommandSet.create(
            context, self._loader, sender, self._rooms, self._login, settings, options.server
        )
        self._binder = KeyBinder(bindings, self.state, self._screen)
        bind_keys(
            self._binder,
            context,
            self._screen,
            self._scroller,
            commands,
            CommandRunner(context, commands, sender),
            self._login,
            self.application.suspend_to_background,
        )
        self._title = ""
        self._notice_timer = NoticeTimer(self.state, self.terminal, options.notice_seconds)
        self._connect()

    # ------------------------------------------------------------------ construction

    def _make_state(
        self, settings_file: SettingsFile, environment: Mapping[str, str]
    ) -> ScreenState:
        options, settings = self._options, settings_file.load()
        language = options.language or settings.language or language_of(environment)
        state = ScreenState(Translations(language), LoginForm(self._saved_accounts()))
        state.bell = settings.bell
        state.notify = settings.notify
        state.theme = options.theme or settings.theme or theme_of(environment)
        if options.not_kept:
            reason = one_line(options.not_kept)
            state.say(state.texts("store failed", reason=reason), failed=True)
        elif options.is_last:
            state.say(state.texts("last server", server=options.server))
        return state

    def _saved_accounts(self) -> list[SavedAccount]:
        options = self._options
        if options.folder is None:
            return []
        return saved_accounts(options.folder, options.host, options.port)

    def _make_application(
        self, bindings: KeyBindings, input: Input | None, output: Output, *, no_color: bool
    ) -> PacedApplication[int]:
        styles = {name: Style.from_dict(classes) for name, classes in THEMES.items()}
        application: PacedApplication[int] = PacedApplication(
            layout=self._screen.layout,
            style=DynamicStyle(lambda: styles[self.state.theme]),
            include_default_pygments_style=False,
            key_bindings=bindings,
            full_screen=True,
            enable_page_navigation_bindings=False,
            color_depth=ColorDepth.DEPTH_1_BIT if no_color else None,
            input=input,
            output=output,
        )
        application.renderer.style = LinkStyle(application.renderer.style)
        application.ttimeoutlen = _ESCAPE_SECONDS
        application.timeoutlen = _ESCAPE_SECONDS
        return application

    def _make_client(self) -> ChatClient:
        options = self._options
        return ChatClient(
            options.host,
            options.port,
            tls=options.tls,
            folder=options.folder,
            share_folder=True,
            on_message=self._on_message,
            on_presence=self._on_presence,
            on_announcement=self._on_announcement,
            on_group_notice=self._on_group_notice,
            on_group_event=self._on_group_event,
            on_friend_notice=self._on_friend_notice,
            on_device_notice=self._on_device_notice,
            on_read=self._on_read,
            on_typing=self._on_typing,
            on_mute=self._on_mute,
            on_state=self._on_state,
            timing=options.timing,
        )

    def _connect(self) -> None:
        """Subscribe to the events of the application."""
        application = self.application
        application.key_processor.before_key_press += lambda sender: self._binder.before_key()
        application.key_processor.after_key_press += lambda sender: self._after_key()
        application.before_render += lambda sender: self._before_drawing()
        application.after_render += lambda sender: self._scroller.mark_shown()

    def _after_key(self) -> None:
        if self._binder.after_key():
            self._marks.typed()

    # ------------------------------------------------------------------ the client's callbacks

    # The constructor of ChatClient needs its callbacks, and ClientEvents needs the client. These
    # methods resolve the cycle. The client calls them after ``start`` only.

    def _on_message(self, message: ChatMessage) -> None:
        self.events.on_message(message)

    def _on_presence(self, presence: Presence) -> None:
        self.events.on_presence(presence)

    def _on_announcement(self, announcement: Announcement) -> None:
        self.events.on_announcement(announcement)

    def _on_group_notice(self, notice: GroupNotice) -> None:
        self.events.on_group_notice(notice)

    def _on_group_event(self, message: ChatMessage) -> None:
        self.events.on_group_event(message)

    def _on_device_notice(self, notice: DeviceNotice) -> None:
        self.events.on_device_notice(notice)

    def _on_friend_notice(self, notice: FriendNotice) -> None:
        self.events.on_friend_notice(notice)

    def _on_read(self, notice: ReadNotice) -> None:
        self.events.on_read(notice)

    def _on_typing(self, notice: TypingNotice) -> None:
        self.events.on_typing(notice)

    def _on_mute(self, notice: MuteNotice) -> None:
        self.events.on_mute(notice)

    def _on_state(self, status: Status) -> None:
        options = self._options
        if status.state is State.ONLINE and options.folder is not None:
            server = LastServer(options.host, options.port, options.encrypted, options.ca)
            remember_server(options.folder, server)
        self.events.on_state(status)

    # ------------------------------------------------------------------ running

    def run(self) -> int:
        """Run until the user quits; returns the exit code. Main thread."""
        learn_focus_reports()
        try:
            return asyncio.run(self._run())
        finally:
            self.terminal.stop_workers()

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._background_failed)
        self.terminal.start(loop)
        with warnings_to(LogNotices(self.terminal, self.state)):
            try:
                return await self.application.run_async(
                    pre_run=self._started, set_exception_handler=False
                )
            except EOFError:  # the terminal window was closed
                return 1
            finally:
                await self._stop()

    def _started(self) -> None:
        """Start the client and the background tasks. The application runs already."""
        self._client.start()
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                    loop.add_signal_handler(number, self.terminal.exit, 128 + number)
        self.terminal.spawn(_repeat(_SAVE_SECONDS, self._rooms.save_changes))
        self.terminal.spawn(_repeat(_MEMBERS_SECONDS, self._refresh_members))
        self._use_saved_login()

    async def _stop(self) -> None:
        self._rooms.save()
        self.application.output.clear_title()
        self.application.output.flush()
        left = self._client.outbox
        await self.terminal.run_blocking(self._client.close)
        self.terminal.close()
        self._print_unsent(left)

    def _print_unsent(self, sendings: tuple[Sending, ...]) -> None:
        """Print the number of unsent messages on the shell's screen."""
        count = sum(isinstance(one.exception(), NotConfirmedError) for one in sendings)
        if count:
            print(self.state.texts("left unsent", count=count), file=sys.stderr)

    def _use_saved_login(self) -> None:
        """Log in with a saved token: of the wanted user, or of the last one."""
        wanted = self._options.user
        for shown, account in self.state.form.choices.items():
            if wanted in (None, account.user_id, account.name):
                self.terminal.set_field("id", shown)
                self._login.use_saved(account)
                return
        if wanted is not None:
            self.terminal.set_field("id", str(wanted))
            self.terminal.set_field("password", "")

    def _refresh_members(self) -> None:
        if self.state.logged_in:
            self._loader.refresh_members()

    def _background_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A programming error in a background task: end the program with its traceback."""
        error = context.get("exception")
        if isinstance(error, Exception) and self.application.is_running:
            self.terminal.fail(error)
        else:
            self.terminal.end_copy_view()
            log.error("%s", context.get("message"))

    # ------------------------------------------------------------------ drawing

    def _before_drawing(self) -> None:
        self._message_view.shown = None
        self._screen.focus()
        self.state.unsent = len(self._client.outbox)
        unread, _ = self.state.rooms.unread
        title = f"({unread}) chat" if unread else "chat"
        if title != self._title:
            self._title = title
            self.application.output.set_title(title)
        self._notice_timer.before_drawing()


async def _repeat(seconds: float, call: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        call()
