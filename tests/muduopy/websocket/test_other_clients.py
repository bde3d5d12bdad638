"""Clients and a server that this project has not written: two packages of Python, one of Node.js,
and a browser."""

from __future__ import annotations

import gc
import json
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Origin, Subprotocol

from muduopy import EventLoop, EventLoopThread
from muduopy.http import HttpRequest, HttpResponse, HttpServer
from muduopy.websocket import WebSocketClient, WebSocketConnection, WebSocketEndpoint
from tests.muduopy.netkit import LOOPBACK, WAIT, call_in, port_of
from tests.muduopy.websocket.websocketkit import RunningWebSockets, WebSocketMaker

NODE = Path(__file__).resolve().parents[2] / "node"

MESSAGES: list[str | bytes] = ["", "hello", "é" * 40_000, b"", b"\xff" * 70_000]


def url_of(running: RunningWebSockets) -> str:
    return f"ws://127.0.0.1:{port_of(running.server.address)}/"


# ---------------------------------------------------------------- Python


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_websockets(run_websockets: WebSocketMaker, compression: str | None) -> None:
    running = run_websockets(deflate=True, subprotocols=["chat"])
    options: dict[str, Any] = {"compression": compression, "proxy": None}
    with connect(url_of(running), subprotocols=[Subprotocol("chat")], **options) as one:
        assert one.subprotocol == "chat"
        for message in MESSAGES:
            one.send(message)
            assert one.recv(WAIT) == message
        one.send(iter(["in ", "three ", "fragments"]))
        assert one.recv(WAIT) == "in three fragments"
        assert one.ping().wait(WAIT)
        running.ups.get(timeout=WAIT).close(4000, "enough")
        with pytest.raises(ConnectionClosed):
            one.recv(WAIT)
        assert (one.close_code, one.close_reason) == (4000, "enough")
    with pytest.raises(InvalidStatus):
        connect(url_of(running), origin=Origin("http://evil"), **options)


def test_websocket_client(run_websockets: WebSocketMaker) -> None:
    running = run_websockets()
    one = websocket.create_connection(url_of(running), timeout=WAIT, suppress_origin=True)
    for message in MESSAGES:
        if isinstance(message, str):
            one.send(message)
        else:
            one.send_binary(message)
        assert one.recv() == message
    one.ping("there?")
    opcode, frame = one.recv_data_frame(control_frame=True)
    assert (opcode, frame.data) == (websocket.ABNF.OPCODE_PONG, b"there?")
    one.close(4002, b"bye", timeout=WAIT)
    assert running.down().close_code == 4002
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(url_of(running), timeout=WAIT, origin="http://evil")


@pytest.mark.parametrize("deflate", [False, True])
def test_a_server_of_websockets(other_loop: EventLoop, deflate: bool) -> None:
    def handle(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        seen: queue.SimpleQueue[object] = queue.SimpleQueue()
        port = server.socket.getsockname()[1]
        client: WebSocketClient[Any] = WebSocketClient(
            other_loop, f"ws://127.0.0.1:{port}/", deflate=deflate
        )
        client.set_connection_callback(lambda one: seen.put(one.close_code))
        client.set_text_callback(lambda one, text, when: seen.put(text))
        client.set_binary_callback(lambda one, data, when: seen.put(data))
        client.connect()
        assert seen.get(timeout=WAIT) == 0
        assert client.websocket is not None
        for message in [*MESSAGES, "long enough to be compressed " * 9]:
            client.websocket.send(message)
            assert seen.get(timeout=WAIT) == message
        client.disconnect()
        assert seen.get(timeout=WAIT) == 1000
        server.shutdown()
        thread.join()
    gc.collect()  # that server leaves its selector to the garbage collector


# ---------------------------------------------------------------- Node.js


@pytest.mark.parametrize("deflate", [False, True])
def test_ws_of_node(run_websockets: WebSocketMaker, deflate: bool) -> None:
    running = run_websockets(deflate=True)
    script = str(NODE / "websocket_client.mjs")
    command = ["node", script, url_of(running), "deflate" if deflate else ""]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "code": 4001,
        "reason": "",
        "next": 5,
        "pongs": 1,
        "wrong": [],
        "extensions": "permessage-deflate" if deflate else "",
    }
    assert running.down().close_reason == "done"


# ---------------------------------------------------------------- a browser

PAGE = """<!doctype html><meta charset="utf-8"><script>
const seen = [], messages = ["", "hello", "é世🙂".repeat(9000), new Uint8Array(70000).fill(255)]
const socket = new WebSocket(`ws://${location.host}/echo`, ["chat"])
socket.binaryType = "arraybuffer"
const same = (a, b) => typeof a === "string" ? a === b
    : a.length === b.byteLength && new Uint8Array(b).every((octet, i) => octet === a[i])
socket.onopen = () => socket.send(messages[0])
socket.onmessage = (event) => {
    seen.push(same(messages[seen.length], event.data))
    socket.send(seen.length < messages.length ? messages[seen.length] : "close")
}
socket.onclose = (event) => {
    const result = {seen, code: event.code, reason: event.reason, clean: event.wasClean,
                    protocol: socket.protocol, extensions: socket.extensions}
    const other = new WebSocket(`ws://localhost:${location.port}/echo`)
    other.onopen = () => fetch("/result", {method: "POST", body: "opened from another origin"})
    other.onerror = () => fetch("/result", {method: "POST", body: JSON.stringify(result)})
}
</script>"""


class BrowserServer:
    """Serves the page and its WebSocket, and takes the result of the page."""

    def __init__(self) -> None:
        self.results: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = EventLoopThread("browser")
        self._endpoint: WebSocketEndpoint = WebSocketEndpoint(subprotocols=["chat"], deflate=True)
        self._endpoint.set_text_callback(self._on_text)
        self._endpoint.set_binary_callback(lambda one, data, when: one.send(data))
        loop = self._thread.start_loop()
        self._server = call_in(loop, lambda: HttpServer(loop, LOOPBACK))
        self._server.set_http_callback(self._answer)
        call_in(loop, self._server.start)
        self.url = f"http://127.0.0.1:{port_of(self._server.address)}/"

    def _on_text(self, one: WebSocketConnection, text: str, when: float) -> None:
        if text == "close":
            one.close(4003, "grüße")
        else:
            one.send(text)

    def _answer(self, request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/echo":
            response.upgrade(self._endpoint.accept_request)
        elif request.path == "/result":
            self.results.put(request.body.decode())
        elif request.path == "/":
            response.set_header("Content-Type", "text/html")
            response.body = PAGE.encode()
        else:
            response.set_text("no such page\n", 404)

    def stop(self) -> None:
        stopped = threading.Event()
        self._server.stop(0.0, stopped.set)
        assert stopped.wait(WAIT)
        assert self._thread.stop(WAIT)


@pytest.fixture
def browser_server(no_leaks: None) -> Iterator[BrowserServer]:
    server = BrowserServer()
    yield server
    server.stop()


def test_chromium(browser_server: BrowserServer, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    assert chromium is not None, "scripts/autobuild.sh test installs chromium"
    command = [
        *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        *("--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--remote-debugging-port=0", browser_server.url),
    ]
    log = tmp_path / "chromium.log"
    with log.open("wb") as output:
        browser = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, cwd=tmp_path
        )
        try:
            result = browser_server.results.get(timeout=60)
        finally:
            browser.send_signal(signal.SIGTERM)
            browser.wait(WAIT)
    assert json.loads(result) == {
        "seen": [True] * 4,
        "code": 4003,
        "reason": "grüße",
        "clean": True,
        "protocol": "chat",
        "extensions": "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
    }
