"""WebSocket echo over websockets on asyncio, or on uvloop.

python bench/websocket_servers/websockets_asyncio.py 127.0.0.1 PORT [uvloop]
"""

# The libraries need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    async with serve(echo, sys.argv[1], int(sys.argv[2]), compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
