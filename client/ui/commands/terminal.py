"""What the controller needs of the terminal it works for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Terminal(Protocol):
    """A screen and a keyboard. Its thread, unless a method says otherwise."""

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        """Make a call on the terminal's thread, then show what has changed. Any thread.

        Raises ClosedError when the terminal is gone.
        """

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it besides everything else."""

    async def run_call(self, call: Callable[..., T], *args: object, **named: object) -> T:
        """Make a call that blocks on another thread, and wait for it."""

    def show(self) -> None:
        """Draw what has changed, soon."""

    def ring(self) -> None:
        """The bell."""

    def notify(self, title: str, text: str) -> None:
        """A notice on the desktop, if the terminal can show one."""

    def open_link(self, url: str) -> bool:
        """Show a web page; returns whether there is a program for that."""

    async def print_bare(self, lines: list[str], hint: str) -> None:
        """Print these where the shell prints, until a key is pressed."""

    def leave(self, code: int) -> None:
        """The program ends."""

    def use_theme(self, name: str) -> None:
        """Other colours."""

    def typed(self) -> tuple[str, int]:
        """What stands in the input line, and where the cursor is."""

    def retype(self, text: str, cursor: int | None = None) -> None:
        """Put something else there."""

    def remember(self, text: str) -> None:
        """Something was sent: it can be had again by the arrow keys."""

    def columns(self) -> int:
        """How wide the screen is."""

    def fill_in(self, field: str, text: str) -> None:
        """Put something into a field of the form, and the cursor there."""
