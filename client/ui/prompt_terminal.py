"""PromptTerminal: the Terminal that is a prompt_toolkit Application."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import subprocess
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from prompt_toolkit.application import in_terminal
from prompt_toolkit.document import Document

from client.errors import ClosedError
from client.ui.commands.terminal import Terminal
from client.ui.commands.web_browser import browser_command
from client.ui.model.screen_state import ScreenState
from client.ui.view.paced_application import PacedApplication
from client.ui.view.screen import Screen
from client.ui.view.terminal_output import notice_sequence

T = TypeVar("T")

_WORKERS = 4
"""Threads for blocking calls: the history of a room does not wait for the members of a group."""


class PromptTerminal(Terminal):
    """The docstrings of Terminal hold here, too; ``call_soon`` is for any thread."""

    def __init__(
        self,
        application: PacedApplication[int],
        screen: Screen,
        state: ScreenState,
        environment: Mapping[str, str],
    ) -> None:
        self._application = application
        self._screen = screen
        self._state = state
        self._environment = environment
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="chat terminal")
        self._copy_view_ended = asyncio.Event()
        self._copy_view_ended.set()

    # ------------------------------------------------------------------ life cycle

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Accept calls for the thread of this loop."""
        self._loop = loop

    def close(self) -> None:
        """Refuse calls from now on."""
        self._closed.set()

    def stop_workers(self) -> None:
        """End the worker threads without waiting for their calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called. Any thread."""
        return self._closed.is_set()

    def exit(self, code: int) -> None:
        self.end_copy_view()
        if self._application.is_running and not self._application.is_done:
            self._application.exit(result=code)

    def fail(self, error: Exception) -> None:
        """End the program with an exception."""
        self.end_copy_view()
        if not self._application.is_done:
            self._application.exit(exception=error)

    # ------------------------------------------------------------------ threads

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        if self._loop is None or self.is_closed:
            raise ClosedError
        try:
            self._loop.call_soon_threadsafe(self._call, call, args)
        except RuntimeError as exc:  # the loop is closed
            raise ClosedError from exc

    def _call(self, call: Callable[..., object], args: tuple[object, ...]) -> None:
        call(*args)
        self.redraw()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._application.create_background_task(coroutine)

    async def run_blocking(self, call: Callable[..., T], *args: object, **named: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, functools.partial(call, *args, **named))

    # ------------------------------------------------------------------ output

    def redraw(self) -> None:
        self._application.invalidate()

    def ring_bell(self) -> None:
        self._application.output.bell()
        self._application.output.flush()

    def notify_desktop(self, title: str, text: str) -> None:
        self._application.output.write_raw(notice_sequence(self._state.notify, title, text))
        self._application.output.flush()

    def open_link(self, url: str) -> bool:
        command = browser_command(self._environment, url)
        if command is not None:
            threading.Thread(target=_run_quietly, args=(command,), daemon=True).start()
        return command is not None

    def columns(self) -> int:
        return self._application.output.get_size().columns

    async def show_copy_view(self, lines: list[str], hint: str) -> None:
        if not self._copy_view_ended.is_set():
            return  # it is shown already
        keyboard, ended = self._application.input, self._copy_view_ended
        ended.clear()

        def read() -> None:
            if keyboard.read_keys() or keyboard.flush_keys() or keyboard.closed:
                ended.set()

        focused, self._state.focused = self._state.focused, False
        try:
            async with in_terminal():
                text = "\r\n".join([*lines, "", hint, ""])
                self._application.output.write_raw(text)
                self._application.output.flush()
                with keyboard.raw_mode(), keyboard.attach(read):
                    await ended.wait()
        finally:
            ended.set()
            self._state.focused = focused
        self.redraw()

    def end_copy_view(self) -> None:
        """Return from the copy view, if it is shown."""
        self._copy_view_ended.set()

    # ------------------------------------------------------------------ input

    def input_text(self) -> tuple[str, int]:
        return self._screen.input.text, self._screen.input.cursor_position

    def set_input(self, text: str, cursor: int | None = None) -> None:
        position = len(text) if cursor is None else min(cursor, len(text))
        self._screen.input.reset(Document(text, position))

    def set_field(self, field: str, text: str) -> None:
        self._screen.login_screen.fields[field].reset(Document(text, len(text)))
        self._screen.focus_field(field)


def _run_quietly(command: list[str]) -> None:
    """Run a program without its output, which would disturb the screen. Any thread."""
    nothing = subprocess.DEVNULL
    with contextlib.suppress(OSError):
        subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, check=False)
