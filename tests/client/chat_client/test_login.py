"""Registering and logging in."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from chat.protocol import MsgType
from client import ChatClient, State, Timing
from client.account.event_taker import EventTaker
from client.errors import (
    ClosedError,
    LoggedInError,
    NoAnswerError,
    NotConfirmedError,
    NotLoggedInError,
    RefusedError,
    StoreError,
)
from client.protocol.events import Event
from tests.client.chat_client.clientkit import QUICK, Make, States, silence, times
from tests.client.fake_server import WAIT, FakeServer, login_ack, refuse


def test_register_and_log_in(server: FakeServer, make: Make) -> None:
    client = make()
    assert client.register("alice", "secret") == 1
    with pytest.raises(NotLoggedInError):
        client.add_friend(5)
    account = client.login(1, "secret")
    assert (account.id, account.name) == (1, "alice")
    assert client.account == account
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["password"], request["v"]) == ("secret", 2)
    assert len(request["device"]) >= 16
    with pytest.raises(LoggedInError, match="logged in already, as 1"):
        client.login(1, "secret")


def test_the_account_is_known_when_a_login_returns(
    server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer may wake the waiting thread before the receiver's thread has made the roster."""
    take_all = EventTaker.take_all
    pause = threading.Event()

    def late(taker: EventTaker, events: Sequence[Event]) -> None:
        pause.wait(0.05)
        take_all(taker, events)

    monkeypatch.setattr(EventTaker, "take_all", late)
    states = States()
    client = make(on_state=states)
    assert client.login(1, "secret").name == "alice"
    states.wait_for(State.ONLINE)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, name="Alice the second")]
    server.hang_up()
    states.wait_for(State.ONLINE)
    assert client.account is not None
    assert client.account.name == "Alice the second"


def test_a_login_that_is_refused(server: FakeServer, make: Make) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 1, "no!")
    client = make()
    with pytest.raises(RefusedError, match="no!"):
        client.login(1, "wrong")
    assert client.state is State.CONNECTED
    assert client.account is None
    with pytest.raises(NotLoggedInError):
        client.send(5, "hi")
    with pytest.raises(NotLoggedInError):
        client.add_friend(5)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    assert client.login(1, "right").id == 1


def test_a_login_without_answer_is_given_up_and_tried_again(server: FakeServer, make: Make) -> None:
    server.rules[MsgType.LOGIN_MSG] = times([silence, silence], lambda r: [login_ack(r)])
    client = make(timing=Timing(login=0.05, first_backoff=0.01, longest_backoff=0.02))
    assert client.login(1, "secret").id == 1
    devices = {server.expect(MsgType.LOGIN_MSG)["device"] for _ in range(3)}
    assert len(devices) == 1


def test_a_login_that_is_never_answered(server: FakeServer, make: Make) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    hasty = Timing(login=0.05, patience=0.2, first_backoff=0.01, longest_backoff=0.02)
    client = make(timing=hasty)
    with pytest.raises(NoAnswerError):
        client.login(1, "secret")
    with pytest.raises(NotLoggedInError):
        client.send(5, "hi")


@pytest.mark.parametrize("errno", [6, 8])
def test_a_login_that_must_wait(server: FakeServer, make: Make, errno: int) -> None:
    later = refuse(MsgType.LOGIN_MSG_ACK, errno, "later")
    server.rules[MsgType.LOGIN_MSG] = times([later, later], lambda r: [login_ack(r)])
    assert make().login(1, "secret").id == 1


def test_the_token_is_used_from_then_on(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, token="tt")]
    client.login(1, "secret")
    states.wait_for(State.ONLINE)
    first = server.expect(MsgType.LOGIN_MSG)
    server.hang_up()
    second = server.expect(MsgType.LOGIN_MSG)
    assert (second["token"], second["device"]) == ("tt", first["device"])
    assert "password" not in second


def test_a_token_that_is_no_longer_good_stops_the_client(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    pending = client.send(5, "hi")
    pending.result(WAIT)
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 1, "no!")
    server.hang_up()
    assert isinstance(states.wait_for(State.STOPPED).error, RefusedError)
    waiting = client.send(5, "still written down")
    with pytest.raises(RefusedError, match="no!"):
        client.add_friend(5)
    with pytest.raises(RefusedError, match="no!"):
        next(client.messages())
    assert not client.flush(0.01)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    client.login(1, "new secret")  # without a folder nothing was kept
    with pytest.raises(NotConfirmedError):
        waiting.result(WAIT)


def test_a_login_without_waiting(server: FakeServer) -> None:
    client = ChatClient("127.0.0.1", server.port, timing=QUICK)
    client.start()
    future = client.login_soon(1, "secret")
    sending = client.send(5, "at once")
    assert future.result(WAIT).id == 1
    assert sending.result(WAIT).seq == 1
    client.close()


def test_a_login_is_cancelled(server: FakeServer, make: Make) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    client = make()
    future = client.login_soon(1, "secret")
    server.expect(MsgType.LOGIN_MSG)
    client.cancel_login()
    client.cancel_login()
    with pytest.raises(NotLoggedInError):
        future.result(WAIT)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    server.hang_up()
    assert client.login(2, "secret").id == 2


def test_a_login_is_pending_when_the_client_closes(server: FakeServer, make: Make) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    client = make()
    future = client.login_soon(1, "secret")
    server.expect(MsgType.LOGIN_MSG)
    client.close()
    with pytest.raises(ClosedError):
        future.result(WAIT)


def test_a_program_may_keep_something_of_its_own(make: Make, tmp_path: Path) -> None:
    client = make(folder=tmp_path)
    client.remember("mine.json", {"a": 1})  # nothing is kept without a login
    assert client.recall("mine.json") == {}
    client.login(1, "secret")
    assert client.recall("mine.json") == {}
    client.remember("mine.json", {"a": "你好"})
    client.close()
    again = make(folder=tmp_path)
    again.login(1)
    assert again.recall("mine.json") == {"a": "你好"}
    again.close()
    other = make()
    other.login(1, "secret")
    other.remember("mine.json", {"a": 1})
    assert other.recall("mine.json") == {}


def test_two_programs_on_one_folder(server: FakeServer, make: Make, tmp_path: Path) -> None:
    client = make(folder=tmp_path)
    client.login(1, "secret")
    other = make(folder=tmp_path)
    with pytest.raises(StoreError, match="is in use by another program"):
        other.login(1, "secret")
    client.close()
    assert other.login(1).id == 1
