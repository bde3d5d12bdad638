"""WebSocket echo over aiohttp.

python bench/websocket_servers/aiohttp_server.py 127.0.0.1 PORT
"""

# The libraries need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import sys

from aiohttp import WSMsgType, web


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


if __name__ == "__main__":
    application = web.Application()
    application.router.add_get("/", echo)
    web.run_app(application, host=sys.argv[1], port=int(sys.argv[2]), print=None, access_log=None)
