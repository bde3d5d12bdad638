"""ChatClient against a scripted server; tests/e2e/test_client_library.py has a real one."""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, ChatMessage, ClientError, ConnectError, State, Status, Timing
from client.account.event_taker import EventTaker
from client.account.saved_accounts import saved_accounts
from client.account.store import Store
from client.errors import (
    ClosedError,
    ConnectionLostError,
    LoggedInError,
    NoAnswerError,
    NotConfirmedError,
    NotLoggedInError,
    RefusedError,
    ReplacedError,
    StoreError,
    TooLargeError,
    TooManyDevicesError,
)
from client.protocol.events import Event
from client.protocol.tls import make_context
from client.values import (
    Announcement,
    Ban,
    Conversation,
    ConversationPage,
    Device,
    DeviceNotice,
    Friend,
    FriendNotice,
    FriendRequest,
    Group,
    GroupNotice,
    Invitation,
    Member,
    MuteNotice,
    Presence,
    ReadNotice,
    TypingNotice,
    User,
)
from tests.client.fake_server import (
    WAIT,
    FakeServer,
    Rule,
    ack,
    group_chat,
    login_ack,
    one_chat,
    refuse,
)
from tests.client.tlskit import PEM, TlsRelay

QUICK = Timing(
    connect=WAIT,
    answer=WAIT,
    login=WAIT,
    patience=2 * WAIT,
    chat_acks=WAIT,
    first_backoff=0.01,
    longest_backoff=0.02,
    retry=0.01,
)

Make = Callable[..., ChatClient]


class States:
    """The calls of ``on_state``, and a way to wait for one."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Status] = queue.SimpleQueue()

    def __call__(self, status: Status) -> None:
        self.queue.put(status)

    def wait_for(self, state: State) -> Status:
        while True:
            status = self.queue.get(timeout=WAIT)
            if status.state is state:
                return status


@pytest.fixture
def make(server: FakeServer) -> Iterator[Make]:
    """Makes connected clients; each is closed at the end."""
    clients: list[ChatClient] = []

    def make(**options: Any) -> ChatClient:
        client = ChatClient("127.0.0.1", server.port, **{"timing": QUICK, **options})
        clients.append(client)
        client.connect()
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make: Make) -> ChatClient:
    """One that is logged in as user 1."""
    client = make()
    client.login(1, "secret")
    return client


def times(rules: list[Rule], then: Rule) -> Rule:
    """One rule after the other, and the last one from then on."""
    left = list(rules)
    return lambda request: (left.pop(0) if left else then)(request)


def silence(request: Message) -> list[Message]:
    return []


def chat_ack(request: Message, errno: int = 0, **fields: Any) -> list[Message]:
    return [ack(MsgType.CHAT_ACK, request, errno, mid=request["mid"], **fields)]


# ---------------------------------------------------------------------- connecting


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


# ---------------------------------------------------------------------- logging in


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


# ---------------------------------------------------------------------- names, services, epochs


def answers_login(**fields: Any) -> Rule:
    return lambda request: [login_ack(request, **fields)]


def test_a_login_by_name(server: FakeServer, make: Make, tmp_path: Path) -> None:
    client = make(folder=tmp_path)
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=7, token="tt")
    future = client.login_soon("li si", "secret")
    assert client.user_id in (None, 7)
    sending = client.send(5, "written before the number is known")
    assert future.result(WAIT).id == 7
    request = server.expect(MsgType.LOGIN_MSG)
    assert request["name"] == "li si"
    assert "id" not in request
    assert sending.result(WAIT).seq == 1
    assert server.expect(MsgType.ONE_CHAT_MSG)["id"] == 7
    assert (client.user_id, client.name) == (7, "li si")
    assert [a.user_id for a in saved_accounts(tmp_path, "127.0.0.1", server.port)] == [7]
    client.close()
    again = make(folder=tmp_path)
    again.login("li si")
    token_login = server.expect(MsgType.LOGIN_MSG)
    assert (token_login["id"], token_login["token"]) == (7, "tt")
    assert token_login["device"] == request["device"]


def test_a_name_without_a_saved_login(server: FakeServer, make: Make, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no saved login"):
        make(folder=tmp_path).login("li si")


def test_a_name_that_another_user_has_now(server: FakeServer, make: Make, tmp_path: Path) -> None:
    """User 7 was li si and is zhang san now; user 8 is li si."""
    client = make(folder=tmp_path, timing=replace(QUICK, chat_acks=0.01))
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=7)
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client.login("li si", "secret")
    client.send(5, "of user 7")
    server.expect(MsgType.ONE_CHAT_MSG)
    client.close()
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=8)
    server.rules[MsgType.ONE_CHAT_MSG] = chat_ack
    again = make(folder=tmp_path)
    assert again.login("li si", "secret").id == 8
    assert again.outbox == ()
    sent = again.send(5, "of user 8")
    sent.result(WAIT)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "of user 8"
    again.logout()
    server.rules[MsgType.LOGIN_MSG] = answers_login(id=7, name="zhang san")
    again.login(7)
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "of user 7"


def test_two_programs_with_one_name(server: FakeServer, make: Make, tmp_path: Path) -> None:
    with Store(tmp_path, "127.0.0.1", server.port, 1):
        client = make(folder=tmp_path)
        with pytest.raises(StoreError, match="another"):
            client.login("li si", "secret")
    client.login("li si", "secret")
    assert client.user_id == 1


def test_a_server_that_takes_no_names(server: FakeServer, make: Make) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 4, "id: is missing")
    with pytest.raises(RefusedError, match="sign in with the number"):
        make().login("li si", "secret")


def test_two_addresses_of_one_service(server: FakeServer, make: Make, tmp_path: Path) -> None:
    server.rules[MsgType.LOGIN_MSG] = answers_login(service="s" * 32, epoch="e" * 32)
    client = make(folder=tmp_path)
    account = client.login(1, "secret")
    assert (account.service, account.epoch) == ("s" * 32, "e" * 32)
    server.send(one_chat(5, "hi"))
    assert [m.text for m in client.messages(timeout=0.2)] == ["hi"]
    client.remember("rooms.json", {"a": 1})
    client.close()
    other = ChatClient("localhost", server.port, timing=QUICK, folder=tmp_path)
    with other:
        with pytest.raises(RefusedError, match="no saved login"):
            other.login(1)
        other.login(1, "secret")
        assert other.recall("rooms.json") == {"a": 1}
        server.send(one_chat(5, "hi"), one_chat(6, "new"))
        assert [m.text for m in other.messages(timeout=0.2)] == ["new"]
    assert [path.name for path in (tmp_path / "services").iterdir()] == ["s" * 32]


def test_a_new_epoch(server: FakeServer, make: Make, tmp_path: Path) -> None:
    """The operator has restored a backup: the same number is another message's."""
    states = States()
    server.rules[MsgType.LOGIN_MSG] = answers_login(epoch="e" * 32)
    client = make(folder=tmp_path, on_state=states)
    client.login(1, "secret")
    server.send(one_chat(5, "hi"))
    assert [m.text for m in client.messages(timeout=0.2)] == ["hi"]
    states.wait_for(State.ONLINE)
    for epoch, shown in (("e" * 32, []), ("f" * 32, ["hi"]), ("f" * 32, [])):
        server.rules[MsgType.LOGIN_MSG] = answers_login(epoch=epoch)
        server.hang_up()
        states.wait_for(State.ONLINE)
        server.send(one_chat(5, "hi"))
        assert [m.text for m in client.messages(timeout=0.2)] == shown, epoch


