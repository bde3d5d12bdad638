from __future__ import annotations

import os
import pty
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.errors import OutputClosedError, UnreadableInputError
from client.plain.console import Console
from tests.client.fake_server import WAIT
from tests.client.plain.menu_run import Printed


class Woken(Exception):
    pass


def _raise() -> None:
    raise Woken


def _nothing() -> None:
    pass


class Typist:
    """A Console on a pipe or a pseudo-terminal, and the descriptor on which to type."""

    def __init__(self, in_fd: int, typing_fd: int) -> None:
        self.out = Printed()
        self.err = Printed()
        self.in_fd = in_fd
        self.typing_fd = typing_fd
        self.console = Console(in_fd, self.out, self.err)

    def type(self, data: bytes) -> None:
        os.write(self.typing_fd, data)

    def echo_is_on(self) -> bool:
        return bool(termios.tcgetattr(self.in_fd)[3] & termios.ECHO)

    def close(self) -> None:
        self.console.close()
        for fd in {self.in_fd, self.typing_fd}:
            try:
                os.close(fd)
            except OSError:
                pass  # a test that ended the input


@pytest.fixture
def pipe() -> Iterator[Typist]:
    typist = Typist(*os.pipe())
    yield typist
    typist.close()


@pytest.fixture
def terminal() -> Iterator[Typist]:
    master, slave = pty.openpty()
    typist = Typist(slave, master)
    yield typist
    typist.close()


def test_lines_in_order(pipe: Typist) -> None:
    pipe.type("one\r\n\n  zwei ü \nlast".encode())
    os.close(pipe.typing_fd)
    lines = [pipe.console.read_line(_nothing) for _ in range(4)]
    assert lines == ["one", "", "  zwei ü ", "last"]
    for _ in range(2):
        with pytest.raises(EOFError):
            pipe.console.read_line(_nothing)


def test_a_line_in_pieces(pipe: Typist) -> None:
    pipe.type(b"on")
    typing = threading.Timer(0.01, pipe.type, [b"e\n"])
    typing.start()
    assert pipe.console.read_line(_nothing) == "one"
    typing.join(WAIT)


def test_a_script_that_is_not_utf_8(pipe: Typist) -> None:
    """The next line is meant for another prompt."""
    pipe.type(b"a\xff\xfeb\nnext\n")
    with pytest.raises(UnreadableInputError, match="the input is not utf-8"):
        pipe.console.read_line(_nothing)


def test_a_terminal_that_sends_something_else_is_asked_again(terminal: Typist) -> None:
    terminal.type(b"\xc4\xe3\nname\n")
    assert terminal.console.read_line(_nothing, "name:") == "name"
    assert terminal.out.getvalue() == "name:name:"
    assert terminal.err.getvalue().startswith("the input is not utf-8: ")


def test_prompts_end_their_line_in_a_script(pipe: Typist) -> None:
    pipe.type(b"1\nsecret\n")
    pipe.console.read_line(_nothing, "choice:")
    pipe.console.read_line(_nothing, "password:", echo=False)
    pipe.console.print("ok")
    assert pipe.out.getvalue() == "choice:\npassword:\nok\n"


def test_a_regular_file(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("1\n2\n")
    fd = os.open(script, os.O_RDONLY)
    with Console(fd, Printed(), Printed()) as console:
        assert console.read_line(_nothing) == "1"
        assert console.read_line(_nothing) == "2"
        with pytest.raises(EOFError):
            console.read_line(_nothing)
    os.close(fd)


def test_a_descriptor_that_is_not_open() -> None:
    with Console(999_999, Printed(), Printed()) as console, pytest.raises(EOFError):
        console.read_line(_nothing)


def test_wake_ends_a_wait(pipe: Typist) -> None:
    waking = threading.Timer(0.01, pipe.console.wake)
    waking.start()
    with pytest.raises(Woken):
        pipe.console.read_line(_raise)
    waking.join(WAIT)


def test_wake_is_seen_between_lines_that_are_at_hand(pipe: Typist) -> None:
    pipe.type(b"1\n2\n")
    assert pipe.console.read_line(_raise) == "1"
    pipe.console.wake()
    with pytest.raises(Woken):
        pipe.console.read_line(_raise)
    assert pipe.console.read_line(_raise) == "2"


def test_wake_never_blocks_nor_fails(pipe: Typist) -> None:
    for _ in range(10_000):
        pipe.console.wake()
    pipe.console.close()
    pipe.console.close()
    pipe.console.wake()


def test_output_that_is_closed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as out:
        console = Console(0, out, out)
        with pytest.raises(OutputClosedError):
            console.print("x" * 100)
        console.error("not heard, not fatal")
        console.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)


def _reading(typist: Typist, on_wake: Callable[[], None]) -> tuple[threading.Thread, list[object]]:
    """Start to read a password; returns when the prompt is there."""
    result: list[object] = []

    def read() -> None:
        try:
            result.append(typist.console.read_line(on_wake, "password:", echo=False))
        except (Woken, EOFError) as exc:
            result.append(type(exc))

    thread = threading.Thread(target=read)
    thread.start()
    typist.out.wait_for("password:")
    return thread, result


def test_a_password_is_not_echoed(terminal: Typist) -> None:
    assert terminal.echo_is_on()
    thread, result = _reading(terminal, _nothing)
    assert not terminal.echo_is_on()
    terminal.type(b"secrex\x7ft\n")  # editing works
    thread.join(WAIT)
    assert result == ["secret"]
    assert terminal.echo_is_on()
    os.set_blocking(terminal.typing_fd, False)
    with pytest.raises(BlockingIOError):  # nothing came back
        os.read(terminal.typing_fd, 100)
    assert terminal.out.getvalue() == "password:\n"


@pytest.mark.parametrize("how", ["wake", "end of input"])
def test_echo_is_restored_however_the_reading_ends(terminal: Typist, how: str) -> None:
    thread, result = _reading(terminal, _raise)
    assert not terminal.echo_is_on()
    if how == "wake":
        terminal.console.wake()
    else:
        terminal.type(b"\x04")
    thread.join(WAIT)
    assert result == [Woken if how == "wake" else EOFError]
    assert terminal.echo_is_on()


def test_a_terminal_that_goes_away(terminal: Typist) -> None:
    thread, result = _reading(terminal, _nothing)
    os.close(terminal.typing_fd)
    thread.join(WAIT)
    assert result == [EOFError]
