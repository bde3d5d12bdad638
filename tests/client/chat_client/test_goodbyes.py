"""Being sent away by the server."""

from __future__ import annotations

import time

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, ClientError, State, Timing
from client.errors import ReplacedError
from tests.client.chat_client.clientkit import QUICK, Make, States, say_goodbye
from tests.client.fake_server import WAIT, FakeServer, ack, one_chat


@pytest.mark.parametrize("reason", ["draining", "idle", "a newer word"])
def test_a_goodbye_that_invites_to_come_again(server: FakeServer, make: Make, reason: str) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    states.wait_for(State.ONLINE)
    say_goodbye(server, reason, reconnect=True)
    assert str(states.wait_for(State.WAITING).error) == f"connection to server lost: {reason}"
    states.wait_for(State.ONLINE)


def test_servers_that_drain_one_after_another_cause_no_longer_pauses(
    server: FakeServer, make: Make
) -> None:
    states, first = States(), 0.01
    client = make(on_state=states, timing=Timing(first_backoff=first, longest_backoff=1000.0))
    client.login(1, "secret")
    for _ in range(20):
        states.wait_for(State.ONLINE)
        say_goodbye(server, "draining", reconnect=True)
        retry_at = states.wait_for(State.WAITING).retry_at
        assert retry_at is not None
        assert retry_at - time.monotonic() <= first


@pytest.mark.parametrize("reason", ["replaced", "abuse"])
def test_a_goodbye_for_good(server: FakeServer, make: Make, reason: str) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    states.wait_for(State.ONLINE)
    say_goodbye(server, reason, reconnect=False)
    status = states.wait_for(State.STOPPED)
    assert isinstance(status.error, ReplacedError)
    with pytest.raises(ReplacedError):
        next(client.messages())
    with pytest.raises(ReplacedError):
        client.add_friend(2)
    assert states.queue.empty()
    assert client.login(1, "secret").id == 1  # because the application asked for it


def test_nothing_is_sent_after_draining_was_announced(server: FakeServer, make: Make) -> None:
    client = make()
    client.login(1, "secret")
    server.rules[MsgType.PING_MSG] = lambda r: [ack(MsgType.PONG_MSG, r)]
    server.send({"msgid": 32, "reason": "draining", "reconnect": True}, one_chat(3, "a"))
    assert next(client.messages()).text == "a"  # so the goodbye has been read
    sending = client.send(5, "later")
    server.hang_up()
    sending.result(WAIT)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "later"
    assert server.received_nothing_more(MsgType.ONE_CHAT_MSG)


def test_sent_away_while_logging_in(server: FakeServer, make: Make) -> None:
    def abuse(request: Message) -> list[Message]:
        say_goodbye(server, "abuse", reconnect=False)
        return []

    server.rules[MsgType.LOGIN_MSG] = abuse
    states = States()
    client = make(on_state=states)
    future = client.login_soon(1, "secret")
    states.wait_for(State.STOPPED)
    client.cancel_login()
    with pytest.raises(ClientError):
        future.result(WAIT)


def test_an_error_before_anything_else_is_the_reason(server: FakeServer) -> None:
    states = States()
    client = ChatClient("127.0.0.1", server.port, on_state=states, timing=QUICK)
    client.start()
    error = {"msgid": 31, "errno": 6, "errmsg": "too many connections", "retry_after": 300}
    server.send(error)
    server.hang_up()
    lost = states.wait_for(State.WAITING)
    assert str(lost.error) == "connection to server lost: too many connections"
    assert lost.retry_at is not None
    assert lost.retry_at - time.monotonic() > 30.0  # as the server asks, and not at once
    client.close()
