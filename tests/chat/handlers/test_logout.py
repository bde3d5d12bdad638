from __future__ import annotations

from collections.abc import Callable

from chat.handlers.account import logout
from chat.protocol import ONE_CHAT, MsgType
from chat.storage import StorageError
from chat.storage.tables import OFFLINE, ONLINE, LogRow, MessageModel, OfflineMessageModel
from tests.chat.handlers.gate import Gate
from tests.chat.nodekit import PASSWORD, Node, replace_route


def test_the_answer(node: Node) -> None:
    ann = node.online("ann")
    login = ann.login
    assert ann.ask(MsgType.LOGINOUT_MSG, rid="r") == {"msgid": 25, "errno": 0, "rid": "r"}
    row = node.row(ann.user_id)
    assert (row.state, row.node, row.device) == (OFFLINE, None, None)
    assert not login.alive
    assert ann.connection.login is None
    assert node.logins.owned() == set()


def test_the_token_is_revoked(node: Node) -> None:
    ann = node.online("ann")
    token = ann.login.token
    ann.ask(MsgType.LOGINOUT_MSG)
    assert node.connect().log_in(ann.user_id, token=token)["errno"] == 1


def test_tokens_of_other_logins_stay(node: Node) -> None:
    ann = node.online("ann")
    token = ann.login.token
    ann.leave()
    second = node.online(ann.user_id)
    second.ask(MsgType.LOGINOUT_MSG)
    assert second.log_in(ann.user_id, token=token)["errno"] == 0


