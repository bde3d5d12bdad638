"""WebSocket echo over wsproto in a protocol of asyncio.

python bench/websocket_servers/wsproto_asyncio.py 127.0.0.1 PORT
"""

# The libraries need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import asyncio
import sys
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.websocket = WSConnection(ConnectionType.SERVER)
        self.texts: list[str] = []
        self.parts: list[bytes | bytearray] = []

    def data_received(self, data: bytes) -> None:
        self.websocket.receive_data(data)
        for event in self.websocket.events():
            if isinstance(event, TextMessage):
                self.texts.append(event.data)
                if event.message_finished:
                    self._send(TextMessage("".join(self.texts)))
                    self.texts.clear()
            elif isinstance(event, BytesMessage):
                self.parts.append(event.data)
                if event.message_finished:
                    self._send(BytesMessage(b"".join(self.parts)))
                    self.parts.clear()
            elif isinstance(event, Request):
                self._send(AcceptConnection())
            elif isinstance(event, CloseConnection):
                self._send(event.response())
                self.transport.close()
            elif isinstance(event, Ping):
                self._send(event.response())

    def _send(self, event: Any) -> None:
        self.transport.write(self.websocket.send(event))


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, sys.argv[1], int(sys.argv[2]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
