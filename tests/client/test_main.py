"""The program as a process: arguments, exit codes, signals, terminals."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from chat.protocol import MsgType
from chat.version import __version__
from client.account.last_server import LastServer, remember_server
from tests.client.fake_server import FakeServer, login_ack, one_chat
from tests.client.tlskit import PEM, TlsRelay
from tests.client.ui.appkit import save_login

PROGRAM = [sys.executable, "-m", "client.main"]
IN_FOREGROUND = """
import fcntl, sys, termios
from client.main import main
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.exit(main())
"""  # makes standard input the controlling terminal, so that Ctrl-C reaches the program
LONG = 20.0  # seconds; a new interpreter on a busy machine
AGAIN = 3.0  # until the next Ctrl+C


def run(
    *args: str, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **(env or {})}
    return subprocess.run(
        [*PROGRAM, *args], input=stdin, capture_output=True, timeout=LONG, env=environment
    )


class OnTerminal:
    """The program on a pseudo-terminal of its own."""

    def __init__(
        self,
        server: FakeServer,
        *args: str,
        plain: bool = True,
        term: str = "xterm-256color",
        environment: dict[str, str] | None = None,
    ) -> None:
        self._master, self._slave = pty.openpty()
        termios.tcsetwinsize(self._slave, (24, 80))
        self._seen = b""
        if plain and term == "xterm-256color":
            args = (*args, "--plain")
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_FOREGROUND, "127.0.0.1", str(server.port), *args],
            env={**os.environ, "LANG": "C.UTF-8", "TERM": term, **(environment or {})},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait(LONG)
        os.close(self._master)
        os.close(self._slave)

    def type(self, data: bytes) -> None:
        os.write(self._master, data)

    def wait_for(self, expected: bytes) -> bytes:
        """Read the screen until a text has appeared; returns all text since the start."""
        deadline = time.monotonic() + LONG
        while expected not in self._seen:
            ready, _, _ = select.select([self._master], [], [], deadline - time.monotonic())
            assert ready, self._seen
            self._seen += os.read(self._master, 65536)
        return self._seen

    def end_with_ctrl_c(self) -> int:
        """Press Ctrl+C until the program ends; returns its exit status.

        The program sleeps, but perhaps not in read() yet. Then the first signal waits for a line.
        """
        deadline = time.monotonic() + LONG
        while True:
            self.type(b"\x03")
            try:
                return self.process.wait(AGAIN)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, "Ctrl+C does not end it"

    def wait_until_it_reads(self) -> None:
        """Wait until the program sleeps in read(), after a prompt.

        A signal interrupts read(), and its handler runs. Example of an earlier signal: it arrives
        after the prompt was written, before read() begins. The handler runs after the next line.
        """
        stat = Path(f"/proc/{self.process.pid}/stat")
        deadline = time.monotonic() + LONG
        while stat.read_text(encoding="utf-8").rpartition(") ")[2][0] != "S":
            assert time.monotonic() < deadline, "it does not sleep"
            time.sleep(0.01)

    def echo_is_on(self) -> bool:
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def at_password_prompt(self) -> None:
        self.wait_for(b"choice:")
        self.type(b"1\n")
        self.wait_for(b"id:")
        self.type(b"1\n")
        self.wait_for(b"password:")
        self.wait_until_it_reads()
        assert not self.echo_is_on()


@pytest.fixture
def terminal(server: FakeServer) -> Iterator[OnTerminal]:
    with OnTerminal(server) as terminal:
        yield terminal


def test_version() -> None:
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout.decode() == f"chatclient {__version__}\n"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ([], "no server has been used yet: type its HOST and PORT"),
        (["127.0.0.1"], "PORT is missing"),
        (["127.0.0.1", "http"], "'http' is not a number from 1 to 65535"),
        (["127.0.0.1", "0"], "'0' is not a number"),
        (["127.0.0.1", "65536"], "'65536' is not a number"),
        (["127.0.0.1", "9" * 9999], "is not a number"),
        (["127.0.0.1", "6000", "x"], "unrecognized arguments: x"),
    ],
)
def test_bad_arguments(args: list[str], complaint: str) -> None:
    result = run(*args)
    assert result.returncode == 2
    assert complaint in result.stderr.decode()
    assert result.stderr.count(b"\n") == 1


def test_a_port_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    result = run("127.0.0.1", port)
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.decode() == (f"cannot connect to 127.0.0.1:{port}: Connection refused\n")


@pytest.mark.parametrize("host", ["x" * 70, ".."])
def test_no_such_host(host: str, server: FakeServer) -> None:
    result = run(host, str(server.port))
    assert result.returncode == 1
    assert result.stderr.startswith(b"cannot connect to ")
    assert result.stderr.count(b"\n") == 1


def test_tls_to_a_server_that_has_none(server: FakeServer) -> None:
    def talk(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b'{"msgid":31,"errno":4,"errmsg":"not valid JSON in UTF-8"}\n')

    server._talk = talk  # type: ignore[method-assign]
    result = run("127.0.0.1", str(server.port), "--tls")
    assert result.returncode == 1
    assert b"this port does not speak TLS; connect without TLS, or to the TLS port" in result.stderr


def test_a_script_in_the_c_locale(server: FakeServer) -> None:
    stored = [one_chat(3, "你好 \ud7ff😀")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    script = "1\n1\nsecret\nchat:2:Grüße, 你好\nbad \udcff line\n"
    result = run(
        "127.0.0.1",
        str(server.port),
        stdin=script.encode(errors="surrogateescape"),
        env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert result.returncode == 1
    assert result.stderr.startswith(b"the input is not utf-8: nothing of this line was sent")
    assert result.stderr.count(b"\n") == 1
    assert "said: 你好" in result.stdout.decode()
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "Grüße, 你好"
    server.expect(MsgType.LOGINOUT_MSG)


@pytest.mark.parametrize("name", ["LC_ALL", "LC_CTYPE", "LANG"])
def test_a_script_in_gbk(server: FakeServer, name: str) -> None:
    """Its locale need not be installed here. Then Python itself sets LC_CTYPE to UTF-8."""
    locale = {"LC_ALL": "", "LC_CTYPE": "", "LANG": "", name: "zh_CN.GBK"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "茶 😀")])]
    script = "1\n1\nsecret\nchat:2:你好\n"
    result = run("127.0.0.1", str(server.port), stdin=script.encode("gbk"), env=locale)
    assert (result.returncode, result.stderr) == (0, b"")
    assert "said: 茶 \\U0001f600" in result.stdout.decode("gbk")
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "你好"


def test_windows_need_utf_8(server: FakeServer) -> None:
    """One line, in the encoding that the terminal has."""
    empty = {"LC_ALL": "", "LC_CTYPE": ""}
    for locale, line in (
        ({**empty, "LANG": "zh_CN.GBK"}, "请设置 LANG=zh_CN.UTF-8".encode("gbk")),
        ({"LC_ALL": "zh_CN.GBK"}, "请设置 LANG=zh_CN.UTF-8".encode("gbk")),
        (
            {"LC_ALL": "de_DE.ISO-8859-1"},
            b"iso8859-1, and the windows need UTF-8: set LANG=C.UTF-8",
        ),
    ):
        with OnTerminal(server, plain=False, environment=locale) as terminal:
            assert terminal.process.wait(LONG) == 1
            seen = terminal.wait_for(line)
            assert seen.count(b"\n") == 1


def test_output_without_a_reader(server: FakeServer) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [*PROGRAM, "127.0.0.1", str(server.port)],
        input=b"help\n" * 100,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=LONG,
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (1, b"")


def test_no_standard_streams_at_all(server: FakeServer) -> None:
    command = f"exec '{sys.executable}' -m client.main 127.0.0.1 {server.port} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], timeout=LONG).returncode == 0
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.LOGIN_MSG)


def test_lost_connection_while_stdin_stays_open(server: FakeServer) -> None:
    with subprocess.Popen(
        [*PROGRAM, "127.0.0.1", str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        server.hang_up()
        assert process.wait(LONG) == 1
        assert process.stderr is not None
        assert process.stderr.read() == b"connection to server lost: closed by the server\n"


def test_a_server_that_is_full(server: FakeServer) -> None:
    """Its error is printed once, and without its control characters."""

    def refuse(peer: socket.socket) -> None:
        peer.sendall(b'{"msgid":31,"errno":6,"errmsg":"too many\\u001b connections"}\n')

    server._talk = refuse  # type: ignore[method-assign]
    with subprocess.Popen(
        [*PROGRAM, "127.0.0.1", str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.wait(LONG) == 1
        assert process.stderr is not None
        assert process.stderr.read().decode().splitlines() == [
            "error from the server: too many\\x1b connections",
            "connection to server lost: too many\\x1b connections",
        ]


def test_password_is_not_on_the_screen(server: FakeServer, terminal: OnTerminal) -> None:
    terminal.at_password_prompt()
    terminal.type(b"secret\n")
    screen = terminal.wait_for(b"quit : leave the program, quit")
    assert b"secret" not in screen
    assert server.expect(MsgType.LOGIN_MSG)["password"] == "secret"
    assert terminal.echo_is_on()
    terminal.type(b"\x04")  # Ctrl-D
    assert terminal.process.wait(LONG) == 0
    assert server.received_nothing_more(MsgType.LOGINOUT_MSG)  # the login is kept


def test_lost_connection_at_the_password_prompt(server: FakeServer, terminal: OnTerminal) -> None:
    terminal.at_password_prompt()
    terminal.type(b"secr")
    server.hang_up()
    assert terminal.process.wait(LONG) == 1
    assert terminal.echo_is_on()
    assert terminal.wait_for(b"lost: closed by the server").count(b"secr") == 0


@pytest.mark.parametrize("at_password", [True, False])
def test_ctrl_c(terminal: OnTerminal, at_password: bool) -> None:
    if at_password:
        terminal.at_password_prompt()
    else:
        terminal.wait_for(b"choice:")
        terminal.wait_until_it_reads()
    assert terminal.end_with_ctrl_c() == 130
    assert terminal.echo_is_on()
    assert b"Traceback" not in terminal.wait_for(b"^C" if not at_password else b"password:")


def test_sigterm_restores_the_echo(terminal: OnTerminal) -> None:
    terminal.at_password_prompt()
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(LONG) == 128 + signal.SIGTERM
    assert terminal.echo_is_on()


# ---------------------------------------------------------------------- the screen of windows


def test_a_terminal_that_can_do_no_better_gets_lines(server: FakeServer) -> None:
    for term in ("dumb", ""):
        with OnTerminal(server, term=term) as terminal:
            terminal.wait_for(b"choice:")


def test_a_terminal_gets_windows(server: FakeServer, tmp_path: Path) -> None:
    with OnTerminal(server, "--folder", str(tmp_path), plain=False) as terminal:
        terminal.wait_for(b"Ctrl+Q: quit")
        assert not terminal.echo_is_on()
        assert b"\x1b[?1004h" in terminal.wait_for(b"\x1b[?1004h")  # focus reports
        terminal.type(b"\x1b[O\x1b[I\x11")
        assert terminal.process.wait(LONG) == 0
        assert terminal.echo_is_on()
        seen = terminal.wait_for(b"\x1b[?1049l")  # the screen is as it was
        assert seen.rfind(b"\x1b[?1004l") > seen.rfind(b"\x1b[?1004h")


def test_web_addresses_are_links(server: FakeServer, tmp_path: Path) -> None:
    """As the terminal gets them, through prompt_toolkit's renderer."""
    url = "http://a.example/" + "long-" * 20
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, offlinemsg=[one_chat(3, f"see {url} now")])
    ]
    with OnTerminal(server, "--folder", str(tmp_path), plain=False) as terminal:
        terminal.wait_for(b"Ctrl+Q: quit")
        terminal.type(b"1\tsecret\r")
        terminal.wait_for(b"unread")
        terminal.type(b"\x1ba")
        seen = terminal.wait_for(b"new \xe2\x94\x80")
        terminal.type(b"\x11")
        assert terminal.process.wait(LONG) == 0
        seen = terminal.wait_for(b"\x1b[?1049l")
        assert seen.count(f";{url}\x1b\\".encode()) >= 2  # it is broken over several lines
        assert seen.count(b"\x1b]8;;\x1b\\") == seen.count(b"\x1b]8;id=")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_a_good_terminal_behind(
    server: FakeServer, tmp_path: Path, number: signal.Signals
) -> None:
    with OnTerminal(server, "--folder", str(tmp_path), plain=False) as terminal:
        terminal.wait_for(b"Ctrl+Q: quit")
        terminal.process.send_signal(number)
        assert terminal.process.wait(LONG) == 128 + number
        assert terminal.echo_is_on()
        assert b"Traceback" not in terminal.wait_for(b"\x1b[?1049l")


