from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from chat.protocol import MsgType
from client.errors import (
    ConnectionLostError,
    NoAnswerError,
    NotLoggedInError,
    RefusedError,
    TooLargeError,
)
from client.protocol import conversation as conversation_module
from client.protocol.connection import open_socket
from client.protocol.session import Session
from client.timing import Timing
from client.values import (
    ChatAnswer,
    ChatFailed,
    ChatMessage,
    Event,
    Friend,
    Goodbye,
    Group,
    LoggedIn,
    Member,
    Presence,
    Signal,
)
from tests.client.fake_server import WAIT, FakeServer, ack, login_ack, one_chat, refuse


class Client:
    """A Session, and a way to wait until it has something to deliver."""

    def __init__(self, port: int, timing: Timing | None = None) -> None:
        self._ready = threading.Semaphore(0)
        sock = open_socket("127.0.0.1", port, Timing())
        self.session = Session(sock, self._ready.release, timing)

    def next_events(self) -> list[Event]:
        """What is delivered when the session has said that it is ready."""
        assert self._ready.acquire(timeout=WAIT)
        events: list[Event] = []
        self.session.deliver(events.append)
        return events


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
    """One that waits for nothing long."""
    hurry = Timing(answer=0.05, chat_acks=0.05, shortest_heartbeat=0.02)
    client = Client(server.port, hurry)
    with client.session:
        yield client


def _texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ChatMessage)]


def test_requests_and_their_results(server: FakeServer, session: Session) -> None:
    assert session.register("alice", "secret") == 1
    assert session.login(1, "secret").name == "alice"
    assert session.account is not None
    assert session.add_friend(3) == Friend(3, "bob", "offline")
    assert session.create_group("g", "d") == 4
    assert session.join_group(4) == Group(4, "g", "d", ())
    session.logout()
    assert session.account is None
    assert session.login(1, "secret").id == 1


def test_a_login_by_token(server: FakeServer, session: Session) -> None:
    session.login(1, token="t", device="laptop")
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["token"], request["device"]) == ("t", "laptop")
    assert "password" not in request


def test_a_login_that_is_not_waited_for_long(server: FakeServer, session: Session) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    with pytest.raises(NoAnswerError, match=r"within 0\.05 s"):
        session.login(1, "secret", seconds=0.05)


def test_leaving_and_removing(server: FakeServer, session: Session) -> None:
    session.login(1, "secret")
    session.remove_friend(5)
    session.leave_group(7)
    session.remove_member(7, 5)
    session.dissolve_group(7)
    assert server.expect(MsgType.REMOVE_FRIEND_MSG)["friendid"] == 5
    assert server.expect(MsgType.LEAVE_GROUP_MSG)["groupid"] == 7
    request = server.expect(MsgType.REMOVE_MEMBER_MSG)
    assert (request["groupid"], request["userid"]) == (7, 5)
    request = server.expect(MsgType.DISSOLVE_GROUP_MSG)
    assert (request["groupid"], request["id"]) == (7, 1)


def test_members(server: FakeServer, session: Session) -> None:
    user = {"id": 2, "name": "bob", "state": "online", "role": "normal"}
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [
        ack(MsgType.MEMBERS_ACK, r, users=[user, "no object"])
    ]
    session.login(1, "secret")
    assert session.members(7) == (Member(2, "bob", "online", "normal"),)


def test_history(server: FakeServer, session: Session) -> None:
    page = [one_chat(3, "a"), {**one_chat(4, "b", sender=1), "toid": 2}]
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=page, more=True)
    ]
    session.login(1, "secret")
    history = session.history(2, in_group=False)
    assert [(m.seq, m.text, m.sender_id, m.to_id) for m in history.messages] == [
        (3, "a", 2, 1),
        (4, "b", 1, 2),
    ]
    assert history.more
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["with"], request["limit"], "before" in request) == (2, 50, False)
    session.history(7, in_group=True, before=3, limit=10)
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["groupid"], request["before"], request["limit"]) == (7, 3, 10)
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_signals_come_at_once_and_in_order(server: FakeServer) -> None:
    signals: queue.SimpleQueue[Signal] = queue.SimpleQueue()
    sock = open_socket("127.0.0.1", server.port, Timing())
    with Session(sock, lambda: None, on_signal=signals.put) as session:
        session.login(1, "secret")
        assert isinstance(signals.get(timeout=WAIT), LoggedIn)
        session.submit({"msgid": 6, "id": 1, "toid": 2, "msg": "hi", "mid": "m-1"})
        answer = signals.get(timeout=WAIT)
        assert isinstance(answer, ChatAnswer)
        assert (answer.mid, answer.errno, answer.seq) == ("m-1", 0, 1)
        server.send({"msgid": 28, "id": 2, "state": "online"})
        assert signals.get(timeout=WAIT) == Presence(2, "online")


def test_a_refusal_has_the_whole_answer(server: FakeServer, session: Session) -> None:
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, 10, errmsg="exists", friend={"id": 5})
    ]
    session.login(1, "secret")
    with pytest.raises(RefusedError) as caught:
        session.add_friend(5)
    assert caught.value.answer["friend"] == {"id": 5}


