"""Echo over asyncio, as a Protocol (the faster one of its two interfaces).

    python bench/echo_servers/asyncio_protocol.py 127.0.0.1 PORT

asyncio sets TCP_NODELAY by itself.
"""

import asyncio
import sys
from typing import cast


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, sys.argv[1], int(sys.argv[2]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
