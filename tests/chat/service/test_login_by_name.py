"""Logins by name, through a whole server: an outsider does not learn whether a name exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from chat.login.login_limits import LoginRates
from chat.protocol import Limits, Message, MsgType
from chat.service.entrances import unknown_account
from chat.storage import Transaction
from chat.storage.base import Row
from chat.storage.tables import UserModel
from tests.chat.nodekit import PASSWORD, Client, Node

Make = Callable[..., Node]

WRONG = {"msgid": 2, "errno": 1, "errmsg": "id or password is invalid!"}


class Recorder:
    """A transaction that notes its queries."""

    def __init__(self, tx: Transaction, statements: list[str]) -> None:
        self._tx = tx
        self._statements = statements

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        self._statements.append(sql)
        return self._tx.query(sql, params)

    def query_in(self, sql: str, ids: Sequence[object], **rest: Any) -> list[Row]:
        self._statements.append(sql)
        return self._tx.query_in(sql, ids, **rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def log_in(client: Client, name: str, **fields: Any) -> Message:
    if "token" not in fields:
        fields = {"password": PASSWORD, **fields}
    return client.ask(MsgType.LOGIN_MSG, v=2, name=name, **fields)


def test_a_login_by_name(node: Node) -> None:
    ann, accent = node.user("ann"), node.user("J\u00e9r\u00f4me")
    answer = log_in(node.connect(), "ann", device="laptop", rid="r")
    assert (answer["errno"], answer["id"], answer["name"]) == (0, ann, "ann")
    token = answer["token"]
    again = log_in(node.connect(), "ann", token=token, device="laptop")
    assert (again["errno"], again["id"], again["token"]) == (0, ann, token)
    second = log_in(node.connect(), "ann", device="phone")
    assert (second["errno"], second["errmsg"]) == (2, "this account is using, input another!")
    decomposed = log_in(node.connect(), "Je\u0301ro\u0302me")
    assert (decomposed["errno"], decomposed["id"]) == (0, accent)


def test_with_both_the_number_counts(node: Node) -> None:
    ann, bob = node.user("ann"), node.user("bob", "secret-2")
    client = node.connect()
    assert client.ask(MsgType.LOGIN_MSG, v=2, id=ann, name="bob", password="secret-2") == WRONG
    answer = client.ask(MsgType.LOGIN_MSG, v=2, id=bob, name="ann", password="secret-2")
    assert (answer["errno"], answer["id"]) == (0, bob)


def test_neither_and_classic(node: Node) -> None:
    node.user("ann")
    missing = {"msgid": 2, "errno": 4, "errmsg": "id: is missing"}
    assert node.connect().ask(MsgType.LOGIN_MSG, v=2, password=PASSWORD) == missing
    classic = node.connect(v2=False)
    classic.send(MsgType.LOGIN_MSG, name="ann", password=PASSWORD)
    answer = classic.next()
    assert (answer["msgid"], answer["errno"], answer["errmsg"]) == (2, 4, "id: is missing")


@pytest.mark.parametrize("secret", [{"password": "wrong"}, {"token": "t"}, {"password": PASSWORD}])
@pytest.mark.parametrize("device", [{}, {"device": "laptop"}])
def test_an_unknown_name_is_answered_as_a_wrong_password(
    node: Node, monkeypatch: pytest.MonkeyPatch, secret: Message, device: Message
) -> None:
    """The same answer, after the same statements and the same hashing."""
    node.user("ann", "another-1")
    statements: list[str] = []
    hashed: list[str] = []
    read, verify = node.database.read, node.context.passwords.verify

    def counted(work: Callable[[Transaction], Any]) -> Any:
        return read(lambda tx: work(cast("Transaction", Recorder(tx, statements))))

    def noted(stored: str | None, given: str) -> bool:
        hashed.append(given)
        return verify(stored, given)

    monkeypatch.setattr(node.database, "read", counted)
    monkeypatch.setattr(node.context.passwords, "verify", noted)
    seen = []
    for name in ("ann", "bob"):
        assert log_in(node.connect(), name, **secret, **device) == WRONG
        seen.append(([*statements], [*hashed]))
        statements.clear()
        hashed.clear()
    assert seen[0] == seen[1]
    assert len(seen[0][0]) >= 2


def test_failures_by_name_and_by_number_count_together(make_node: Make) -> None:
    node = make_node(failures=4, loopback_exempt=False)
    ann = node.user("ann")
    client = node.connect()
    for _ in range(2):
        assert log_in(client, "ann", password="wrong") == WRONG
        assert client.log_in(ann, password="wrong") == WRONG
    by_number = client.log_in(ann)
    by_name = log_in(node.connect(), "ann")
    assert by_number == by_name
    assert by_name["errno"] == 6
    assert log_in(client, "bob", password="wrong") == WRONG, "another name"
    assert log_in(client, "ann ", password="wrong")["errno"] == 4


def test_the_failures_of_an_unknown_name_end_in_the_same_way(make_node: Make) -> None:
    node = make_node(failures=3, loopback_exempt=False)
    node.user("ann")
    outcomes = []
    for name in ("ann", "bob", "\u0042\u0065\u0301a"):
        client = node.connect()
        answers = [log_in(client, name, password="wrong") for _ in range(4)]
        outcomes.append([(answer["errno"], answer.get("retry_after")) for answer in answers])
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0][-1][0] == 6
    composed = log_in(node.connect(), "\u0042\u00e9a")
    assert composed["errno"] == 6, "another form of the same name"


def test_unknown_names_count_for_their_network(make_node: Make) -> None:
    node = make_node(rates=LoginRates(of_network=5), loopback_exempt=False)
    client = node.connect()
    answers = [log_in(client, f"name {number}", password="x") for number in range(7)]
    assert [answer["errno"] for answer in answers] == [1] * 5 + [6] * 2


def test_the_number_of_an_unknown_name_is_of_no_account() -> None:
    assert -(2**62) <= unknown_account("ann") < 0
    assert unknown_account("ann") == unknown_account("ann") != unknown_account("bob")


def test_a_known_device_gets_in_by_name(make_node: Make) -> None:
    node = make_node(rates=LoginRates(of_network=2), loopback_exempt=False)
    ann = node.online("ann", device="laptop")
    ann.leave()
    node.login_limits._lately.forget(("127.0.0.1", ann.user_id))
    client = node.connect()
    for number in range(2):
        log_in(client, f"name {number}", password="x")
    assert log_in(node.connect(), "ann", device="phone")["errno"] == 6
    assert log_in(node.connect(), "ann", device="laptop")["errno"] == 0


def test_a_client_that_hangs_up_meanwhile(node: Node) -> None:
    ann = node.user("ann")
    client = node.connect()
    client.send(MsgType.LOGIN_MSG, v=2, name="ann", password=PASSWORD)
    client.close()
    node.until(lambda: client.connection.closed, "the end of the connection")
    node.until(lambda: not client.connection.flow.busy, "the end of the request")
    assert node.row(ann).state == "offline"


def test_when_the_database_fails(node: Node) -> None:
    node.user("ann")
    client = node.connect()
    node.database.broken_reads = True
    assert log_in(client, "ann")["errno"] == 8
    node.database.broken_reads = False
    assert log_in(client, "ann")["errno"] == 0


def test_an_older_and_longer_name(make_node: Make) -> None:
    """The limit for new names may be lower than it was."""
    node = make_node(limits=Limits(name=5))
    long = node.database.write(
        lambda tx: UserModel(tx).insert("x" * 50, node.context.passwords.hash(PASSWORD))
    )
    assert log_in(node.connect(), "x" * 50)["id"] == long
