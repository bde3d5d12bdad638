"""WebSocket echo over muduopy.

python bench/websocket_servers/muduopy_websocket.py 127.0.0.1 PORT
"""

import sys

from muduopy import EventLoop, InetAddress
from muduopy.websocket import WebSocketServer


def main() -> None:
    with EventLoop() as loop:
        server: WebSocketServer = WebSocketServer(loop, InetAddress(sys.argv[1], int(sys.argv[2])))
        server.set_text_callback(lambda websocket, text, when: websocket.send(text))
        server.set_binary_callback(lambda websocket, data, when: websocket.send(data))
        server.start()
        loop.loop()


if __name__ == "__main__":
    main()