def test_the_name_of_a_user(server: FakeServer, make: Make) -> None:
    friends = [{"id": 2, "name": "bob", "state": "online"}]
    server.rules[MsgType.LOGIN_MSG] = answers_login(friends=friends)
    client = make()
    assert client.known_name(2) == ""
    client.login(1, "secret")
    assert client.name_of(2) == client.known_name(2) == "bob"
    assert client.known_name(9) == ""
    assert client.name_of(9) == client.known_name(9) == "name 9"
    assert server.expect(MsgType.USER_MSG)["ids"] == [9]
    assert client.user_names([3, 4, 3]) == {3: "name 3", 4: "name 4"}
    server.send(one_chat(1, "hi", sender=9, name="new name"))
    next(client.messages(WAIT))
    assert client.name_of(9) == "new name"
    server.rules[MsgType.USER_MSG] = refuse(MsgType.ERROR_MSG, 4, "msgid: is missing or unknown")
    assert client.name_of(10) == "", "a server of version 0.2.0"


def test_users_by_name(server: FakeServer, client: ChatClient) -> None:
    assert client.find_user("Bob") == User(2, "bob")
    assert client.find_users("b") == (User(2, "bob"),)
    assert client.add_friend("bob") == Friend(2, "bob", "offline")
    assert server.expect(MsgType.ADD_FRIEND_MSG)["friendname"] == "bob"
    client.send_to("bob", "hi").result(WAIT)
    assert server.expect(MsgType.ONE_CHAT_MSG)["toid"] == 2
    server.rules[MsgType.FIND_USER_MSG] = refuse(MsgType.FIND_USER_ACK, 5, "no such user")
    assert client.find_user("eve") is None
    with pytest.raises(RefusedError, match="no such user"):
        client.send_to("eve", "hi")


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


# ---------------------------------------------------------------------- logging out


def test_logout(server: FakeServer, make: Make, tmp_path: Path) -> None:
    client = make(folder=tmp_path)
    client.login(1, "secret")
    assert [a.user_id for a in saved_accounts(tmp_path, "127.0.0.1", server.port)] == [1]
    client.send(5, "first")
    client.logout()
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "first"
    assert server.expect(MsgType.LOGINOUT_MSG)["id"] == 1
    assert saved_accounts(tmp_path, "127.0.0.1", server.port) == []
    assert client.account is None
    with pytest.raises(NotLoggedInError):
        client.logout()
    with pytest.raises(RefusedError, match="a password is needed"):
        client.login(1)
    assert client.login(2, "secret").id == 2


