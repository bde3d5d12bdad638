"""Connecting, the states of a client, and clients that do not reconnect."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, ConnectError, State, Timing
from client.errors import (
    ClosedError,
    ConnectionLostError,
    NoAnswerError,
    NotLoggedInError,
    RefusedError,
    TooLargeError,
)
from client.protocol.tls import make_context
from client.values import Friend
from tests.client.chat_client.clientkit import QUICK, Make, States, say_goodbye, silence
from tests.client.fake_server import WAIT, FakeServer, Rule, login_ack, one_chat, refuse
from tests.client.tlskit import PEM, TlsRelay


def test_a_port_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = ChatClient("127.0.0.1", port, timing=QUICK)
    with pytest.raises(ConnectError, match="refused"):
        client.connect()
    assert client.state is State.CLOSED
    with pytest.raises(ClosedError):
        client.connect()
    with pytest.raises(ConnectError, match="refused"), ChatClient("127.0.0.1", port):
        pass


def test_a_server_that_starts_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    states = States()
    client = ChatClient("127.0.0.1", port, on_state=states, timing=QUICK)
    client.start()
    client.start()
    assert isinstance(states.wait_for(State.WAITING).error, ConnectError)
    with socket.create_server(("127.0.0.1", port)):
        client.connect(WAIT)
        assert client.state is State.CONNECTED
        client.close()


def test_connecting_for_some_time_in_vain() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = ChatClient("127.0.0.1", port, timing=QUICK)
    with pytest.raises(ConnectError):
        client.connect(timeout=0.1)
    assert client.state is State.CLOSED


def test_the_states_of_a_life(server: FakeServer) -> None:
    states = States()
    with ChatClient("127.0.0.1", server.port, on_state=states, timing=QUICK) as client:
        client.login(1, "secret")
        server.hang_up()
        lost = states.wait_for(State.WAITING)
        assert str(lost.error) == "connection to server lost: closed by the server"
        assert lost.retry_at is not None
        states.wait_for(State.ONLINE)
        assert repr(client) == f"<ChatClient 127.0.0.1:{server.port} online>"
    assert states.wait_for(State.CLOSED).error is None
    assert states.queue.empty()


def test_a_client_that_was_never_started() -> None:
    client = ChatClient("127.0.0.1", 1)
    assert client.state is State.IDLE
    with pytest.raises(ClosedError):
        client.register("ann", "secret")
    with pytest.raises(NotLoggedInError):
        client.send(5, "hi")
    client.close()
    client.close()
    with pytest.raises(ClosedError):
        client.login(1, "secret")
    with pytest.raises(ClosedError):
        client.send(5, "hi")
    assert list(client.messages()) == []


def test_through_tls(server: FakeServer) -> None:
    with TlsRelay(server.port) as relay:
        context = make_context(str(PEM))
        with ChatClient("localhost", relay.port, tls=context, timing=QUICK) as client:
            client.login(1, "secret")
            assert client.send(5, "hi").result(WAIT).seq == 1
        with pytest.raises(ConnectError, match="certificate is not valid"):
            ChatClient("localhost", relay.port, tls=True, timing=QUICK).connect()


def test_nonsense_is_refused_before_anything_happens(client: ChatClient) -> None:
    for number in (0, -1, 2**31, True, "5", None, 5.0):
        with pytest.raises(ValueError, match="is no id"):
            client.send(number, "hi")  # type: ignore[arg-type]
        if number != "5":  # a name
            with pytest.raises(ValueError, match="is no id"):
                client.login(number)  # type: ignore[arg-type]
    requests: list[Callable[[int], object]] = [
        client.add_friend,
        client.remove_friend,
        client.join_group,
        client.leave_group,
        client.members,
        client.dissolve_group,
        lambda number: client.remove_member(number, 1),
        lambda number: client.remove_member(1, number),
    ]
    for request in requests:
        with pytest.raises(ValueError, match="is no id: an int"):
            request(0)
    named: list[Callable[[str], object]] = [
        client.create_group,
        lambda name: client.register(name, "secret-1"),
    ]
    for call in named:
        with pytest.raises(ValueError, match="int is no text"):
            call(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bytes is no text") as raised:
        client.login(1, b"secret-1")  # type: ignore[arg-type]
    assert "secret-1" not in str(raised.value)
    with pytest.raises(ValueError, match="either"):
        client.history()
    with pytest.raises(ValueError, match="either"):
        client.history(user_id=1, group_id=1)
    with pytest.raises(TooLargeError):
        client.send(5, "x" * 70_000)
    with pytest.raises(ValueError, match="surrogates"):
        client.send(5, "\ud800")
    assert client.outbox == ()


def test_a_lost_connection_stops_a_client_that_does_not_reconnect(
    server: FakeServer, make: Make
) -> None:
    client = make(keep_connected=False)
    client.login(1, "secret")
    server.send(one_chat(3, "last words"))
    say_goodbye(server, "draining", reconnect=True)
    messages = client.messages(WAIT)
    assert next(messages).text == "last words"
    with pytest.raises(ConnectionLostError, match="draining") as caught:
        next(messages)
    assert caught.value.announced
    assert client.state is State.STOPPED
    with pytest.raises(ConnectionLostError):
        client.add_friend(3)
    assert client.login(1, "secret").id == 1  # because the application asked for it


@pytest.mark.parametrize("rule", [silence, refuse(MsgType.LOGIN_MSG_ACK, 6, "later")])
def test_a_login_is_tried_once_by_a_client_that_does_not_reconnect(
    server: FakeServer, make: Make, rule: Rule
) -> None:
    client = make(keep_connected=False, timing=Timing(login=0.05))
    server.rules[MsgType.LOGIN_MSG] = rule
    with pytest.raises((NoAnswerError, RefusedError)):
        client.login(1, "secret")
    assert client.state is State.CONNECTED
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    assert client.login(1, "secret").id == 1


def test_a_login_fails_with_its_connection_in_a_client_that_does_not_reconnect(
    server: FakeServer, make: Make
) -> None:
    def hang_up(request: Message) -> list[Message]:
        server.hang_up()
        return []

    client = make(keep_connected=False)
    server.rules[MsgType.LOGIN_MSG] = hang_up
    with pytest.raises(ConnectionLostError, match="closed by the server"):
        client.login_soon(1, "secret").result(WAIT)
    assert client.user_id is None
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    assert client.login_soon(1, "secret").result(WAIT).id == 1


def test_a_program_with_a_loop_of_its_own(server: FakeServer, make: Make) -> None:
    """It is woken, and takes the messages that are there without waiting."""
    ready = threading.Semaphore(0)
    client = make(on_ready=ready.release)
    assert list(client.messages(timeout=0)) == []
    client.login(1, "secret")
    server.send(one_chat(3, "a"), one_chat(4, "b"))
    assert ready.acquire(timeout=WAIT)
    assert ready.acquire(timeout=WAIT)
    assert [message.text for message in client.messages(timeout=0)] == ["a", "b"]
    server.expect(MsgType.DELIVERED_MSG)


def test_the_servers_errors_are_told(server: FakeServer, make: Make) -> None:
    errors: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = make(on_server_error=errors.put)
    client.login(1, "secret")
    server.send({"msgid": 31, "errno": 4, "errmsg": "unknown msgid"})
    assert errors.get(timeout=WAIT) == "unknown msgid"
    assert client.state is State.ONLINE


def test_a_request_waits_for_the_connection(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    server.hang_up()
    states.wait_for(State.WAITING)
    assert client.add_friend(3) == Friend(3, "bob", "offline")


def test_reconnecting_at_once(server: FakeServer, make: Make) -> None:
    patient = Timing(first_backoff=1000.0, longest_backoff=1000.0)
    states = States()
    client = make(on_state=states, timing=patient)
    client.login(1, "secret")
    states.wait_for(State.ONLINE)
    server.hang_up()
    status = states.wait_for(State.WAITING)
    assert status.retry_at is not None
    client.reconnect()
    states.wait_for(State.ONLINE)


def test_closing_while_waiting_to_reconnect(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states, timing=Timing(first_backoff=1000.0, longest_backoff=1000.0))
    client.login(1, "secret")
    server.hang_up()
    states.wait_for(State.WAITING)
    client.close()
    assert client.state is State.CLOSED
