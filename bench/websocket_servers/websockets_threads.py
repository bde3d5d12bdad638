"""WebSocket echo over websockets with a thread for each connection.

python bench/websocket_servers/websockets_threads.py 127.0.0.1 PORT
"""

import sys

from websockets.sync.server import ServerConnection, serve


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


if __name__ == "__main__":
    with serve(echo, sys.argv[1], int(sys.argv[2]), compression=None) as server:
        server.serve_forever()