def test_logout_acknowledges_first(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    assert next(client.messages()).text == "a"
    client.logout()
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    server.expect(MsgType.LOGINOUT_MSG)


def test_a_logout_that_the_server_does_not_hear_counts_here(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    def hang_up(request: Message) -> list[Message]:
        server.hang_up()
        return []

    client = make(folder=tmp_path)
    client.login(1, "secret")
    server.rules[MsgType.LOGINOUT_MSG] = hang_up
    with pytest.raises(ConnectionLostError):
        client.logout()
    assert client.account is None
    assert saved_accounts(tmp_path, "127.0.0.1", server.port) == []


def test_a_logout_while_reconnecting(server: FakeServer, tmp_path: Path) -> None:
    states = States()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = ChatClient("127.0.0.1", port, folder=tmp_path, on_state=states, timing=QUICK)
    client.start()
    future = client.login_soon(1, "secret")
    states.wait_for(State.WAITING)
    with pytest.raises(ConnectionLostError, match="not connected"):
        client.logout()
    with pytest.raises(NotLoggedInError):
        future.result(WAIT)
    client.close()


def test_the_next_login_after_a_logout_uses_the_same_connection(
    server: FakeServer, make: Make
) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    states.wait_for(State.ONLINE)
    client.logout()
    states.wait_for(State.CONNECTED)
    assert client.login(2, "secret").id == 2
    assert states.queue.get(timeout=WAIT).state is State.LOGGING_IN
    assert states.queue.get(timeout=WAIT).state is State.ONLINE
    client.remove_friend(5)
    assert server.expect(MsgType.REMOVE_FRIEND_MSG)["id"] == 2


def test_a_logout_that_is_not_answered_in_time(server: FakeServer, client: ChatClient) -> None:
    del server.rules[MsgType.LOGINOUT_MSG]
    with pytest.raises(NoAnswerError, match=r"within 0\.05 s"):
        client.logout(timeout=0.05)
    assert client.account is None


# ---------------------------------------------------------------------- one connection only


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


# ---------------------------------------------------------------------- sending


def test_messages_and_receipts(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=7, time="2024-01-02 03:04:05")
    sending = client.send(5, "hi: 你好")
    receipt = sending.result(WAIT)
    assert (receipt.mid, receipt.seq) == (sending.mid, 7)
    assert receipt.time == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    request = server.expect(MsgType.ONE_CHAT_MSG)
    assert (request["toid"], request["msg"], request["mid"]) == (5, "hi: 你好", sending.mid)
    assert client.send_group(7, "all").result(WAIT).seq == 1
    assert server.expect(MsgType.GROUP_CHAT_MSG)["groupid"] == 7
    assert client.outbox == ()
    assert not sending.cancel()


def test_a_message_that_is_refused(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, 5, errmsg="no such user")
    with pytest.raises(RefusedError, match="no such user") as caught:
        client.send(99, "hi").result(WAIT)
    assert caught.value.errno == 5


def test_duplicate_acks_are_one(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=7) * 3 + chat_ack(r, 5)
    assert client.send(5, "a").result(WAIT).seq == 7
    assert client.send(5, "b").result(WAIT).seq == 7
    assert client.state is State.ONLINE


def test_messages_wait_for_a_connection(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    del server.rules[MsgType.LOGIN_MSG]
    server.hang_up()
    states.wait_for(State.LOGGING_IN)
    sendings = [client.send(5, str(number)) for number in range(5)]
    assert client.outbox == tuple(sendings)
    assert not client.flush(0.01)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    server.hang_up()
    assert client.flush(WAIT)
    sent = [server.expect(MsgType.ONE_CHAT_MSG) for _ in range(5)]
    assert [m["mid"] for m in sent] == [s.mid for s in sendings]


def test_unacked_messages_are_sent_again_in_order_with_their_mids(
    server: FakeServer, client: ChatClient
) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    sendings = [client.send(5, str(number)) for number in range(3)]
    first = [server.expect(MsgType.ONE_CHAT_MSG)["mid"] for _ in range(3)]
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=1)
    server.hang_up()
    assert client.flush(WAIT)
    second = [server.expect(MsgType.ONE_CHAT_MSG)["mid"] for _ in range(3)]
    assert first == second == [s.mid for s in sendings]


@pytest.mark.parametrize("errno", [6, 8])
def test_not_now_means_again_from_there_on(
    server: FakeServer, client: ChatClient, errno: int
) -> None:
    refused: list[str] = []
    stored: list[str] = []

    def serve(request: Message) -> list[Message]:
        text = request["msg"]
        if text in ("1", "2", "3") and text not in refused:
            refused.append(text)
            return chat_ack(request, errno, errmsg="later")
        stored.append(text)
        return chat_ack(request, seq=len(stored))

    server.rules[MsgType.ONE_CHAT_MSG] = serve
    sendings = [client.send(5, str(number)) for number in range(5)]
    for sending in sendings:
        sending.result(WAIT)
    assert refused == ["1", "2", "3"]
    assert [text for text in dict.fromkeys(stored) if text in refused] == refused
    assert client.outbox == ()


def test_errno_3_to_a_message_means_that_the_session_is_gone(
    server: FakeServer, make: Make
) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, 3, errmsg="not logged in")
    sending = client.send(5, "hi")
    assert isinstance(states.wait_for(State.STOPPED).error, ReplacedError)
    assert not sending.done()
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=4)
    client.reconnect()
    assert sending.result(WAIT).seq == 4


def test_closing_waits_for_acks(server: FakeServer, make: Make) -> None:
    held: list[Message] = []

    def hold(request: Message) -> list[Message]:
        held.append(request)
        return []

    server.rules[MsgType.ONE_CHAT_MSG] = hold
    client = make()
    client.login(1, "secret")
    sending = client.send(5, "hi")
    server.expect(MsgType.ONE_CHAT_MSG)
    closing = threading.Thread(target=client.close)
    closing.start()
    server.send(*chat_ack(held[0], seq=4))
    closing.join(WAIT)
    assert sending.result(0).seq == 4


def test_an_unconfirmed_message_when_the_client_closes(server: FakeServer, make: Make) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(timing=Timing(chat_acks=0.05))
    client.login(1, "secret")
    sending = client.send(5, "hi")
    client.close()
    with pytest.raises(NotConfirmedError, match=r"^not confirmed by the server$"):
        sending.result(0)


def test_a_restart_with_the_same_folder(server: FakeServer, make: Make, tmp_path: Path) -> None:
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(folder=tmp_path, timing=Timing(chat_acks=0.05))
    client.login(1, "secret")
    sending = client.send(5, "hi")
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    client.close()
    with pytest.raises(NotConfirmedError, match="stays in the outbox"):
        sending.result(0)
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(r, seq=9)
    again = make(folder=tmp_path)
    outbox_was_read = threading.Event()

    def late_login(request: Message) -> list[Message]:
        assert outbox_was_read.wait(WAIT)
        return [login_ack(request)]

    server.rules[MsgType.LOGIN_MSG] = late_login
    future = again.login_soon(1)
    (restored,) = again.outbox
    outbox_was_read.set()
    assert (restored.mid, restored.text, restored.created) == (sent["mid"], "hi", sending.created)
    future.result(WAIT)
    assert restored.result(WAIT).seq == 9
    assert server.expect(MsgType.LOGIN_MSG)["token"] == "t"
    again.close()
    last = make(folder=tmp_path)
    last.login(1)
    assert last.outbox == ()


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


def test_many_threads_write(server: FakeServer, client: ChatClient) -> None:
    def write(number: int) -> None:
        for count in range(50):
            client.send(number, str(count))

    threads = [threading.Thread(target=write, args=(number,)) for number in (5, 6, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert client.flush(WAIT)
    texts: dict[int, list[str]] = {5: [], 6: [], 7: []}
    for _ in range(150):
        message = server.expect(MsgType.ONE_CHAT_MSG)
        texts[message["toid"]].append(message["msg"])
    assert all(found == [str(count) for count in range(50)] for found in texts.values())


# ---------------------------------------------------------------------- receiving


def test_the_iterator_acknowledges_when_the_next_is_asked_for(
    server: FakeServer, make: Make
) -> None:
    stored = [one_chat(3, "a"), group_chat(4, "b"), one_chat(None, "c")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client = make()
    client.login(1, "secret")
    messages = client.messages()
    assert next(messages).text == "a"
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)
    second = next(messages)
    assert (second.text, second.group_id, second.to_id) == ("b", 7, 1)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert next(messages).text == "c"
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [4]
    client.close()
    assert list(messages) == []
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_a_loop_that_ends_well_has_taken_care_of_its_last_message(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]
    with ChatClient("127.0.0.1", server.port, timing=QUICK) as client:
        client.login(1, "secret")
        for message in client.messages():
            assert message.text == "a"
            break
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]


def test_a_loop_that_fails_has_not(server: FakeServer) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]

    def run() -> None:
        with ChatClient("127.0.0.1", server.port, timing=QUICK) as client:
            client.login(1, "secret")
            for _ in client.messages():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_a_loop_ends_after_a_silence(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    assert [message.text for message in client.messages(timeout=0.2)] == ["a"]


def test_a_loop_ends_when_another_thread_closes(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    messages = client.messages()
    assert next(messages).text == "a"
    threading.Timer(0.02, client.close).start()
    assert list(messages) == []


def own_chat(seq: int, msg: str, to: int) -> Message:
    """A message that user 1 has sent from another device."""
    return {**one_chat(seq, msg, sender=1, name="alice"), "toid": to}


def test_messages_from_another_device_of_the_account(server: FakeServer, make: Make) -> None:
    waiting = [own_chat(1, "from the phone", 2)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=waiting)]
    past = [own_chat(1, "from the phone", 2), one_chat(2, "hi")]
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=past, more=False)
    ]
    server.rules[MsgType.SEARCH_MSG] = lambda r: [ack(MsgType.SEARCH_ACK, r, messages=past)]
    client = make()
    client.login(1, "secret")
    server.send({**group_chat(3, "to all"), "id": 1}, one_chat(4, "hi"))
    first, second, third = (next(client.messages(WAIT)) for _ in range(3))
    assert (first.mine, first.other_id, first.text) == (True, 2, "from the phone")
    assert (second.mine, second.other_id, second.group_id) == (True, 0, 7)
    assert (third.mine, third.other_id) == (False, 2)
    assert [one.mine for one in client.history(user_id=2).messages] == [True, False]
    assert [hit.message.mine for hit in client.search_page("h").hits] == [True, False]
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"][0] == 1


