"""The errors of a type checker: connections are typed by context, codecs by frame."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import muduopy

PROJECT = Path(muduopy.__file__).parent.parent

PROGRAM = '''
from muduopy import Buffer, EventLoop, InetAddress, TcpClient, TcpConnection, TcpServer
from muduopy.codec import Codec, Decoder, FrameHandler, LineCodec


class Session:
    heard = 0


class Numbers:
    """A codec whose frames are integers."""

    def encode(self, number: int) -> bytes:
        return b"%d" % number

    def decoder(self) -> "Numbers":
        return self

    def decode(self, buffer: Buffer) -> int | None:
        return int(buffer.retrieve_all()) if buffer else None


def on_message(connection: TcpConnection[Session], buffer: Buffer, when: float) -> None:
    reveal_type(connection.context)
    connection.context = "text"  # error: assignment


def on_any(connection: TcpConnection) -> None:
    reveal_type(connection.context)


def on_number(connection: TcpConnection, number: int, when: float) -> None:
    numbers.send(connection, number + 1)
    numbers.send(connection, b"1")  # error: arg-type


def on_line(connection: TcpConnection[Session], line: bytes, when: float) -> None: ...


loop = EventLoop()
plain = TcpServer(loop, InetAddress(2007))
plain.set_message_callback(on_message)
plain.set_connection_callback(on_any)
typed: TcpServer[Session] = TcpServer(loop, InetAddress(2007))
typed.set_message_callback(on_message)
typed.set_connection_callback(on_any)
typed.set_message_callback(FrameHandler(LineCodec(), on_line))
wrong: TcpClient[int] = TcpClient(loop, InetAddress(2007))
wrong.set_message_callback(on_message)  # error: arg-type
numbers = FrameHandler(Numbers(), on_number)
FrameHandler(LineCodec(), on_number)  # error: arg-type
reveal_type(loop.submit(lambda: 5).result())
'''

REVEALED = ["Session", "Any", "int"]


def test_contexts_and_frames_are_checked(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(program)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    said = [line.partition("program.py:")[2] for line in done.stdout.splitlines()]
    errors = {int(line.partition(":")[0]): line for line in said if ": error:" in line}
    lines = enumerate(PROGRAM.split("\n"), 1)
    expected = {
        number: line.rpartition("# error: ")[2] for number, line in lines if "# error" in line
    }
    assert errors.keys() == expected.keys(), done.stdout + done.stderr
    for number, kind in expected.items():
        assert f"[{kind}]" in errors[number]
    revealed = [line for line in said if "Revealed type" in line]
    for line, kind in zip(revealed, REVEALED, strict=True):
        assert f'{kind}"' in line
