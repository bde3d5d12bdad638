"""ClientConnection: the ways in which a conversation ends. Real connections."""

from __future__ import annotations

import pytest

from tests.chat.loopkit import writer_held
from tests.chat.nodekit import Node

PING = b'{"msgid":26}\n'
BYE = {"msgid": 32, "reason": "draining", "reconnect": True}


def test_repr(node: Node) -> None:
    client = node.connect()
    assert "guest classic" in repr(client.connection)
    client.log_in(node.user("ann"))
    assert f"user {client.user_id} v2" in repr(client.connection)


# ---------------------------------------------------------------------- ends


def test_close_says_why_to_v2(node: Node) -> None:
    ann = node.online("ann")
    ann.connection.close("idle", reconnect=True)
    ann.connection.close("abuse")
    assert ann.ended() == [{"msgid": 32, "reason": "idle", "reconnect": True}]


def test_close_without_a_reason_and_in_classic_says_nothing(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob", v2=False)
    ann.connection.close()
    bob.connection.close("idle", reconnect=True)
    assert ann.ended() == bob.ended() == []


def test_a_closed_connection_serves_nothing_more(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ann.connection.close("idle")
    ann.say(bob)
    ann.ended()
    assert node.owed(bob) == []


def test_a_peer_that_does_not_close_is_not_waited_for(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.connection.connection.CLOSE_SECONDS", 0.01)
    ann = node.online("ann")
    ann.connection.close("idle")
    node.until(lambda: not node.logins.owned(), "the connection's end")


@pytest.mark.parametrize("logged_in", [True, False])
def test_a_peer_that_goes_on_after_the_end_is_not_read_for_long(
    node: Node, monkeypatch: pytest.MonkeyPatch, logged_in: bool
) -> None:
    monkeypatch.setattr("chat.connection.connection.CLOSE_SECONDS", 3600.0)
    client = node.online("ann") if logged_in else node.connect()
    client.connection.close("abuse")
    client.sock.setblocking(False)

    def goes_on() -> bool:
        try:
            client.sock.send(PING * 100)
        except BlockingIOError:
            pass
        except OSError:
            return True
        return False

    node.until(goes_on, "the connection's end")


@pytest.mark.parametrize("half_close", [False, True])
def test_finishing_answers_what_had_come(node: Node, half_close: bool) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        requests = [{"msgid": 6, "toid": bob, "msg": str(n), "mid": f"m{n}"} for n in range(5)]
        ann.send_all(*requests, {"msgid": 7, "friendid": bob}, {"msgid": 26, "rid": "last"})
        node.until(lambda: ann.connection.flow.in_flight == 5)
        node.passes.settle()
        if half_close:
            ann.sock.shutdown(1)  # noticed when what waits is served
        else:
            ann.connection.finish()
        assert not ann.connection.closed
    answers = ann.ended()
    assert [answer["msgid"] for answer in answers] == [20] * 5 + [22, 27]
    assert len(node.owed(bob)) == 5


def test_finishing_with_nothing_to_do_ends_at_once(node: Node) -> None:
    ann = node.online("ann")
    ann.connection.finish()
    assert ann.connection.closed
    assert ann.ended() == []


@pytest.mark.parametrize(("v2", "said"), [(True, [BYE]), (False, [])])
def test_draining(node: Node, v2: bool, said: list[object]) -> None:
    ann = node.online("ann", v2=v2)
    ann.connection.drain()
    ann.connection.drain()
    assert ann.ended() == said


def test_draining_lets_commits_finish(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        ann.say(bob, mid="m")
        node.until(lambda: ann.connection.flow.in_flight)
        ann.connection.drain()
        assert not ann.connection.closed
    bye, ack = ann.ended()
    assert bye == BYE
    assert (ack["msgid"], ack["errno"], ack["mid"]) == (20, 0, "m")
    assert len(node.owed(bob)) == 1


def test_what_the_peer_sends_while_draining_is_not_read(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        ann.say(bob)
        node.until(lambda: ann.connection.flow.in_flight)
        ann.connection.drain()
        ann.say(bob)
        node.passes.settle()
        assert not ann.connection.tcp.is_reading
    ann.ended()
    assert len(node.owed(bob)) == 1


def test_a_commit_that_ends_after_the_connection(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        ann.say(bob)
        node.until(lambda: ann.connection.flow.in_flight)
        ann.connection.tcp.force_close()
        node.until(lambda: ann.connection.closed)
    node.until(lambda: not ann.connection.flow.in_flight)
    assert len(node.owed(bob)) == 1


def test_a_peer_that_closes_in_turn_is_noticed(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it is not read from any more."""
    monkeypatch.setattr("chat.connection.connection.CLOSE_SECONDS", 3600.0)
    ann = node.online("ann")
    ann.connection.drain()
    ann.ended()
    ann.close()
    node.until(lambda: not node.logins.owned(), "the connection's end")
