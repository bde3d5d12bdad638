"""MenuRun: the line mode on a thread, typed to through a pipe and read from as it prints."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from client.plain.console import Console
from client.plain.line_mode import run_line_mode
from client.plain.plain_text import PlainText
from client.timing import Timing
from tests.client.fake_server import WAIT

TIMING = Timing(answer=WAIT, chat_acks=WAIT)


class Printed(io.StringIO):
    """A text stream that can be waited on. Any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._text_changed = threading.Condition()

    def write(self, text: str) -> int:
        with self._text_changed:
            count = super().write(text)
            self._text_changed.notify_all()
            return count

    def wait_for(self, expected: str) -> str:
        """Wait until a text was printed; returns all that was."""
        with self._text_changed:
            came = self._text_changed.wait_for(lambda: expected in self.getvalue(), WAIT)
            assert came, f"{expected!r} was not printed, but:\n{self.getvalue()}"
            return self.getvalue()


class MenuRun:
    """The client in this process. ``timing`` may be replaced before the with statement."""

    def __init__(
        self,
        port: int,
        timing: Timing = TIMING,
        *,
        folder: Path | None = None,
        user: int | str | None = None,
        script: bool = False,
    ) -> None:
        self._folder, self._user, self._script = folder, user, script
        self.timing = timing
        self.out = Printed()
        self.err = Printed()
        self.code: int | None = None
        self._port = port
        self._thread = threading.Thread(target=self._run, name="menu", daemon=True)
        self._read_fd, self._write_fd = os.pipe()
        self._typing = True

    def __enter__(self) -> Self:
        self._console = Console(self._read_fd, self.out, self.err)
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end_input()
        self._thread.join(WAIT)
        self._console.close()
        os.close(self._read_fd)
        assert not self._thread.is_alive()

    def type(self, *lines: str) -> None:
        """Type lines."""
        os.write(self._write_fd, "".join(line + "\n" for line in lines).encode())

    def type_bytes(self, data: bytes) -> None:
        """Type bytes that need not be lines of text."""
        os.write(self._write_fd, data)

    def end_input(self) -> None:
        """Ctrl-D."""
        if self._typing:
            self._typing = False
            os.close(self._write_fd)

    def login(self, user_id: int = 1) -> None:
        """Type a login and wait until it is through."""
        self.type("1", str(user_id), "secret")
        self.out.wait_for("quit : leave the program, quit\n")

    def end(self) -> int | None:
        """Wait for the end; returns the exit code."""
        self._thread.join(WAIT)
        assert not self._thread.is_alive(), self.out.getvalue()
        return self.code

    def _run(self) -> None:
        self.code = run_line_mode(
            "127.0.0.1",
            self._port,
            None,
            self._console,
            PlainText(),
            self.timing,
            script=self._script,
            folder=self._folder,
            user=self._user,
        )
