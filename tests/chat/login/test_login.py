"""Login: begins and ends once, and takes the connection along. Real connections."""

from __future__ import annotations

from chat.login.login import Login
from chat.protocol import MsgType
from tests.chat.nodekit import Node

REPLACED = {"msgid": 32, "reason": "replaced", "reconnect": False}


def new_login(node: Node, connection: object, user_id: int = 7) -> Login:
    return Login(connection, node.mailbox, user_id, "ann", 1)  # type: ignore[arg-type]


def test_begin_and_end(node: Node) -> None:
    connection = node.connect().connection
    login = new_login(node, connection)
    assert not login.alive
    assert connection.login is None
    login.begin([], False, 0)
    assert login.alive
    assert login.pump.active
    assert connection.login is login
    login.end()
    assert not login.alive
    assert not login.pump.active
    assert connection.login is None


def test_ending_again_does_not_touch_the_next_login(node: Node) -> None:
    """Example: the user logs out; another one logs in; the first login's connection ends late."""
    connection = node.connect().connection
    first, second = new_login(node, connection), new_login(node, connection, 8)
    first.begin([], False, 0)
    first.end()
    second.begin([], False, 0)
    first.end()
    assert connection.login is second
    assert second.alive


def test_a_login_that_is_sent_away_closes_its_connection(node: Node) -> None:
    ann = node.online("ann")
    login = ann.login
    login.send_away()
    assert ann.ended() == [REPLACED]
    assert not login.alive


def test_a_login_that_has_not_begun_is_not_sent_away(node: Node) -> None:
    """It finds by itself that it is not registered any more, when its answer is due."""
    client = node.connect()
    new_login(node, client.connection).send_away()
    node.passes.settle()
    assert not client.connection.closed


def test_an_ended_login_is_not_sent_away(node: Node) -> None:
    ann = node.online("ann")
    login = ann.login
    ann.ask(MsgType.LOGINOUT_MSG)
    login.send_away()
    node.passes.settle()
    assert not ann.connection.closed


def test_repr(node: Node) -> None:
    login = new_login(node, node.connect().connection)
    assert repr(login) == "<Login user 7 generation 1 not alive>"
    login.begin([], False, 0)
    assert repr(login) == "<Login user 7 generation 1 alive>"
    assert "user 7" in repr(login.connection)
