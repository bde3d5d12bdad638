"""The web page through the PROXY protocol, TLS and nginx, with real servers."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.e2e.chatkit import ServerProcess, free_port
from tests.e2e.test_tls import PEM

CONF = Path(__file__).parents[2] / "conf"
STREAM = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
WAIT = 20
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(PEM))


def ask(websocket: Any, **message: Any) -> dict[str, Any]:
    websocket.send(json.dumps(message))
    answer: dict[str, Any] = json.loads(websocket.recv(timeout=WAIT))
    return answer


def balanced(server: ServerProcess, client: str) -> socket.socket:
    """A connection that a balancer has announced."""
    peer = socket.create_connection(("127.0.0.1", server.port), WAIT)
    peer.sendall(f"PROXY TCP4 {client} 127.0.0.1 1 2\r\n".encode())
    return peer


def read_all(peer: socket.socket) -> bytes:
    data = b""
    while piece := peer.recv(65536):
        data += piece
    return data


@contextlib.contextmanager
def nginx(folder: Path, conf: str) -> Iterator[None]:
    """nginx with this configuration, which listens when this begins."""
    path = folder / "nginx.conf"
    own = f"{STREAM}error_log error.log;\npid nginx.pid;\n"
    path.write_text(conf.replace("include /etc/nginx/modules-enabled/*.conf;\n", own))
    command = ["nginx", "-p", str(folder), "-c", str(path), "-e", str(folder / "error.log")]
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(WAIT)


def wait_for(port: int) -> None:
    pause = threading.Event()
    for _ in range(WAIT * 100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), WAIT):
            return
        pause.wait(0.01)
    raise AssertionError("nginx does not listen")


def write_upstream(folder: Path, servers: list[ServerProcess]) -> None:
    lines = [f"server 127.0.0.1:{server.port};\n" for server in servers]
    (folder / "chatservers.conf").write_text("".join(lines))


def test_the_limits_count_the_announced_address(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server("[server]\nproxy_protocol = true\n[limits]\nguests_per_address = 2\n")
    with balanced(server, "192.0.2.7") as peer:
        peer.sendall(GET)
        assert read_all(peer).startswith(b"HTTP/1.1 200 ")
    url = f"ws://127.0.0.1:{server.port}/ws"
    with contextlib.ExitStack() as stack:
        pages = [
            stack.enter_context(connect(url, sock=balanced(server, "192.0.2.8"))) for _ in range(2)
        ]
        assert [ask(page, msgid=26)["msgid"] for page in pages] == [27, 27]
        with balanced(server, "192.0.2.8") as third:
            third.sendall(GET)
            assert b"too many connections from your address" in read_all(third)
        with connect(url, sock=balanced(server, "192.0.2.9")) as other:
            assert ask(other, msgid=26)["msgid"] == 27


def test_the_page_by_https(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(f'[server]\ntls_certificate = "{PEM}"\n')
    with connect(f"wss://localhost:{server.port}/ws", ssl=trust()) as page:
        assert ask(page, msgid=26)["msgid"] == 27
    plain = socket.create_connection(("127.0.0.1", server.port), WAIT)
    with trust().wrap_socket(plain, server_hostname="localhost") as peer:
        peer.sendall(GET)
        with contextlib.suppress(ssl.SSLEOFError):
            assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_the_stream_balancer_serves_the_page(
    make_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    servers = [make_server(), make_server()]
    write_upstream(tmp_path, servers)
    port = free_port()
    (tmp_path / "listen.conf").write_text(f"listen 127.0.0.1:{port};\n")
    with nginx(tmp_path, (CONF / "nginx.conf").read_text()):
        wait_for(port)
        url, origin = f"ws://127.0.0.1:{port}/ws", Origin(f"http://127.0.0.1:{port}")
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                page = stack.enter_context(connect(url, origin=origin))
                assert ask(page, msgid=26)["msgid"] == 27
        with socket.create_connection(("127.0.0.1", port), WAIT) as peer:
            peer.sendall(GET)
            assert read_all(peer).startswith(b"HTTP/1.1 200 ")


def test_an_http_proxy_names_the_client(
    make_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    settings = '[server]\nproxy_http_from = ["127.0.0.1"]\n[limits]\nguests_per_address = 2\n'
    server = make_server(settings)
    write_upstream(tmp_path, [server])
    port = free_port()
    conf = (CONF / "nginx-http.conf").read_text().replace("443 ssl", f"127.0.0.1:{port} ssl")
    for name in ("fullchain", "privkey"):
        conf = conf.replace(f"/etc/chat/{name}.pem", str(PEM))
    # The clients are at one address, so nginx shows what it would for one at another.
    conf = conf.replace("X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_test")
    with nginx(tmp_path, conf):
        wait_for(port)

        def page(client: str) -> Any:
            headers = {"X-Test": client}
            origin = Origin(f"https://localhost:{port}")
            url = f"wss://localhost:{port}/ws"
            return connect(url, ssl=trust(), additional_headers=headers, origin=origin)

        with page("192.0.2.8") as one, page("198.51.100.1, 192.0.2.8") as two:
            assert ask(one, msgid=26)["msgid"] == ask(two, msgid=26)["msgid"] == 27
            with page("192.0.2.8") as third:
                assert "too many connections from your" in json.loads(third.recv(WAIT))["errmsg"]
                with pytest.raises(ConnectionClosed):
                    third.recv(WAIT)
            with page("192.0.2.9") as other:
                assert ask(other, msgid=26)["msgid"] == 27


def test_others_cannot_claim_an_address(make_server: Callable[..., ServerProcess]) -> None:
    settings = '[server]\nproxy_http_from = ["127.0.0.2"]\n[limits]\nguests_per_address = 1\n'
    server = make_server(settings)
    url = f"ws://127.0.0.1:{server.port}/ws"

    def page(source: str, client: str) -> Any:
        peer = socket.create_connection(("127.0.0.1", server.port), WAIT, (source, 0))
        return connect(url, sock=peer, additional_headers={"X-Forwarded-For": client})

    with page("127.0.0.2", "192.0.2.8") as held, page("127.0.0.3", "192.0.2.8") as liar:
        assert ask(held, msgid=26)["msgid"] == 27
        assert ask(liar, msgid=26)["msgid"] == 27
        with page("127.0.0.2", "192.0.2.8") as refused:
            assert json.loads(refused.recv(WAIT))["errno"] == 6
