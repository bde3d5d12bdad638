"""A WebSocket for a chaos client, by the protocol engine of the package ``websockets``."""

from __future__ import annotations

import asyncio
from collections import deque

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.uri import parse_uri


class WebSocketStream:
    """The lines of a client as messages, over its streams. The event loop's thread."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/ws"))
        self._messages: deque[bytes] = deque()

    async def open(self) -> None:
        """The handshake. Raises OSError if the server refuses or ends it."""
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while self._protocol.state is not OPEN:
            await self._fill()

    def send(self, message: bytes) -> None:
        """Dropped if the WebSocket is closing."""
        if self._protocol.state is OPEN:
            self._protocol.send_text(message)
            self._flush()

    async def receive(self) -> bytes:
        """The next message. Raises OSError at the end."""
        while not self._messages:
            await self._fill()
        return self._messages.popleft()

    async def _fill(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError("the end")
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Response) and event.status_code != 101:
                raise ConnectionRefusedError(str(event))
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._messages.append(bytes(event.data))
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and not self._writer.transport.is_closing():
                self._writer.write(data)