def test_a_copy_and_the_answer_to_a_repetition_are_one_message(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    """The server was killed after the commit: no answer came, and the client sends again."""
    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(folder=tmp_path, timing=replace(QUICK, chat_acks=0.01))
    client.login(1, "secret")
    client.send(2, "hello")
    client.send(2, "again")
    server.expect(MsgType.ONE_CHAT_MSG)
    client.close()
    waiting = [own_chat(5, "hello", 2), own_chat(6, "again", 2)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=waiting)]
    answers = {"hello": 5, "again": 7}  # another device has said "again", too
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: chat_ack(
        r, seq=answers[r["msg"]], time="2024-01-02 03:04:05"
    )
    again = make(folder=tmp_path)
    again.login(1)
    assert again.flush(WAIT)
    assert [message.seq for message in again.messages(0)] == [6]
    acknowledged = server.expect(MsgType.DELIVERED_MSG)["seqs"]
    while len(acknowledged) < 2:
        acknowledged += server.expect(MsgType.DELIVERED_MSG)["seqs"]
    assert sorted(acknowledged) == [5, 6]


# ---------------------------------------------------------------------- devices

DEVICES = [
    {"deviceid": 0, "label": "", "first": "then", "last": "now", "online": False, "this": False},
    {"deviceid": 4, "label": "chat@laptop", "first": "then", "last": "now", "online": True,
     "this": True},
]  # fmt: skip
UNNAMED = Device(0, "", "then", "now", False, False)
LAPTOP = Device(4, "chat@laptop", "then", "now", True, True)


@pytest.mark.parametrize("options", [{"folder": True}, {"device": "laptop"}, {"devices": True}])
def test_a_device_with_a_mailbox_of_its_own(
    server: FakeServer, make: Make, tmp_path: Path, options: dict[str, Any]
) -> None:
    if "folder" in options:
        options = {"folder": tmp_path}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, devices=True, deviceid=4)]
    client = make(**options, label="my laptop")
    assert client.login(1, "secret").device_id == 4
    login = server.expect(MsgType.LOGIN_MSG)
    assert login["devices"] is True
    assert login["label"] == "my laptop"
    client.logout()
    client.login(1, "secret")
    assert server.expect(MsgType.LOGIN_MSG)["device"] == login["device"]


@pytest.mark.parametrize("options", [{}, {"device": "laptop", "devices": False}])
def test_a_client_without_a_mailbox_of_its_own(
    server: FakeServer, make: Make, options: dict[str, Any]
) -> None:
    client = make(**options)
    assert client.login(1, "secret").device_id == 0
    login = server.expect(MsgType.LOGIN_MSG)
    assert "devices" not in login
    assert "label" not in login


def test_a_label_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="64"):
        ChatClient("127.0.0.1", 1, label="x" * 65)


def test_the_devices_of_the_user(server: FakeServer, make: Make) -> None:
    notices: queue.SimpleQueue[DeviceNotice] = queue.SimpleQueue()
    server.rules[MsgType.DEVICES_MSG] = lambda r: [ack(MsgType.DEVICES_ACK, r, devices=DEVICES)]
    server.rules[MsgType.END_DEVICE_MSG] = lambda r: [ack(MsgType.END_DEVICE_ACK, r)]
    client = make(device="laptop", on_device_notice=notices.put)
    client.login(1, "secret")
    assert client.devices() == (UNNAMED, LAPTOP)
    client.end_device(0)
    assert server.expect(MsgType.END_DEVICE_MSG)["deviceid"] == 0
    server.send({"msgid": 95, "event": "new", "deviceid": 5, "label": "phone", "first": "now"})
    assert notices.get(timeout=WAIT) == DeviceNotice("new", 5, "phone", "now")
    server.send({"msgid": 95, "event": "ended", "deviceid": 5})
    assert notices.get(timeout=WAIT) == DeviceNotice("ended", 5)
    for wrong in (-1, "4", True, None):
        with pytest.raises(ValueError, match="integer"):
            client.end_device(wrong)  # type: ignore[arg-type]


def test_too_many_devices(server: FakeServer, make: Make) -> None:
    """Another device is ended. The answer to that is lost; then the device does not exist."""

    def too_many(request: Message) -> list[Message]:
        if "end_device" not in request:
            text = "you have too many devices: end one of them"
            return [ack(MsgType.LOGIN_MSG_ACK, request, 13, errmsg=text, devices=DEVICES)]
        return []

    no_device = refuse(MsgType.LOGIN_MSG_ACK, 5, "you have no such device")
    server.rules[MsgType.LOGIN_MSG] = times(
        [too_many, too_many, no_device], lambda r: [login_ack(r)]
    )
    client = make(device="laptop", timing=replace(QUICK, login=0.2))
    with pytest.raises(TooManyDevicesError, match="too many devices") as caught:
        client.login(1, "secret")
    assert caught.value.devices == (UNNAMED, LAPTOP)
    assert caught.value.errno == 13
    client.login(1, "secret", end_device=4)
    ended = [server.expect(MsgType.LOGIN_MSG).get("end_device") for _ in range(4)]
    assert ended == [None, 4, 4, None]