def test_the_language_and_the_colours_that_are_asked_for(
    server: FakeServer, tmp_path: Path
) -> None:
    args = ("--folder", str(tmp_path), "--lang", "zh", "--theme", "light")
    with OnTerminal(server, *args, plain=False) as terminal:
        terminal.wait_for("退出".encode())
    with OnTerminal(server, *args, plain=False, environment={"NO_COLOR": "1"}) as terminal:
        seen = terminal.wait_for("退出".encode())
        assert b"38;" not in seen
        assert b"48;" not in seen


def test_a_folder_that_cannot_be_used(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with OnTerminal(server, "--folder", str(folder), plain=False) as terminal:
            assert terminal.process.wait(LONG) == 1
            assert b"chatclient: " in terminal.wait_for(b"file")


def test_no_home_is_no_obstacle(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    environment = {"XDG_STATE_HOME": str(tmp_path / "file")}
    with OnTerminal(server, plain=False, environment=environment) as terminal:
        terminal.wait_for(b"cannot be kept")


def test_the_last_server(server: FakeServer, tmp_path: Path) -> None:
    remember_server(tmp_path, LastServer("127.0.0.1", server.port))
    result = run("--plain", "--folder", str(tmp_path), stdin=b"1\nli si\nsecret\nquit\n")
    told = f"chatclient: the last server: 127.0.0.1 {server.port}\n"
    assert (result.returncode, result.stderr.decode()) == (0, told)
    assert b"name:li si" in result.stdout
    (tmp_path / "last-server.json").write_text('{"host": 5}', encoding="ascii")
    result = run("--folder", str(tmp_path))
    assert result.returncode == 2
    assert b"no server has been used yet" in result.stderr


def test_send_by_name(server: FakeServer, tmp_path: Path) -> None:
    save_login(tmp_path, server.port, 1, "alice")
    folder = ["--folder", str(tmp_path), "--login", "alice"]
    result = run("127.0.0.1", str(server.port), *folder, "--send", "bob", "hello")
    assert (result.returncode, result.stderr) == (0, b"")
    assert server.expect(MsgType.FIND_USER_MSG)["name"] == "bob"
    assert server.expect(MsgType.ONE_CHAT_MSG)["toid"] == 2
    result = run("127.0.0.1", str(server.port), *folder, "--send", "group:x", "hello")
    assert result.returncode == 2


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--user", " "], "' ' is no name or number of a user"),
        (["--login", "x" * 51], "is no name or number of a user"),
        (["--lang", "fr"], "invalid choice: 'fr'"),
        (["--theme", "pink"], "invalid choice: 'pink'"),
        (["--ca", "/no/such/file"], "--ca /no/such/file: No such file or directory"),
        (["--ca", "/dev/null"], "--ca /dev/null: "),
    ],
)
def test_more_bad_arguments(args: list[str], complaint: str) -> None:
    result = run("127.0.0.1", "6000", *args)
    assert result.returncode == 2
    assert complaint in result.stderr.decode()
    assert result.stderr.count(b"\n") == 1


@pytest.mark.parametrize("flags", [["--tls"], ["--tls", "--ca", str(PEM)], ["--ca", str(PEM)]])
def test_tls_in_line_mode(server: FakeServer, flags: list[str]) -> None:
    with TlsRelay(server.port) as relay:
        result = run("localhost", str(relay.port), *flags, stdin=b"1\n1\nsecret\nchat:2:hi\n")
    if "--ca" in flags:
        assert (result.returncode, result.stderr) == (0, b"")
        assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "hi"
    else:
        assert result.returncode == 1
        assert b"its certificate is not valid" in result.stderr
        assert result.stderr.count(b"\n") == 1
