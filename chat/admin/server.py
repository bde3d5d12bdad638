"""AdminServer: the Unix socket through which operators send commands.

It decides who may connect, cuts lines, and passes each to the service on a pool of its own, so that
commands run also while all other workers are busy. It knows no command.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chat.admin.operators import Operators
from chat.admin.request import failure
from chat.admin.socket_file import check_folder
from muduopy import EventLoop, PeerCredentials, TcpConnection, TcpServer, ThreadPool, UnixAddress
from muduopy.codec import CodecError, FrameHandler, LineCodec

log = logging.getLogger(__name__)

MAX_LINE = 64 * 1024
"""Bytes of the longest request."""

MAX_WAITING = 16
"""Requests of one connection that may wait; more end the connection."""

MAX_CONNECTIONS = 8
IDLE_SECONDS = 60.0
LINGER_SECONDS = 1.0

THREADS = 2
"""One for a command that takes seconds, one for all others."""

WAITING_COMMANDS = MAX_CONNECTIONS
"""Each connection has at most one request on the pool."""

ONE_USER, ALL_USERS = 0o600, 0o666
"""Permissions of the socket's file. ALL_USERS: Operators decide, because a file has only one
owner and one group."""

Serve = Callable[[bytes, int], bytes]
"""A line and the uid of its sender; returns the line of the answer. Blocks."""


class _Caller:
    """One connection of an operator. Loop thread.

    Attributes:
        uid: the operator's account.
        waiting: requests after the one that is being served.
        busy: a request is being served.
        finishing: the peer has sent its last request.
    """

    __slots__ = ("busy", "finishing", "uid", "waiting")

    def __init__(self, uid: int) -> None:
        self.uid = uid
        self.waiting: deque[bytes] = deque()
        self.busy = False
        self.finishing = False


class AdminServer:
    """Listens from the constructor to ``close``. Loop thread, ``Serve`` excepted."""

    def __init__(
        self, loop: EventLoop, path: Path, operators: Operators, serve: Serve, *, shared: bool
    ) -> None:
        """Binds. ``shared``: other accounts than root and the server's may connect, too.

        Raises OSError if the path is a living server's, or its folder is open to all users.
        """
        self._operators = operators
        self._serve = serve
        self._loop = loop
        self._pool = ThreadPool(THREADS, "admin", WAITING_COMMANDS)
        check_folder(path.parent)
        self._tcp: TcpServer[_Caller] = TcpServer(
            loop,
            _address(path),
            "admin",
            max_connections=MAX_CONNECTIONS,
            idle_timeout=IDLE_SECONDS,
            idle_linger=LINGER_SECONDS,
            file_mode=ALL_USERS if shared else ONE_USER,
        )
        lines = FrameHandler(LineCodec(MAX_LINE), self._on_line, self._on_bad_line)
        self._tcp.set_connection_callback(self._on_connection)
        self._tcp.set_message_callback(lines)
        self.path = path

    def start(self) -> None:
        """Accept connections."""
        self._tcp.start()

    def close(self) -> None:
        """Remove the file, close the connections, and wait for running commands. Idempotent."""
        self._tcp.close()
        self._pool.stop(drain=False)

    def _on_connection(self, tcp: TcpConnection[_Caller]) -> None:
        if not tcp.connected:
            return
        try:
            credentials = tcp.peer_credentials
        except OSError as exc:
            log.warning("admin socket: a peer without credentials: %s", exc)
            tcp.force_close()
            return
        self._admit(tcp, credentials)

    def _admit(self, tcp: TcpConnection[_Caller], credentials: PeerCredentials) -> None:
        if not self._operators.allow(credentials):
            log.warning("admin socket: uid %d was refused; see server.admin_users", credentials.uid)
            _refuse(tcp, "your account may not operate this server; see server.admin_users")
            return
        tcp.context = _Caller(credentials.uid)
        tcp.set_half_close_callback(self._on_half_close)

    def _on_line(self, tcp: TcpConnection[_Caller], line: bytes, when: float) -> None:
        caller = tcp.context
        if caller is None:
            return  # refused
        if not caller.busy:
            self._start(tcp, caller, line)
        elif len(caller.waiting) < MAX_WAITING:
            caller.waiting.append(line)
        else:
            _refuse(tcp, f"more than {MAX_WAITING} requests wait; read their answers first")

    def _start(self, tcp: TcpConnection[_Caller], caller: _Caller, line: bytes) -> None:
        caller.busy = True
        work = partial(self._serve, line, caller.uid)
        done = partial(self._answer, tcp, caller)
        if not self._pool.try_run_for(self._loop, work, done):
            done(failure("the server is busy with other commands; try again"), None)

    def _answer(
        self,
        tcp: TcpConnection[_Caller],
        caller: _Caller,
        answer: bytes | None,
        error: BaseException | None,
    ) -> None:
        if tcp.closing:
            return
        if answer is None:
            _refuse(tcp, f"the server is stopping: {error or 'no answer'}")
            return
        tcp.send(answer + b"\n")
        caller.busy = False
        if caller.waiting:
            self._start(tcp, caller, caller.waiting.popleft())
        elif caller.finishing:
            tcp.shutdown()

    def _on_half_close(self, tcp: TcpConnection[_Caller]) -> None:
        caller = tcp.context
        if caller is None or not caller.busy:
            tcp.shutdown()
        else:
            caller.finishing = True  # the answer is still to be sent

    def _on_bad_line(self, tcp: TcpConnection[_Caller], error: CodecError) -> None:
        _refuse(tcp, f"the line is too long: {error}")


def _refuse(tcp: TcpConnection[_Caller], reason: str) -> None:
    tcp.send(failure(reason) + b"\n")
    tcp.shutdown()
    tcp.force_close_after(LINGER_SECONDS)


def _address(path: Path) -> UnixAddress:
    try:
        return UnixAddress(str(path))
    except ValueError as exc:
        raise OSError(errno.ENAMETOOLONG, "is too long for a socket", str(path)) from exc