def test_refusals(server: FakeServer, session: Session) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 2, "in use")
    with pytest.raises(RefusedError, match="in use") as caught:
        session.login(1, "secret")
    assert caught.value.errno == 2
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.ERROR_MSG, 0, "odd")
    with pytest.raises(RefusedError, match="odd"):
        session.login(1, "secret")
    assert session.account is None
    with pytest.raises(NotLoggedInError):
        session.add_friend(3)


def test_no_answer(server: FakeServer, hasty: Client) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    with pytest.raises(NoAnswerError):
        hasty.session.login(1, "secret")
    server.send(login_ack(server.expect(MsgType.LOGIN_MSG)))
    assert server.expect(MsgType.LOGINOUT_MSG)["id"] == 1


def test_connection_lost_ends_a_wait(server: FakeServer, session: Session) -> None:
    def hang_up(request: object) -> list[dict[str, object]]:
        server.hang_up()
        return []

    server.rules[MsgType.LOGIN_MSG] = hang_up
    with pytest.raises(ConnectionLostError, match="closed by the server"):
        session.login(1, "secret")
    assert session.wait_closed(WAIT)
    with pytest.raises(ConnectionLostError):
        session.login(1, "secret")


def test_messages_are_acknowledged_when_they_were_shown(server: FakeServer, client: Client) -> None:
    stored = [one_chat(3, "a"), one_chat(4, "b")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client.session.login(1, "secret")
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)
    assert _texts(client.next_events()) == ["a", "b"]
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3, 4]
    server.send(one_chat(3, "a"))
    assert client.next_events() == []
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]


def test_what_could_not_be_shown_is_not_acknowledged(server: FakeServer, client: Client) -> None:
    stored = [one_chat(seq, str(seq)) for seq in (3, 4, 5)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client.session.login(1, "secret")

    def show(event: Event) -> None:
        if isinstance(event, ChatMessage) and event.seq == 4:
            raise OSError

    with pytest.raises(OSError):
        client.session.deliver(show)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]


def test_many_messages_are_acknowledged_in_several_frames(
    server: FakeServer, client: Client
) -> None:
    stored = [one_chat(seq, "x") for seq in range(1, 1101)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client.session.login(1, "secret")
    assert len(client.next_events()) == 1100
    sizes = [len(server.expect(MsgType.DELIVERED_MSG)["seqs"]) for _ in range(3)]
    assert sizes == [500, 500, 100]


def test_chats_do_not_wait_but_can_be_waited_for(server: FakeServer, client: Client) -> None:
    del server.rules[MsgType.ONE_CHAT_MSG]
    server.rules[MsgType.GROUP_CHAT_MSG] = lambda r: [
        {"msgid": 20, "mid": first["mid"], "errno": 5, "errmsg": "no such user"},
        {"msgid": 20, "mid": r["mid"], "errno": 0},
    ]
    client.session.login(1, "secret")
    client.session.chat(5, "hi")
    first = server.expect(MsgType.ONE_CHAT_MSG)
    assert len(first["mid"]) == 32
    assert "rid" not in first
    client.session.group_chat(7, "hi")
    client.session.settle_chats()
    assert client.next_events() == [ChatFailed(5, False, "no such user")]


def test_unconfirmed_chats_become_failures(server: FakeServer, hasty: Client) -> None:
    del server.rules[MsgType.ONE_CHAT_MSG]
    hasty.session.login(1, "secret")
    hasty.session.chat(5, "hi")
    hasty.session.settle_chats()
    events: list[Event] = []
    hasty.session.deliver(events.append)
    assert events == [ChatFailed(5, False, "not confirmed by the server")]


def test_a_chat_that_is_too_long_is_not_awaited(server: FakeServer, session: Session) -> None:
    session.login(1, "secret")
    with pytest.raises(TooLargeError):
        session.chat(5, "x" * 70_000)
    session.settle_chats()
    session.deliver(lambda event: pytest.fail(repr(event)))


def test_goodbye_comes_before_the_end(server: FakeServer, client: Client) -> None:
    server.send({"msgid": 32, "reason": "draining", "reconnect": True})
    server.hang_up()
    assert client.session.wait_closed(WAIT)
    assert client.next_events() == [Goodbye("draining", True)]
    assert client.session.closed_reason == "closed by the server"


def test_heartbeats(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, heartbeat=0.001)]
    timing = Timing(shortest_heartbeat=0.02, lost_after_beats=1000)
    with Client(server.port, timing).session as session:
        session.login(1, "secret")
        server.expect(MsgType.PING_MSG)
        server.expect(MsgType.PING_MSG)
        assert session.closed_reason is None


def test_a_silent_server_is_lost(server: FakeServer, hasty: Client) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, heartbeat=0.001)]
    del server.rules[MsgType.PING_MSG]
    hasty.session.login(1, "secret")
    assert hasty.session.wait_closed(WAIT)
    assert "silent" in str(hasty.session.closed_reason)


def test_a_flood_that_nobody_takes_ends_the_connection(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_module, "INBOX_LIMIT", 10)
    server.send(*(one_chat(None, "x") for _ in range(12)))
    assert client.session.wait_closed(WAIT)
    assert client.session.closed_reason == "more messages than this client can show"


def test_two_threads_ask_at_once(server: FakeServer, session: Session) -> None:
    session.login(1, "secret")
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
    threads = [
        threading.Thread(target=lambda n=n: added.update({n: session.add_friend(n)}))
        for n in (5, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert {n: friend.id for n, friend in added.items()} == {5: 5, 6: 6}