def test_a_device_that_was_ended(server: FakeServer, make: Make, tmp_path: Path) -> None:
    states = States()
    client = make(folder=tmp_path, on_state=states)
    client.login(1, "secret")
    assert saved_accounts(tmp_path, "127.0.0.1", server.port)
    server.send({"msgid": 32, "reason": "ended", "reconnect": False})
    server.hang_up()
    error = states.wait_for(State.STOPPED).error
    assert isinstance(error, ReplacedError)
    assert str(error) == "this device was signed out: log in with the password"
    assert not saved_accounts(tmp_path, "127.0.0.1", server.port)
    client.login(1, "secret")
    assert client.state is State.ONLINE


def test_a_message_that_comes_again_is_shown_once(server: FakeServer, client: ChatClient) -> None:
    server.send(one_chat(3, "a"))
    messages = client.messages()
    assert next(messages).text == "a"
    stored = [one_chat(3, "a"), one_chat(4, "b")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    server.hang_up()  # the first is in hand
    assert next(messages).text == "b"
    assert set(server.expect(MsgType.DELIVERED_MSG)["seqs"]) == {3}
    server.hang_up()  # it was seen: it is only acknowledged again
    assert 3 in server.expect(MsgType.DELIVERED_MSG)["seqs"]


def test_seen_messages_are_not_shown_after_a_restart(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    stored = [one_chat(3, "a"), one_chat(4, "b")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client = make(folder=tmp_path)
    client.login(1, "secret")
    messages = client.messages()
    assert [next(messages).text, next(messages).text] == ["a", "b"]
    client.close()  # "b" is still in hand
    again = make(folder=tmp_path)
    again.login(1)
    assert [message.text for message in again.messages(timeout=0.2)] == ["b"]


def test_callbacks_in_order_acknowledged_one_by_one(server: FakeServer, make: Make) -> None:
    got: queue.SimpleQueue[tuple[ChatMessage, int]] = queue.SimpleQueue()
    go_on = threading.Semaphore(0)

    def on_message(message: ChatMessage) -> None:
        got.put((message, threading.get_ident()))
        assert go_on.acquire(timeout=WAIT)

    stored = [one_chat(seq, str(seq)) for seq in (3, 4)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=stored)]
    client = make(on_message=on_message)
    client.login(1, "secret")
    with pytest.raises(ValueError, match="on_message takes"):
        client.messages()
    first, thread = got.get(timeout=WAIT)
    assert first.text == "3"
    assert thread != threading.get_ident()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)
    go_on.release()
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert got.get(timeout=WAIT)[0].text == "4"
    go_on.release()
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [4]


def test_a_callback_that_raises(
    server: FakeServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def on_message(message: ChatMessage) -> None:
        raise ZeroDivisionError

    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]
    with caplog.at_level(logging.ERROR):
        client = make(on_message=on_message)
        client.login(1, "secret")
        assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_that_cannot_take_any_more(server: FakeServer, make: Make) -> None:
    refused = threading.Event()

    def on_message(message: ChatMessage) -> None:
        refused.set()
        raise ClosedError

    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, offlinemsg=[one_chat(3, "a")])]
    client = make(on_message=on_message)
    client.login(1, "secret")
    assert refused.wait(WAIT)
    client.close()
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_a_callback_may_ask_and_send_and_wait(server: FakeServer, make: Make) -> None:
    done = threading.Event()

    client: ChatClient

    def on_message(message: ChatMessage) -> None:
        client.add_friend(message.sender_id)
        assert client.send(message.sender_id, "thanks").result(WAIT).seq == 1
        done.set()

    client = make(on_message=on_message)
    client.login(1, "secret")
    server.send(one_chat(3, "a"))
    assert done.wait(WAIT)


def test_a_callback_may_close(server: FakeServer, make: Make) -> None:
    closed = threading.Event()

    client: ChatClient

    def on_message(message: ChatMessage) -> None:
        client.close()
        closed.set()

    client = make(on_message=on_message)
    client.login(1, "secret")
    server.send(one_chat(3, "a"), one_chat(4, "b"))
    assert closed.wait(WAIT)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    server.wait_disconnected()
    assert server.received_nothing_more(MsgType.DELIVERED_MSG)


def test_closing_waits_for_the_callback_that_runs(
    server: FakeServer, make: Make, tmp_path: Path
) -> None:
    running, go_on = threading.Event(), threading.Event()

    def on_message(message: ChatMessage) -> None:
        running.set()
        assert go_on.wait(WAIT)

    client = make(on_message=on_message, folder=tmp_path)
    client.login(1, "secret")
    server.send(one_chat(3, "a"), one_chat(4, "b"))
    assert running.wait(WAIT)
    closing = threading.Thread(target=client.close)
    closing.start()
    go_on.set()
    closing.join(WAIT)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    again = make(folder=tmp_path)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, offlinemsg=[one_chat(3, "a"), one_chat(4, "b")])
    ]
    again.login(1)
    assert next(again.messages()).text == "b"


def test_a_callback_that_waits_for_an_ack_does_not_hold_up_closing(
    server: FakeServer, make: Make
) -> None:
    waiting, failed = threading.Event(), threading.Event()

    client: ChatClient

    def on_message(message: ChatMessage) -> None:
        sending = client.send(5, "hi")
        waiting.set()
        with pytest.raises(NotConfirmedError):
            sending.result(WAIT)
        failed.set()

    server.rules[MsgType.ONE_CHAT_MSG] = silence
    client = make(on_message=on_message, timing=Timing(chat_acks=0.05, goodbye=0.05))
    client.login(1, "secret")
    server.send(one_chat(3, "a"))
    assert waiting.wait(WAIT)
    client.close()
    assert failed.wait(WAIT)


def test_more_than_an_application_takes(
    server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.account.inbox.QUEUE_LIMIT", 10)
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    server.send(*(one_chat(None, "x") for _ in range(20)))
    lost = states.wait_for(State.WAITING)
    assert "more messages than the application takes" in str(lost.error)
    client.close()


# ---------------------------------------------------------------------- friends and groups


def test_presence(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[Presence] = queue.SimpleQueue()
    friends = [{"id": 2, "name": "bob", "state": "offline"}]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=friends)]
    client = make(on_presence=came.put)
    client.login(1, "secret")
    server.send({"msgid": 28, "id": 2, "state": "online"})
    assert came.get(timeout=WAIT) == Presence(2, "online")
    assert client.account is not None
    assert client.account.friends == (Friend(2, "bob", "online"),)


