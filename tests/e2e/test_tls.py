"""The chat protocol through TLS, from the server itself."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.chatkit import ServerProcess, Wire

PEM = Path(__file__).parents[1] / "muduopy" / "certs" / "localhost.pem"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, f'[server]\ntls_certificate = "{PEM}"\n').start()
    yield server
    server.stop()


def connect(server: ServerProcess) -> Wire:
    wire = Wire(server.port)
    context = ssl.create_default_context(cafile=str(PEM))
    wire.socket = context.wrap_socket(wire.socket, server_hostname="localhost")
    return wire


def test_chatting_through_tls(server: ServerProcess) -> None:
    assert any("with TLS" in line for line in server.log)
    with connect(server) as ann, connect(server) as bob:
        ann.login(ann.register("ann"))
        bob.login(bob.register("bob"))
        for number in range(100):
            ann.chat(bob.id, f"{number} " + "密" * 3000, mid=str(number))
        for number in range(100):
            message = bob.find(6)
            assert message["msg"].startswith(f"{number} ")
            bob.acknowledge(message["seq"])
            ann.find(20, errno=0)


def test_who_speaks_plainly_is_closed_and_others_go_on(server: ServerProcess) -> None:
    with connect(server) as ann, Wire(server.port) as plain:
        ann.login(ann.register("ann"))
        plain.write(b'{"msgid":26}\n' * 100)
        while plain.fill():
            pass
        ann.nothing()


def test_it_stops_politely(server: ServerProcess) -> None:
    with connect(server) as ann:
        ann.login(ann.register("ann"))
        server.send_signal()
        ann.expect(32, reason="draining")
        ann.expect_end()
    assert server.wait() == 0
    server.start()