def test_another_user_may_log_in_on_the_connection(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    eve = node.online("eve")
    ann.ask(MsgType.LOGINOUT_MSG)
    ann_id, ann.user_id = ann.user_id, 0
    assert ann.log_in(bob)["name"] == "bob"
    eve.deliver(ann_id, "for ann")
    seq = eve.deliver(bob, "for bob")["seq"]
    mail = ann.expect(MsgType.ONE_CHAT_MSG)
    assert (mail["msg"], mail["seq"]) == ("for bob", seq)
    ann.nothing_more()
    assert len(node.owed(ann_id)) == 1


def test_a_classic_client_gets_no_answer(node: Node) -> None:
    ann = node.online("ann", v2=False)
    ann.send(MsgType.LOGINOUT_MSG)
    ann.nothing_more()
    assert node.row(ann.user_id).state == OFFLINE


def test_when_not_logged_in(node: Node) -> None:
    client = node.connect()
    client.send(MsgType.PING_MSG)
    client.next()
    client.send(MsgType.LOGINOUT_MSG, id=1)
    assert client.next()["errno"] == 3


def test_what_came_before_it_is_sent_first(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    chats = [{"msgid": 6, "toid": bob, "msg": f"text {n}", "mid": f"m{n}"} for n in range(20)]
    ann.send_all(*chats, {"msgid": int(MsgType.LOGINOUT_MSG)})
    answers = ann.take(21)
    assert [answer["msgid"] for answer in answers] == [20] * 20 + [25]
    assert {answer["errno"] for answer in answers} == {0}
    assert len(node.owed(bob)) == 20


def test_what_came_behind_it_is_refused(node: Node) -> None:
    ann = node.online("ann")
    ann.send_all(
        {"msgid": int(MsgType.LOGINOUT_MSG)}, {"msgid": 6, "toid": 1, "msg": "late", "mid": "m"}
    )
    assert ann.expect(MsgType.LOGINOUT_ACK)["errno"] == 0
    assert ann.expect(MsgType.CHAT_ACK)["errno"] == 3
    assert not node.owed(1)


def test_a_logout_that_cannot_be_stored_changes_nothing(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    token = ann.login.token
    node.database.broken = True
    answer = ann.ask(MsgType.LOGINOUT_MSG)
    assert (answer["errno"], answer["retry_after"]) == (8, 1)
    node.database.broken = False
    assert (ann.login.user_id, ann.login.token) == (ann.user_id, token)
    assert node.logins.find(ann.user_id) is ann.login
    assert node.row(ann.user_id).state == ONLINE
    bob.tell(group, "still there?")
    assert ann.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "still there?"
    assert ann.ask(MsgType.LOGINOUT_MSG)["errno"] == 0


def test_what_came_during_a_failed_logout(node: Node) -> None:
    """The login was out of the registry: no pump was woken for it."""
    ann, bob = node.online("ann"), node.online("bob")
    real = node.database.write

    def write(work: object) -> object:
        row = LogRow(ann.user_id, "m", ONE_CHAT, bob.user_id, "meanwhile", "then", None)
        (seq,) = real(lambda tx: MessageModel(tx).insert_new([row]))
        assert seq is not None
        real(lambda tx: OfflineMessageModel(tx).insert([(bob.user_id, seq)]))
        raise StorageError("for the test")

    node.database.write = write  # type: ignore[method-assign, assignment]
    bob.send(MsgType.LOGINOUT_MSG)
    found = {message["msgid"]: message for message in bob.take(2)}
    assert found[MsgType.LOGINOUT_ACK]["errno"] == 8
    assert found[MsgType.ONE_CHAT_MSG]["msg"] == "meanwhile"
    node.database.write = real  # type: ignore[method-assign]


def test_who_was_replaced_during_a_failed_logout_is_closed(
    make_node: Callable[..., Node],
) -> None:
    """Out of the registry for a moment, the account was taken by another login."""

    def fails(ctx: object, request: object) -> object:
        node.database.broken = True
        try:
            return logout(ctx, request)  # type: ignore[arg-type]
        finally:
            node.database.broken = False
            assert node.logins.reserve(ann.user_id)

    node = make_node(routes=replace_route(MsgType.LOGINOUT_MSG, run=fails))
    ann = node.online("ann")
    ann.send(MsgType.LOGINOUT_MSG)
    messages = ann.ended()
    assert {"msgid": 32, "reason": "replaced", "reconnect": False} in messages


def test_a_line_that_breaks_during_the_logout(make_node: Callable[..., Node]) -> None:
    gate = Gate(logout)
    node = make_node(routes=replace_route(MsgType.LOGINOUT_MSG, run=gate))
    ann = node.online("ann")
    ann.send(MsgType.LOGINOUT_MSG)
    node.until(lambda: ann.connection.flow.busy)
    gate.entered()
    ann.connection.tcp.force_close()
    node.until(lambda: ann.connection.closed)
    gate.open()
    node.until(lambda: not ann.connection.flow.busy)
    assert node.row(ann.user_id).state == OFFLINE
    assert node.logins.owned() == set()
    assert node.connect().log_in(ann.user_id, password=PASSWORD)["errno"] == 0


def test_a_line_that_breaks_during_a_failing_logout(make_node: Callable[..., Node]) -> None:
    node = make_node()
    gate = Gate(lambda ctx, request: None)

    def fails(ctx: object, request: object) -> object:
        gate(ctx, request)  # type: ignore[arg-type]
        node.database.broken = True
        try:
            return logout(ctx, request)  # type: ignore[arg-type]
        finally:
            node.database.broken = False

    node.service._table[3] = (
        replace_route(MsgType.LOGINOUT_MSG, run=fails)[MsgType.LOGINOUT_MSG],
        *node.service._table[3][1:],
    )
    ann = node.online("ann")
    ann.send(MsgType.LOGINOUT_MSG)
    node.until(lambda: ann.connection.flow.busy)
    gate.entered()
    ann.connection.tcp.force_close()
    node.until(lambda: ann.connection.closed)
    gate.open()
    node.until(lambda: node.row(ann.user_id).state == OFFLINE)


def test_a_lost_connection_releases_the_user(node: Node) -> None:
    ann = node.online("ann")
    ann.leave()
    node.until(lambda: node.row(ann.user_id).state == OFFLINE)
    assert node.logins.owned() == set()
