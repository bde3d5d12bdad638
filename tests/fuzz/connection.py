"""One connection of the fuzzer: it logs in, sends frames, reads the answers, and ends somehow."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass

from chat.protocol.dialects import Table
from tests.fuzz.frames import ENDS, FrameMaker, encode

ANSWER_SECONDS = 10.0
NO_LINGER = struct.pack("ii", 1, 0)
GUESTS = 0.1  # the share of connections that do not log in
CHUNK = 1 << 18


@dataclass(frozen=True)
class Style:
    """How a client speaks. ``table``: the numbers and names of a clone; None for v2."""

    port: int
    end: bytes
    table: Table | None


def styles(port: int, tables: dict[int, Table]) -> list[Style]:
    """All ways of speaking. ``tables``: those of the ports that serve one dialect.

    On the common port the server has to guess the dialect. v2 is as frequent as all clones.
    """
    clones = [Style(port, end, table) for table in tables.values() for end in ENDS.values()]
    clones += [Style(own, ENDS["nul"], table) for own, table in tables.items()]
    v2 = [Style(port, end, None) for name, end in ENDS.items() if name != "none"]
    return clones + v2 * (len(clones) // len(v2))


class Account:
    """An account of one slot of the fuzzer. A frame may have deleted it, or changed its password.

    Attributes:
        id: 0 while there is none.
    """

    def __init__(self, port: int, choose: random.Random, password: str) -> None:
        self.id = 0
        self.password = password
        self._port = port
        self._choose = choose

    def ensure(self) -> None:
        """Register a new account if there is none. Blocks."""
        while self.id == 0:
            name = f"fuzz {self._choose.getrandbits(48):x}"
            request = {"msgid": 4, "v": 2, "name": name, "password": self.password}
            with socket.create_connection(("127.0.0.1", self._port), ANSWER_SECONDS) as sock:
                sock.sendall(encode(request) + b"\n")
                answer = json.loads(sock.makefile("rb").readline())
            if answer["errno"] == 0:
                self.id = answer["id"]


class Connection:
    """One life of a connection. Used by one thread.

    Attributes:
        frames: that it has sent.
        answers: that it has received.
    """

    def __init__(self, style: Style, account: Account, maker: FrameMaker, life: int) -> None:
        """Connect and log in, or not. Blocks until the answer. ``life``: the frames to send."""
        self.frames = self.answers = 0
        self._style = style
        self._account = account
        self._maker = maker
        self._life = life
        self._rest = b""
        self._out: deque[bytes] = deque()
        self.socket = socket.create_connection(("127.0.0.1", style.port), ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if maker.choose.random() >= GUESTS:
            self._login()
        self.socket.setblocking(False)

    @property
    def done(self) -> bool:
        """Has it sent all of its frames?"""
        return self.frames >= self._life and not self._out

    def _login(self) -> None:
        login = self._maker.login(self._account.id, self._account.password, self._style.table)
        self.socket.sendall(encode(login) + self._style.end)
        with contextlib.suppress(OSError):
            data = self.socket.recv(CHUNK)
            # A deleted account, or one with another password, is of no use for the next life.
            if b'"errno":1,' in data:
                self._account.id = 0

    def write(self) -> bool:
        """Send some pieces; False if the server has closed the connection."""
        if not self._out:
            self._make_burst()
        while self._out:
            piece = self._out[0]
            try:
                sent = self.socket.send(piece)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if sent < len(piece):
                self._out[0] = piece[sent:]
                return True
            self._out.popleft()
        return True

    def read(self) -> bool:
        """Receive what has come, and check that it is JSON; False at the end of the stream."""
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        # After a frame without a login the end of answers may be LF or NUL: see FrameDecoder.
        *frames, self._rest = (self._rest + data).replace(b"\0", b"\n").split(b"\n")
        for frame in frames:
            if frame and not frame.startswith(b"HTTP/1.1") and not self._is_http:
                self.answers += 1
                json.loads(frame)
            elif frame:
                self._is_http = True
        return bool(data)

    _is_http = False

    def end(self) -> None:
        """Close in one of three ways. The server may be in the middle of a frame."""
        way = self._maker.choose.randrange(3)
        with contextlib.suppress(OSError):
            if way == 0:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            elif way == 1:
                self.socket.shutdown(socket.SHUT_WR)
        self.socket.close()

    def _make_burst(self) -> None:
        count = min(self._maker.choose.randint(1, 40), self._life - self.frames)
        data = b"".join(
            self._maker.frame(self._style.table, self._account.id) + self._style.end
            for _ in range(count)
        )
        self.frames += count
        self._out.extend(self._maker.pieces(data))