def test_an_announcement(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[Announcement] = queue.SimpleQueue()
    client = make(on_announcement=came.put)
    client.login(1, "secret")
    server.send({"msgid": 89, "msg": "maintenance", "time": "2026-11-24 12:00:00"})
    assert came.get(timeout=WAIT) == Announcement("maintenance", "2026-11-24 12:00:00")


TEA = {
    "groupid": 5,
    "groupname": "tea",
    "last": {"seq": 9, "id": 2, "name": "bob", "msg": "hi", "time": "now", "cut": True},
    "read": 3,
    "unread": 4,
    "unread_more": True,
    "muted": True,
}
BOB = {
    "with": 2,
    "name": "bob",
    "last": {"seq": 8, "id": 1, "name": "alice", "msg": "ho", "time": "now"},
    "read": 0,
    "unread": 0,
    "other_read": 0,
}


def test_conversations(server: FakeServer, make: Make) -> None:
    client = make(devices=True)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(
            r,
            conversations=[TEA, BOB, {}, {"with": 2, "groupid": 5}],
            conversations_more=True,
            muted=[{"groupid": 5}, {"with": 9}, {}],
        )
    ]
    account = client.login(1, "secret")
    assert server.expect(MsgType.LOGIN_MSG)["devices"] is True
    last = ChatMessage(2, "bob", "now", "hi", 5, 9)
    tea = Conversation(None, 5, "tea", last, True, 3, 4, True, None, True)
    last = ChatMessage(1, "alice", "now", "ho", None, 8)
    bob = Conversation(2, None, "bob", last, False, 0, 0, False, 0, False)
    assert account.conversations == (tea, bob)
    assert account.more_conversations
    assert account.muted_users == {9}
    assert account.muted_groups == {5}
    server.rules[MsgType.CONVERSATIONS_MSG] = lambda r: [
        ack(MsgType.CONVERSATIONS_ACK, r, conversations=[BOB], more=True)
    ]
    assert client.conversations(before=9, limit=1) == ConversationPage((bob,), True)
    assert server.expect(MsgType.CONVERSATIONS_MSG)["before"] == 9


def test_marks_typing_and_muting(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[object] = queue.SimpleQueue()
    complaints: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = make(
        on_read=came.put, on_typing=came.put, on_mute=came.put, on_server_error=complaints.put
    )
    client.typing(user_id=2)  # without a login it does nothing
    client.login(1, "secret")
    assert client.mark_read(7, user_id=2) == 7
    assert server.expect(MsgType.READ_MSG)["with"] == 2
    assert client.mark_read(7, group_id=5) == 7
    assert server.expect(MsgType.READ_MSG)["groupid"] == 5
    client.typing(group_id=5)
    typing = server.expect(MsgType.TYPING_MSG)
    server.send({"msgid": 31, "errno": 6, "errmsg": "fewer", "rid": typing["rid"]})
    client.mute(user_id=2)
    client.mute(group_id=5)
    client.mute(user_id=2, muted=False)
    assert client.account is not None
    assert not client.account.muted_users
    assert client.account.muted_groups == {5}
    assert client.receipts()
    client.set_receipts(False)
    assert server.expect(MsgType.SETTINGS_MSG).get("receipts") is None
    assert server.expect(MsgType.SETTINGS_MSG)["receipts"] is False
    for place in ({}, {"user_id": 2, "group_id": 5}):
        with pytest.raises(ValueError, match="either a user or a group"):
            client.mark_read(7, **place)
    notices: list[tuple[Message, object]] = [
        ({"msgid": 105, "id": 2, "with": 2, "seq": 7}, ReadNotice(2, 2, None, 7)),
        ({"msgid": 105, "id": 1, "groupid": 5, "seq": 7}, ReadNotice(1, None, 5, 7)),
        ({"msgid": 107, "id": 2, "with": 2}, TypingNotice(2, None)),
        ({"msgid": 107, "id": 2, "groupid": 5}, TypingNotice(2, 5)),
        ({"msgid": 112, "groupid": 5, "muted": False}, MuteNotice(None, 5, False)),
    ]
    for message, notice in notices:
        server.send({"msgid": message["msgid"]})  # without a conversation: ignored
        server.send(message)
        assert came.get(timeout=WAIT) == notice
    account = client.account
    assert not account.muted_groups
    assert complaints.empty()


def test_closed_groups_and_moderation(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.CREATE_GROUP_MSG] = lambda r: [
        ack(MsgType.CREATE_GROUP_ACK, r, groupid=4, join="password")
    ]
    group = client.create_group("tea", join="password", password="green tea")
    assert (group.id, group.join) == (4, "password")
    request = server.expect(MsgType.CREATE_GROUP_MSG)
    assert (request["join"], request["password"]) == ("password", "green tea")
    client.change_group(4, name="milk", join="open")
    request = server.expect(MsgType.CHANGE_GROUP_MSG)
    assert "groupdesc" not in request
    assert client.account is not None
    assert [(one.name, one.join) for one in client.account.groups] == [("milk", "open")]
    client.invite(4, 2)
    client.set_role(4, 2, "admin")
    client.ban_member(4, 2, "spam")
    client.unban_member(4, 2)
    for msgid in (MsgType.INVITE_MSG, MsgType.SET_ROLE_MSG, MsgType.BAN_MEMBER_MSG):
        assert server.expect(msgid)["userid"] == 2
    client.join_group(9, "green tea")
    assert server.expect(MsgType.ADD_GROUP_MSG)["password"] == "green tea"
    with pytest.raises(ValueError, match="str is needed"):
        client.join_group(9, 5)  # type: ignore[arg-type]


def test_bans_come_in_pages(server: FakeServer, client: ChatClient) -> None:
    def page(request: Message) -> list[Message]:
        user_id = request.get("after", 0) + 1
        ban = {"userid": user_id, "name": "bob", "kind": "banned", "by": 1, "reason": ""}
        return [ack(MsgType.BANS_ACK, request, bans=[ban], more=user_id < 3)]

    server.rules[MsgType.BANS_MSG] = page
    bans = client.bans(4)
    assert [ban.user_id for ban in bans] == [1, 2, 3]
    assert bans[0] == Ban(1, "bob", "banned", 1, "", "")


def test_a_notice_about_a_group(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    groups = [{"id": 7, "groupname": "tea", "groupdesc": "", "users": []}]
    invitation = {"groupid": 9, "groupname": "go", "by": 2, "byname": "bob"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, groups=groups, invitations=[invitation])
    ]
    client = make(on_group_notice=came.put)
    account = client.login(1, "secret")
    assert account.invitations == (Invitation(9, "go", 2, "bob"),)
    server.send({"msgid": 83, "event": "removed", "groupid": 7, "userid": 1, "by": 2})
    assert came.get(timeout=WAIT) == GroupNotice("removed", 7, 1, 2)
    assert client.account is not None
    assert client.account.groups == ()


JOINED = {
    "msgid": 113,
    "event": "joined",
    "groupid": 7,
    "userid": 3,
    "name": "cat",
    "by": 3,
    "byname": "cat",
    "groupname": "tea",
    "time": "2026-11-27 08:00:00",
    "seq": 5,
}


def test_events_of_groups(server: FakeServer, make: Make) -> None:
    """One in the answer to the login is older than the lists there, a later one changes them."""
    came: queue.SimpleQueue[ChatMessage] = queue.SimpleQueue()
    notices: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    groups = [{"id": 7, "groupname": "tea", "groupdesc": "", "users": [], "members": 2}]
    old = {**JOINED, "seq": 4, "event": "removed", "userid": 1, "name": "ann"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, groups=groups, offlinemsg=[old], newest=4)
    ]
    client = make(on_group_event=came.put, on_group_notice=notices.put)
    client.login(1, "secret")
    first = came.get(timeout=WAIT)
    assert (first.seq, first.group_id, first.sender_name) == (4, 7, "cat")
    assert first.event == GroupNotice("removed", 7, 1, 3, "ann", "cat", group_name="tea")
    server.send(JOINED)
    assert came.get(timeout=WAIT).text == "joined the group"
    assert client.account is not None
    (group,) = client.account.groups
    assert (group.member_count, [member.name for member in group.members]) == (3, ["cat"])
    acknowledged: list[int] = []
    while len(acknowledged) < 2:
        acknowledged += server.expect(MsgType.DELIVERED_MSG)["seqs"]
    assert acknowledged == [4, 5]
    server.send(JOINED)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [5]
    server.send({**JOINED, "seq": 6, "event": "dissolved"})
    assert came.get(timeout=WAIT).seq == 6
    assert client.account.groups == ()
    assert came.empty()
    assert notices.empty()


