from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from chat.protocol import MsgType
from client.errors import ConnectionLostError, NoAnswerError, NotLoggedInError, RefusedError
from client.protocol.connection import open_socket
from client.protocol.events import ChatAnswer, Event, Goodbye, LoggedIn
from client.protocol.requests import (
    ADD_FRIEND,
    CREATE_GROUP,
    HISTORY,
    JOIN_GROUP,
    LOGIN,
    LOGOUT,
    MEMBERS,
    REGISTER,
)
from client.protocol.session import Session
from client.timing import Timing
from client.values import Account, ChatMessage, Friend, Group, Member, Presence
from tests.client.fake_server import WAIT, FakeServer, ack, login_ack, one_chat, refuse


class Client:
    """A Session, and the events that it hands over."""

    def __init__(self, port: int, timing: Timing | None = None) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.closed = threading.Event()
        sock = open_socket("127.0.0.1", port, Timing())
        self.session = Session(sock, self._put, self.closed.set, timing or Timing())

    def _put(self, events: Sequence[Event]) -> None:
        for event in events:
            self.events.put(event)

    def next_event(self) -> Event:
        return self.events.get(timeout=WAIT)


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    client = Client(server.port)
    with client.session:
        yield client


@pytest.fixture
def session(client: Client) -> Session:
    return client.session


@pytest.fixture
def hasty(server: FakeServer) -> Iterator[Client]:
    """One with short time-outs."""
    client = Client(server.port, Timing(answer=0.05, shortest_heartbeat=0.02))
    with client.session:
        yield client


def log_in(session: Session) -> Account:
    return session.ask(LOGIN, id=1, password="secret")


def test_requests_and_their_results(server: FakeServer, session: Session) -> None:
    assert session.ask(REGISTER, name="alice", password="secret") == 1
    assert log_in(session).name == "alice"
    assert session.user_id == 1
    assert session.ask(ADD_FRIEND, friendid=3) == Friend(3, "bob", "offline")
    assert session.ask(CREATE_GROUP, groupname="g", groupdesc="d") == (4, "open")
    assert session.ask(JOIN_GROUP, groupid=4) == Group(4, "g", "d", ())
    session.ask(LOGOUT)
    assert session.user_id is None
    assert log_in(session).id == 1


def test_an_answer_that_is_not_waited_for_long(server: FakeServer, session: Session) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    with pytest.raises(NoAnswerError, match=r"within 0\.05 s"):
        session.ask(LOGIN, seconds=0.05, id=1, password="secret")


def test_members(server: FakeServer, session: Session) -> None:
    user = {"id": 2, "name": "bob", "state": "online", "role": "normal"}
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [
        ack(MsgType.MEMBERS_ACK, r, users=[user, "no object"])
    ]
    log_in(session)
    assert session.ask(MEMBERS, groupid=7) == ((Member(2, "bob", "online", "normal"),), False)


def test_history(server: FakeServer, session: Session) -> None:
    page = [one_chat(3, "a"), {**one_chat(4, "b", sender=1), "toid": 2}]
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=page, more=True)
    ]
    log_in(session)
    history = session.ask(HISTORY, groupid=7, before=3, limit=10)
    assert [(m.seq, m.text, m.sender_id, m.to_id) for m in history.messages] == [
        (3, "a", 2, 1),
        (4, "b", 1, 2),
    ]
    assert history.more
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["groupid"], request["before"], request["limit"]) == (7, 3, 10)
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_events_come_in_the_order_of_the_stream(server: FakeServer, client: Client) -> None:
    stored = [one_chat(3, "a")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    log_in(client.session)
    assert isinstance(client.next_event(), LoggedIn)
    assert isinstance(client.next_event(), ChatMessage)
    client.session.send_chat({"msgid": 6, "id": 1, "toid": 2, "msg": "hi", "mid": "m-1"})
    answer = client.next_event()
    assert isinstance(answer, ChatAnswer)
    assert (answer.mid, answer.errno, answer.seq) == ("m-1", 0, 1)
    server.send({"msgid": 28, "id": 2, "state": "online"})
    assert client.next_event() == Presence(2, "online")


def test_a_refusal_has_the_whole_answer(server: FakeServer, session: Session) -> None:
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, 10, errmsg="exists", friend={"id": 5})
    ]
    log_in(session)
    with pytest.raises(RefusedError) as caught:
        session.ask(ADD_FRIEND, friendid=5)
    assert caught.value.answer["friend"] == {"id": 5}


