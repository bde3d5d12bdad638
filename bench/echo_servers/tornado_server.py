"""Echo over Tornado's TCPServer (an IOStream on asyncio).

python bench/echo_servers/tornado_server.py 127.0.0.1 PORT
"""

# The library need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import asyncio
import sys

from tornado.iostream import IOStream, StreamClosedError
from tornado.tcpserver import TCPServer

READ_BYTES = 65536


class Echo(TCPServer):
    async def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        stream.set_nodelay(True)
        try:
            while True:
                await stream.write(await stream.read_bytes(READ_BYTES, partial=True))
        except StreamClosedError:
            pass


async def main() -> None:
    Echo().listen(int(sys.argv[2]), sys.argv[1], backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
