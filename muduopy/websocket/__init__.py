"""WebSockets on TcpServer and TcpClient. Needs websockets: ``pip install '.[websocket]'``.

    from muduopy import EventLoop, InetAddress
    from muduopy.websocket import WebSocketServer

    loop = EventLoop()
    server = WebSocketServer(loop, InetAddress("127.0.0.1", 8080))
    server.set_text_callback(lambda websocket, text, when: websocket.send(text))
    server.start()
    loop.loop()

For readers of the source: WebSocketConnection moves bytes, keeps the state and runs the timer. It
has a FrameReader, which cuts the bytes into messages and knows the rules of frames; frames.py makes
frames; handshake.py has the opening handshake, and is the only place that uses the protocols of
websockets. WebSocketEndpoint has a server's callbacks and rules, and takes over any TcpConnection;
WebSocketServer adds a port to it. WebSocketClient is the other side.
"""

from muduopy.websocket.close_code import CloseCode
from muduopy.websocket.errors import FrameError, HandshakeError, WebSocketError
from muduopy.websocket.handshake import WebSocketRequest
from muduopy.websocket.websocket_callbacks import (
    BinaryCallback,
    TextCallback,
    WebSocketCallback,
    WebSocketWaterMarkCallback,
)
from muduopy.websocket.websocket_client import WebSocketClient
from muduopy.websocket.websocket_connection import WebSocketConnection
from muduopy.websocket.websocket_endpoint import (
    HandshakeCallback,
    WebSocketEndpoint,
    say_goodbye,
)
from muduopy.websocket.websocket_limits import WebSocketLimits
from muduopy.websocket.websocket_server import WebSocketServer

__all__ = [
    "BinaryCallback",
    "CloseCode",
    "FrameError",
    "HandshakeCallback",
    "HandshakeError",
    "TextCallback",
    "WebSocketCallback",
    "WebSocketClient",
    "WebSocketConnection",
    "WebSocketEndpoint",
    "WebSocketError",
    "WebSocketLimits",
    "WebSocketRequest",
    "WebSocketServer",
    "WebSocketWaterMarkCallback",
    "say_goodbye",
]
