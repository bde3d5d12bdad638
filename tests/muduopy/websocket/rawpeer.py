"""A WebSocket peer that sends and shows single frames, right or wrong. Written from RFC 6455.

It uses nothing of muduopy.websocket: two readers of the same standard find more than one twice.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(b"0123456789abcdef").decode()


class Frame(NamedTuple):
    """A frame that has arrived."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0

    @property
    def code(self) -> int:
        """The close code; 1005 without one."""
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2], "big") if self.payload else 1005


def xor(data: bytes, key: bytes) -> bytes:
    """The masking of RFC 6455, 5.3."""
    times = len(data) // 4 + 1
    both = int.from_bytes(data, "big") ^ int.from_bytes((key * times)[: len(data)], "big")
    return both.to_bytes(len(data), "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    key: bytes | None = None,
    size: int = 0,
) -> bytes:
    """One frame. ``size``: bytes of an extended length, 2 or 8, even if fewer would do."""
    first = fin << 7 | rsv << 4 | opcode
    length = len(payload)
    bit = 0x80 if masked else 0
    size = size or (0 if length < 126 else 2 if length < 0x10000 else 8)
    if size == 0:
        head = struct.pack("!BB", first, bit | length)
    elif size == 2:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    if not masked:
        return head + payload
    key = os.urandom(4) if key is None else key
    return head + key + xor(payload, key)


def text(message: str, *, masked: bool = True) -> bytes:
    return frame(TEXT, message.encode(), masked=masked)


def close(code: int, reason: bytes = b"", *, masked: bool = True) -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason, masked=masked)


def request(path: str = "/", *fields: str, host: str = "test", key: str = KEY) -> bytes:
    """The head of a client's handshake."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *fields,
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1")


def accept_field(key: str = KEY) -> str:
    """The value that proves to the client that the server has read its key."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class Head(NamedTuple):
    """The head of an HTTP answer: status and fields, names in lower case."""

    status: int
    fields: dict[str, str]


class RawPeer:
    """A socket on which frames are sent and read; a client unless ``is_server``."""

    def __init__(self, sock: socket.socket, *, is_server: bool = False) -> None:
        self.socket = sock
        self.file = sock.makefile("rb")
        self.masks = not is_server

    def send(self, *data: bytes) -> RawPeer:
        self.socket.sendall(b"".join(data))
        return self

    def send_pieces(self, pieces: Iterable[bytes]) -> RawPeer:
        """Send each piece in a segment of its own."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            self.socket.sendall(piece)
        return self

    def send_bytewise(self, data: bytes) -> RawPeer:
        return self.send_pieces(data[i : i + 1] for i in range(len(data)))

    def open(self, path: str = "/", *fields: str, host: str = "test") -> RawPeer:
        """Send a request, and take the answer 101."""
        head = self.send(request(path, *fields, host=host)).read_head()
        assert head.status == 101, head
        assert head.fields["sec-websocket-accept"] == accept_field()
        self.fields = head.fields
        self.offered = "".join(field for field in fields if "Extensions" in field)
        return self

    def read_head(self) -> Head:
        line = self.file.readline().decode("latin-1")
        if not line:
            raise EOFError("no answer")
        fields = {}
        while field := self.file.readline().decode("latin-1").strip():
            name, _, value = field.partition(":")
            fields[name.lower()] = value.strip()
        return Head(int(line.split(" ")[1]), fields)

    def read(self) -> Frame:
        """The next frame. EOFError if the connection ends instead."""
        head = self.file.read(2)
        if len(head) < 2:
            raise EOFError("no more frames")
        length = head[1] & 0x7F
        assert (head[1] >= 0x80) is not self.masks, "a wrong mask bit"
        if length == 126:
            (length,) = struct.unpack("!H", self.file.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.file.read(8))
        key = b"" if self.masks else self.file.read(4)
        payload = self.file.read(length)
        assert len(payload) == length, "the connection ended inside a frame"
        payload = xor(payload, key) if key else payload
        return Frame(head[0] & 15, payload, head[0] >= 0x80, head[0] >> 4 & 7)

    def read_until_close(self) -> list[Frame]:
        """The frames up to the Close, which is the last; then the end of the connection."""
        frames = [self.read()]
        while frames[-1].opcode != CLOSE:
            frames.append(self.read())
        assert self.at_end()
        return frames

    def at_end(self) -> bool:
        """Wait for the end of the connection. True if nothing comes before it."""
        return self.file.read() == b""

    def shut(self) -> None:
        self.file.close()
        self.socket.close()