def test_refusals(server: FakeServer, session: Session) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 2, "in use")
    with pytest.raises(RefusedError, match="in use") as caught:
        log_in(session)
    assert caught.value.errno == 2
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.ERROR_MSG, 0, "odd")
    with pytest.raises(RefusedError, match="odd"):
        log_in(session)
    assert session.user_id is None
    with pytest.raises(NotLoggedInError):
        session.ask(ADD_FRIEND, friendid=3)


def test_a_login_that_is_answered_too_late_is_undone(server: FakeServer, hasty: Client) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    with pytest.raises(NoAnswerError):
        log_in(hasty.session)
    server.send(login_ack(server.expect(MsgType.LOGIN_MSG)))
    assert server.expect(MsgType.LOGINOUT_MSG)["id"] == 1
    assert hasty.events.empty()


def test_a_lost_connection_ends_a_wait(server: FakeServer, session: Session) -> None:
    def hang_up(request: object) -> list[dict[str, object]]:
        server.hang_up()
        return []

    server.rules[MsgType.LOGIN_MSG] = hang_up
    with pytest.raises(ConnectionLostError, match="closed by the server"):
        log_in(session)
    assert session.wait_closed(WAIT)
    with pytest.raises(ConnectionLostError):
        log_in(session)


def test_many_messages_are_acknowledged_in_several_frames(
    server: FakeServer, session: Session
) -> None:
    log_in(session)
    session.acknowledge(range(1, 1101))
    sizes = [len(server.expect(MsgType.DELIVERED_MSG)["seqs"]) for _ in range(3)]
    assert sizes == [500, 500, 100]


def test_acknowledging_on_a_lost_connection_does_not_fail(
    server: FakeServer, session: Session
) -> None:
    log_in(session)
    server.hang_up()
    assert session.wait_closed(WAIT)
    session.acknowledge([3])


def test_goodbye_comes_before_the_end(server: FakeServer, client: Client) -> None:
    server.send({"msgid": 32, "reason": "draining", "reconnect": True})
    server.hang_up()
    assert client.closed.wait(WAIT)
    assert client.next_event() == Goodbye("draining", True)
    assert client.session.closed_reason == "closed by the server"


def test_heartbeats(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, heartbeat=0.001)]
    timing = Timing(shortest_heartbeat=0.02, lost_after_beats=1000)
    with Client(server.port, timing).session as session:
        log_in(session)
        server.expect(MsgType.PING_MSG)
        server.expect(MsgType.PING_MSG)
        assert session.closed_reason is None


def test_a_silent_server_is_lost(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, heartbeat=0.001)]
    del server.rules[MsgType.PING_MSG]
    with Client(server.port, Timing(shortest_heartbeat=0.02)).session as session:
        log_in(session)
        assert session.wait_closed(WAIT)
        assert "silent" in str(session.closed_reason)


def test_two_threads_ask_at_once(server: FakeServer, session: Session) -> None:
    log_in(session)
    asked: list[dict[str, object]] = []

    def answer_both_in_reverse(request: dict[str, object]) -> list[dict[str, object]]:
        asked.append(request)
        if len(asked) < 2:
            return []
        return [
            ack(MsgType.ADD_FRIEND_ACK, r, friend={"id": r["friendid"]}) for r in reversed(asked)
        ]

    server.rules[MsgType.ADD_FRIEND_MSG] = answer_both_in_reverse
    added: dict[int, Friend] = {}

    def add(number: int) -> None:
        friend = session.ask(ADD_FRIEND, friendid=number)
        assert friend is not None
        added[number] = friend

    threads = [threading.Thread(target=partial(add, number)) for number in (5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert {number: friend.id for number, friend in added.items()} == {5: 5, 6: 6}
