"""A chat room for browsers: `python -m examples.websocket_chat [PORT]`, then open two tabs.

An HTTP server serves the page, and hands its WebSockets over to an endpoint. Needs websockets:
`pip install '.[websocket]'`.
"""

import sys

from muduopy import EventLoop, InetAddress
from muduopy.http import HttpRequest, HttpResponse, HttpServer

try:
    from muduopy.websocket import WebSocketConnection, WebSocketEndpoint
except ModuleNotFoundError as exc:
    sys.exit(f"{exc}")

PAGE = b"""<!doctype html><title>chat</title><form><input autofocus></form><ul></ul><script>
const socket = new WebSocket(`ws://${location.host}/chat`), line = document.querySelector("input")
const add = (text) => document.querySelector("ul").append(
    Object.assign(document.createElement("li"), {textContent: text}))
socket.onmessage = (event) => add(event.data)
socket.onclose = (event) => add(`closed: ${event.code} ${event.reason}`)
document.querySelector("form").onsubmit = (event) => {
    event.preventDefault()
    socket.send(line.value)
    line.value = ""
}
</script>"""


class Room:
    """The members, and what reaches them. Loop thread."""

    def __init__(self) -> None:
        self.members: set[WebSocketConnection] = set()

    def on_connection(self, websocket: WebSocketConnection) -> None:
        if websocket.connected:
            self.members.add(websocket)
            self.tell(f"{websocket.peer_address} has come: {len(self.members)} here")
        else:
            self.members.discard(websocket)
            self.tell(f"{websocket.peer_address} has left with {websocket.close_code}")

    def on_text(self, websocket: WebSocketConnection, text: str, when: float) -> None:
        self.tell(f"{websocket.peer_address}: {text}")

    def tell(self, text: str) -> None:
        for member in self.members:
            member.send(text)


def main() -> None:
    room = Room()
    endpoint: WebSocketEndpoint = WebSocketEndpoint()
    endpoint.set_connection_callback(room.on_connection)
    endpoint.set_text_callback(room.on_text)

    def answer(request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/chat" and request.asks_for("websocket"):
            response.upgrade(endpoint.accept_request)
        else:
            response.set_header("Content-Type", "text/html")
            response.body = PAGE

    with EventLoop() as loop:
        address = InetAddress("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
        server = HttpServer(loop, address)
        server.set_http_callback(answer)
        server.start()
        print(f"open http://{server.address}", flush=True)
        loop.loop()


if __name__ == "__main__":
    main()