def test_events_without_a_callback_for_them(server: FakeServer, make: Make) -> None:
    """They are acknowledged, no messages, and notices as before."""
    notices: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    client = make(on_group_notice=notices.put)
    client.login(1, "secret")
    server.send({**JOINED, "seq": 4, "by": 1, "userid": 1})
    server.send(JOINED)
    assert notices.get(timeout=WAIT).user_id == 3
    assert notices.empty()
    assert list(client.messages(0)) == []
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"][0] == 4


def test_another_device_joins_a_group(server: FakeServer, client: ChatClient) -> None:
    own = {"userid": 1, "by": 1, "name": "ann", "byname": "ann"}
    server.send({**JOINED, **own, "groupid": 9, "groupname": "go"})
    server.expect(MsgType.DELIVERED_MSG)
    assert client.account is not None
    assert [(group.id, group.name) for group in client.account.groups][-1] == (9, "go")


def test_the_members_of_a_large_group(server: FakeServer, client: ChatClient) -> None:
    def page(request: Message) -> list[Message]:
        begin = request.get("after", 0) + 1
        users = [
            {"id": n, "name": f"user {n}", "state": "offline", "role": "normal"}
            for n in range(begin, begin + 2)
        ]
        return [ack(MsgType.MEMBERS_ACK, request, users=users, more=begin < 5)]

    server.rules[MsgType.MEMBERS_MSG] = page
    assert [member.id for member in client.members(5)] == [1, 2, 3, 4, 5, 6]


def test_a_server_whose_pages_never_end(server: FakeServer, client: ChatClient) -> None:
    user = {"id": 2, "name": "bob", "state": "online", "role": "normal"}
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [
        ack(MsgType.MEMBERS_ACK, r, users=[user], more=True)
    ]
    assert client.members(5) == (Member(2, "bob", "online", "normal"),)


def test_the_account_follows_the_answers(server: FakeServer, client: ChatClient) -> None:
    assert client.add_friend(3) == Friend(3, "bob", "offline")
    assert client.create_group("chess", "fun").id == 4
    assert client.join_group(5) == Group(5, "g", "d", ())
    user = {"id": 2, "name": "bob", "state": "online", "role": "normal"}
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=[user])]
    bob = Member(2, "bob", "online", "normal")
    assert client.members(5) == (bob,)
    account = client.account
    assert account is not None
    assert account.friends == (Friend(3, "bob", "offline"),)
    me = Member(1, "alice", "online", "creator")
    assert account.groups == (Group(4, "chess", "fun", (me,), 1), Group(5, "g", "d", (bob,), 1))
    client.remove_member(5, 2)
    client.remove_friend(3)
    client.dissolve_group(4)
    account = client.account
    assert account is not None
    assert (account.friends, account.groups) == ((), (Group(5, "g", "d", ()),))
    client.leave_group(5)
    account = client.account
    assert account is not None
    assert account.groups == ()


def test_requests_to_be_a_friend(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[FriendNotice] = queue.SimpleQueue()
    waiting = {"id": 7, "name": "dan", "time": "2027-01-15 08:00:00"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friend_requests=[waiting])]
    client = make(on_friend_notice=came.put)
    dan = FriendRequest(7, "dan", "2027-01-15 08:00:00")
    assert client.login(1, "secret").friend_requests == (dan,)
    server.send({"msgid": 67, "event": "asked", "id": 8, "name": "eve", "time": "now"})
    assert came.get(timeout=WAIT) == FriendNotice("asked", 8, "eve", "", "now")
    eve = FriendRequest(8, "eve", "now")
    account = client.account
    assert account is not None
    assert account.friend_requests == (eve, dan)
    assert client.answer_friend(8, accept=True) == Friend(8, "bob", "online")
    assert server.expect(MsgType.ANSWER_FRIEND_MSG)["accept"] is True
    assert client.answer_friend(7, accept=False) is None
    account = client.account
    assert account is not None
    assert (account.friend_requests, account.friends) == ((), (Friend(8, "bob", "online"),))
    server.rules[MsgType.FRIEND_REQUESTS_MSG] = lambda r: [
        ack(MsgType.FRIEND_REQUESTS_ACK, r, requests=[waiting])
    ]
    assert client.friend_requests() == (dan,)
    account = client.account
    assert account is not None
    assert account.friend_requests == (dan,)


