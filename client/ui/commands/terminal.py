"""Terminal: the screen and keyboard as the commands see them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from client.errors import ClosedError

T = TypeVar("T")


class Terminal(Protocol):
    """A screen and a keyboard. Its thread, unless a method says otherwise."""

    @property
    def is_closed(self) -> bool:
        """Whether the terminal was left. Any thread."""

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        """Make a call on the terminal's thread, then redraw. Any thread.

        Raises ClosedError when the terminal was left.
        """

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the background."""

    async def run_blocking(self, call: Callable[..., T], *args: object, **named: object) -> T:
        """Make a blocking call on a worker thread, and wait for its result."""

    def redraw(self) -> None:
        """Draw the current state soon."""

    def ring_bell(self) -> None:
        """Ring once."""

    def notify_desktop(self, title: str, text: str) -> None:
        """Show a desktop notice, if the terminal can. Both texts are escaped already."""

    def open_link(self, url: str) -> bool:
        """Open a web page in the browser; returns False without a browser."""

    async def show_copy_view(self, lines: list[str], hint: str) -> None:
        """Print lines on the shell's screen, and wait for a key."""

    def exit(self, code: int) -> None:
        """End the program with this exit code."""

    def input_text(self) -> tuple[str, int]:
        """The text of the input line, and the cursor in it."""

    def set_input(self, text: str, cursor: int | None = None) -> None:
        """Replace the text of the input line. The cursor goes to the end by default."""

    def set_field(self, field: str, text: str) -> None:
        """Fill in a field of the login form, and put the cursor there."""

    def columns(self) -> int:
        """The width of the screen in cells."""


def call_if_open(terminal: Terminal, call: Callable[..., object], *args: object) -> None:
    """Make a call on the terminal's thread; none if the terminal was left. Any thread."""
    with contextlib.suppress(ClosedError):
        terminal.call_soon(call, *args)
