"""AppRun: the whole terminal on a thread; keys come through a pipe, its screen is text."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from client.timing import Timing
from client.ui.app import App
from client.ui.options import Options
from tests.client.fake_server import WAIT

T = TypeVar("T")

QUICK = Timing(
    connect=WAIT,
    answer=WAIT,
    login=WAIT,
    patience=2 * WAIT,
    chat_acks=0.2,
    goodbye=0.2,
    first_backoff=0.01,
    longest_backoff=0.02,
    retry=0.01,
)

ENTER, TAB, ESC = "\r", "\t", "\x1b"
UP, DOWN = "\x1b[A", "\x1b[B"
PAGE_UP, PAGE_DOWN, HOME, END = "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F"
FOCUS_IN, FOCUS_OUT = "\x1b[I", "\x1b[O"
F1, F2, F5 = "\x1bOP", "\x1bOQ", "\x1b[15~"


def ctrl(letter: str) -> str:
    return chr(ord(letter.upper()) - 64)


def alt(key: str) -> str:
    return "\x1b" + key


def paste(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


class Screenshot(DummyOutput):
    """An output of a given size that records bells, titles and raw sequences."""

    def __init__(self, columns: int, rows: int) -> None:
        self.size = Size(rows=rows, columns=columns)
        self.bells = 0
        self.titles: list[str] = []
        self.raw: list[str] = []

    def get_size(self) -> Size:
        return self.size

    def bell(self) -> None:
        self.bells += 1

    def write_raw(self, data: str) -> None:
        self.raw.append(data)

    def set_title(self, title: str) -> None:
        self.titles.append(title)


class AppRun:
    """The terminal in this process."""

    def __init__(
        self,
        port: int,
        folder: Path | None = None,
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        timing = options.pop("timing", QUICK)
        self._options = Options("127.0.0.1", port, folder=folder, timing=timing, **options)
        self._environment = environment or {}
        self.output = Screenshot(columns, rows)
        self.code: int | None = None
        self.error: BaseException | None = None
        self.renders = 0
        self._lines: list[str] = []
        self._drawn = threading.Condition()  # guards the screen and the number of drawings
        self._made: queue.SimpleQueue[App] = queue.SimpleQueue()
        self._stack = ExitStack()
        self._thread = threading.Thread(target=self._run, name="app", daemon=True)

    def __enter__(self) -> Self:
        self._pipe = self._stack.enter_context(create_pipe_input())
        self._thread.start()
        self.app = self._made.get(timeout=WAIT)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self.app.terminal.call_soon(self.app.terminal.exit, 0)
        self._thread.join(3 * WAIT)
        self._stack.close()
        assert not self._thread.is_alive()
        if exc is None and self.error is not None:
            raise self.error

    def end(self) -> int | None:
        """Wait for the end; returns the exit code."""
        self._thread.join(2 * WAIT)
        assert not self._thread.is_alive(), self.screen
        return self.code

    def type(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._pipe.send_text(key)

    def hang_up(self) -> None:
        """Close the terminal window."""
        self._pipe.close()

    def command(self, line: str) -> None:
        """Type a line and enter it."""
        self.type(line, ENTER)

    @property
    def screen(self) -> str:
        """The text of the last drawing."""
        with self._drawn:
            return "\n".join(self._lines)

    @property
    def lines(self) -> list[str]:
        """The lines of the last drawing."""
        with self._drawn:
            return list(self._lines)

    def wait_for(self, *texts: str, gone: str | None = None) -> str:
        """Wait until the screen has all these texts, without ``gone``; returns the screen."""

        def there() -> bool:
            screen = "\n".join(self._lines)
            return all(t in screen for t in texts) and (gone is None or gone not in screen)

        with self._drawn:
            if not self._wait_for_drawing(there):
                shown = "\n".join(self._lines)
                raise AssertionError(f"{texts} (without {gone!r}) did not come:\n{shown}")
            return "\n".join(self._lines)

    def wait_until(self, condition: Callable[[str], bool]) -> str:
        """Wait until the condition holds for the screen; returns the screen."""
        with self._drawn:
            met = self._wait_for_drawing(lambda: condition("\n".join(self._lines)))
            assert met, "\n".join(self._lines)
            return "\n".join(self._lines)

    def _wait_for_drawing(self, condition: Callable[[], bool]) -> bool:
        """Wait until it holds, or the screen does not change for a while. Under the lock."""

        def changed(before: list[str]) -> bool:
            return condition() or self._lines != before

        while not condition():
            if not self._drawn.wait_for(partial(changed, self._lines), 2 * WAIT):
                return False
        return True

    def ask(self, question: Callable[[], T]) -> T:
        """The result of a call on the terminal's thread."""
        answers: queue.SimpleQueue[T] = queue.SimpleQueue()
        self.app.terminal.call_soon(lambda: answers.put(question()))
        return answers.get(timeout=WAIT)

    def until(self, question: Callable[[], object]) -> None:
        """Wait until the answer on the terminal's thread is true: for what is not drawn."""
        pause = threading.Event()
        for _ in range(int(2 * WAIT / 0.01)):
            if self.ask(question):
                return
            pause.wait(0.01)
        raise AssertionError(f"waited in vain:\n{self.screen}")

    def pass_time(self, seconds: float) -> None:
        """Set the clock of the events forward."""
        events = self.app.events
        clock = events._clock
        events._clock = lambda: clock() + seconds

    def settle_copy_view(self) -> None:
        """Wait until the copy view has replaced the screen."""
        self.until(lambda: self.app.application._running_in_terminal)

    def settle(self) -> None:
        """Wait until all typed keys are handled, and their effects are drawn."""
        self.ask(lambda: None)
        self.ask(self._redraw)

    def _redraw(self) -> None:
        self.app.application._redraw()

    def resize(self, columns: int, rows: int) -> None:
        """Resize the terminal window."""
        self.output.size = Size(rows=rows, columns=columns)
        self.app.terminal.call_soon(self.app.application._on_resize)

    def sign_in(self, user_id: int = 1) -> None:
        """Log in with the form."""
        self.wait_for("Sign in")
        self.type(str(user_id), TAB, "secret", ENTER)
        self.wait_for("F1 help")

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            app = App(self._options, self._environment, self._pipe, self.output)
            app.application.after_render += lambda sender: self._take(app)
            self._made.put(app)
            self.code = app.run()
        except BaseException as exc:  # noqa: BLE001 - raised in the test's thread
            self.error = exc

    def _take(self, app: App) -> None:
        screen = app.application.renderer.last_rendered_screen
        if screen is None:
            return
        lines = []
        for y in range(self.output.size.rows):
            row, x, text = screen.data_buffer[y], 0, ""
            while x < self.output.size.columns:
                char = row[x]
                text += char.char
                x += max(char.width, 1)
            lines.append(text.rstrip())
        with self._drawn:
            self._lines = lines
            self.renders += 1
            self._drawn.notify_all()