def test_a_contact_that_has_to_agree(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[FriendNotice] = queue.SimpleQueue()
    client = make(on_friend_notice=came.put)
    client.login(1, "secret")
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, pending=True, friendid=r["friendid"])
    ]
    assert client.add_friend(3) is None
    assert client.account is not None
    assert client.account.friends == ()
    for notice in ({"id": 0}, {"id": 3, "name": "bob", "state": "online"}):
        server.send({"msgid": 67, "event": "accepted", **notice})
    assert came.get(timeout=WAIT) == FriendNotice("accepted", 3, "bob", "online")
    account = client.account
    assert account is not None
    assert account.friends == (Friend(3, "bob", "online"),)


def test_an_existing_friend_or_group_is_no_failure(server: FakeServer, client: ChatClient) -> None:
    friend = {"id": 3, "name": "bob", "state": "online"}
    group = {"id": 5, "groupname": "g", "groupdesc": "d", "users": []}
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, 10, errmsg="is a friend already", friend=friend)
    ]
    server.rules[MsgType.ADD_GROUP_MSG] = lambda r: [
        ack(MsgType.ADD_GROUP_ACK, r, 10, errmsg="is a member already", group=group)
    ]
    assert client.add_friend(3) == Friend(3, "bob", "online")
    assert client.join_group(5) == Group(5, "g", "d", ())
    server.rules[MsgType.ADD_FRIEND_MSG] = refuse(MsgType.ADD_FRIEND_ACK, 10, "exists")
    with pytest.raises(RefusedError, match="exists"):
        client.add_friend(4)


def test_history(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=[one_chat(3, "a")], more=True)
    ]
    page = client.history(user_id=2, limit=20)
    assert [message.text for message in page.messages] == ["a"]
    assert page.more
    client.history(group_id=7, before=3)
    assert server.expect(MsgType.HISTORY_MSG)["with"] == 2
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["groupid"], request["before"]) == (7, 3)


def test_search_in_pages(server: FakeServer, client: ChatClient) -> None:
    marked = {**one_chat(3, "some tea"), "marks": [[5, 8], [8, 5], [-1, 2], ["x", 2], 7]}
    pages: list[dict[str, Any]] = [
        {"messages": [marked], "more": True, "before": 3},
        {"messages": [], "more": True, "before": 2},
        {"messages": [one_chat(1, "tea")], "more": False, "before": 1},
    ]
    server.rules[MsgType.SEARCH_MSG] = lambda r: [ack(MsgType.SEARCH_ACK, r, **pages.pop(0))]
    found = [hit for page in client.search("tea") for hit in page.hits]
    assert [hit.message.text for hit in found] == ["some tea", "tea"]
    assert [hit.marks for hit in found] == [((5, 8),), ()]
    requests = [server.expect(MsgType.SEARCH_MSG) for _ in range(3)]
    assert [request.get("before") for request in requests] == [None, 3, 2]
    assert requests[0]["query"] == "tea"


def test_search_in_one_conversation(server: FakeServer, client: ChatClient) -> None:
    assert client.search_page("tea", user_id=2).before is None
    assert next(client.search("tea", group_id=7, limit=5)).hits == ()
    assert server.expect(MsgType.SEARCH_MSG)["with"] == 2
    request = server.expect(MsgType.SEARCH_MSG)
    assert (request["groupid"], request["limit"]) == (7, 5)
    with pytest.raises(ValueError, match="either"):
        client.search_page("tea", user_id=2, group_id=7)


def test_a_server_that_keeps_no_history(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.ERROR_MSG, 4, "msgid: is missing or unknown")
    with pytest.raises(RefusedError, match="unknown"):
        client.history(user_id=2)


def test_a_request_waits_for_the_connection(server: FakeServer, make: Make) -> None:
    states = States()
    client = make(on_state=states)
    client.login(1, "secret")
    server.hang_up()
    states.wait_for(State.WAITING)
    assert client.add_friend(3) == Friend(3, "bob", "offline")


# ---------------------------------------------------------------------- being sent away


def say_goodbye(server: FakeServer, reason: str, *, reconnect: bool) -> None:
    server.send({"msgid": 32, "reason": reason, "reconnect": reconnect})
    server.hang_up()


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


def test_change_the_password_and_the_name(server: FakeServer, client: ChatClient) -> None:
    client.change_password("secret-1", "another-1")
    request = server.expect(MsgType.CHANGE_PASSWORD_MSG)
    assert (request["id"], request["old"], request["new"]) == (1, "secret-1", "another-1")
    assert client.rename("Alice") == "Alice"
    assert client.name == "Alice"
    assert client.account is not None
    assert client.account.name == "Alice"


def test_delete_the_account(server: FakeServer, client: ChatClient) -> None:
    client.delete_account("secret-1")
    assert server.expect(MsgType.DELETE_ACCOUNT_MSG)["password"] == "secret-1"
    assert client.account is None
    with pytest.raises(NotLoggedInError):
        client.send(2, "hi")


def test_a_refused_deletion_changes_nothing(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.DELETE_ACCOUNT_MSG] = refuse(MsgType.DELETE_ACCOUNT_ACK, 1, "wrong")
    with pytest.raises(RefusedError):
        client.delete_account("wrong")
    assert client.send(2, "hi").result(WAIT).seq == 1


def test_blocked_users(server: FakeServer, client: ChatClient) -> None:
    client.block(2)
    assert server.expect(MsgType.BLOCK_MSG)["userid"] == 2
    assert client.blocked() == (2, 9)
    client.unblock(2)
    assert server.expect(MsgType.UNBLOCK_MSG)["userid"] == 2
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [ack(MsgType.CHAT_ACK, r, 11, mid=r["mid"])]
    with pytest.raises(RefusedError) as refused:
        client.send(2, "hi").result(WAIT)
    assert refused.value.errno == 11
