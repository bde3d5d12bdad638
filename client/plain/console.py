"""Console: lines in and lines out, on a terminal or on pipes. It knows nothing of chat.

Reading must end when the connection is lost. But another thread cannot wake a thread in
``readline``, not even by closing the descriptor, and at exit the interpreter would wait for its
lock. So the reading thread polls two descriptors, and reads only bytes that have arrived. One
descriptor is the input. The other is one end of a socket pair, to which other threads write to wake
it.

A terminal stays in its line mode, with its usual editing. Only its echo is switched off while a
password is read. Every way out of the reading switches it on again.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TextIO

from client.errors import OutputClosedError, UnreadableInputError

_READ_SIZE = 64 * 1024
_LFLAGS = 3  # where tcgetattr() has the local modes


class Console:
    """Reads and prints lines on one thread. Other threads only call ``wake``.

    It owns neither the descriptor nor the streams, and closes none of them.

    Attributes:
        is_terminal: whether the input is a terminal, so a person types.
    """

    def __init__(self, in_fd: int, out: TextIO, err: TextIO, encoding: str = "utf-8") -> None:
        """``encoding``: the encoding of the input. The streams have their own."""
        self._encoding = encoding
        self._in_fd = in_fd
        self._out = out
        self._err = err
        self.is_terminal = os.isatty(in_fd)
        self._unread = bytearray()
        self._at_end = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket pair. Reading thread; idempotent."""
        self._wake_reader.close()
        self._wake_writer.close()

    def print(self, line: str) -> None:
        """Print one line, at once. Reading thread. Raises OutputClosedError."""
        self._write(line + "\n")

    def error(self, line: str) -> None:
        """Print one line to the error stream; ignores a closed one. Reading thread."""
        with contextlib.suppress(OSError, ValueError):
            self._err.write(line + "\n")
            self._err.flush()

    def wake(self) -> None:
        """Have ``read_line`` call its ``on_wake`` while it waits. Any thread; never blocks."""
        # A full socket contains a wake-up already, and a closed one belongs to a closed console.
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"\0")

    def read_line(self, on_wake: Callable[[], None], prompt: str = "", *, echo: bool = True) -> str:
        """The next line without its end. Reading thread; blocks.

        ``on_wake`` runs on this thread after each ``wake``, and its exception ends the reading.

        After a line that cannot be decoded, a terminal gets the prompt again. In a script such a
        line raises UnreadableInputError, because the next line is the answer to another prompt.
        Raises EOFError at the end of input, or OutputClosedError.
        """
        while True:
            line = self._ask(on_wake, prompt, echo)
            try:
                return line.decode(self._encoding)
            except UnicodeDecodeError as exc:
                error = UnreadableInputError(self._encoding)
                if not self.is_terminal:
                    raise error from exc
                self.error(str(error))

    def _ask(self, on_wake: Callable[[], None], prompt: str, echo: bool) -> bytes:
        hidden = self.is_terminal and not echo
        with self._echo_off() if hidden else contextlib.nullcontext():
            if prompt:
                self._write(prompt)
            try:
                return self._next_line(on_wake)
            finally:
                # This replaces the newline that a terminal echoes.
                if hidden or (prompt and not self.is_terminal):
                    self._write("\n")

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError) as exc:  # ValueError: the stream is closed on our side
            raise OutputClosedError from exc

    def _next_line(self, on_wake: Callable[[], None]) -> bytes:
        while True:
            # It polls even if a complete line has been read, but then without waiting. So a script
            # of a thousand lines notices a lost connection.
            end = self._unread.find(b"\n")
            at_hand = end >= 0 or self._at_end
            woken, readable = self._poll(wait=not at_hand)
            if woken:
                on_wake()
            if at_hand:
                return self._cut(end)
            if readable:
                self._read()

    def _cut(self, end: int) -> bytes:
        """The unread bytes up to ``end``; all of them, if -1. Raises EOFError if there are none."""
        if end < 0 and not self._unread:
            raise EOFError
        stop = len(self._unread) if end < 0 else end
        line = bytes(self._unread[:stop])
        del self._unread[: stop + 1]
        return line.removesuffix(b"\r")

    def _poll(self, wait: bool) -> tuple[bool, bool]:
        """Whether there was a wake-up, and whether the input has bytes or has ended."""
        poller = select.poll()  # epoll refuses regular files
        poller.register(self._wake_reader, select.POLLIN)
        if wait:
            poller.register(self._in_fd, select.POLLIN)
        ready = {fd for fd, _ in poller.poll(None if wait else 0)}
        woken = self._wake_reader.fileno() in ready
        if woken:
            self._wake_reader.recv(_READ_SIZE)
        return woken, self._in_fd in ready

    def _read(self) -> None:
        try:
            data = os.read(self._in_fd, _READ_SIZE)
        except BlockingIOError:  # another program has made it non-blocking, and nothing is there
            return
        except OSError:  # the terminal is gone, or there was no input from the start
            data = b""
        self._unread += data
        self._at_end = not data

    @contextlib.contextmanager
    def _echo_off(self) -> Iterator[None]:
        # TCSANOW keeps the characters that were typed ahead; getpass's TCSAFLUSH drops them.
        before = termios.tcgetattr(self._in_fd)
        silent = [*before]
        silent[_LFLAGS] &= ~termios.ECHO
        termios.tcsetattr(self._in_fd, termios.TCSANOW, silent)
        try:
            yield
        finally:
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._in_fd, termios.TCSANOW, before)
