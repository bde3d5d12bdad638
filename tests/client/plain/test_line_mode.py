from __future__ import annotations

import socket

import pytest

from client.plain.line_mode import client_timing
from client.timing import Timing
from tests.client.fake_server import FakeServer
from tests.client.plain.menu_run import MenuRun


def test_a_port_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with MenuRun(port) as menu:
        assert menu.end() == 1
    assert menu.err.getvalue() == f"cannot connect to 127.0.0.1:{port}: Connection refused\n"
    assert menu.out.getvalue() == ""


@pytest.mark.parametrize("attempt", range(5))
def test_a_server_that_is_full(server: FakeServer, attempt: int) -> None:
    """The connection may end before or after the menu is shown."""

    def refuse(peer: socket.socket) -> None:
        peer.sendall(b'{"msgid":31,"errno":6,"errmsg":"too many connections"}\n')

    server._talk = refuse  # type: ignore[method-assign]
    with MenuRun(server.port) as menu:
        assert menu.end() == 1
    printed = menu.out.getvalue() + menu.err.getvalue()
    assert "error from the server: too many connections\n" in printed
    assert menu.err.getvalue().endswith("connection to server lost: too many connections\n")


def test_the_time_outs_of_the_client() -> None:
    timing = client_timing(Timing(answer=3.0, chat_acks=4.0))
    assert (timing.answer, timing.login, timing.chat_acks) == (3.0, 3.0, 0.0)
    assert timing.patience > timing.login
