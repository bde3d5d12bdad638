"""The connections that send most, and the limits with their use."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chat.admin.commands import usage
from chat.admin.errors import AdminError
from chat.connection.token_bucket import TokenBucket
from chat.connection.usage import between, read_counters
from chat.protocol import MsgType
from tests.chat.admin.conftest import Desk
from tests.chat.loopkit import WAIT


def test_the_one_that_sends_most_is_first(desk: Desk) -> None:
    quiet, loud = desk.node.online("ann"), desk.node.online("bob")
    guest = desk.node.connect()
    first = read_counters(desk.node.made)
    for _ in range(30):
        loud.send(MsgType.PING_MSG)
    quiet.nothing_more()
    loud.until(lambda: len(loud.inbox) == 30)
    usages = between(first, read_counters(desk.node.made))
    assert [usage.owner for usage in usages[:2]] == [
        f"user {loud.user_id}",
        f"user {quiet.user_id}",
    ]
    assert usages[0].cost == 30
    assert usages[0].received > 30 * len('{"msgid":26}')
    assert usages[0].sent > usages[1].sent
    assert usages[2].owner == "guest"
    assert guest.connection.flow.bucket.used == 0


def test_a_login_between_two_readings(desk: Desk) -> None:
    """The connection has a new bucket, and no negative cost."""
    user_id = desk.node.user("ann")
    client = desk.node.connect()
    client.nothing_more()
    first = read_counters(desk.node.made)
    assert client.log_in(user_id)["errno"] == 0
    (row,) = between(first, read_counters(desk.node.made))
    assert row.cost >= 0
    assert row.received > 0


def test_a_bucket_knows_what_was_used() -> None:
    bucket = TokenBucket(10, 0.0)
    bucket.tokens -= 31
    assert bucket.used == 31
    bucket.refill(5.0)
    assert bucket.used == 31
    bucket.tokens -= 4
    assert bucket.used == 35


def test_the_command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks the loop twice, which runs meanwhile."""
    desk.node.online("ann")
    answers: list[object] = []
    monkeypatch.setattr(usage, "DEFAULT_SECONDS", 1)
    thread = threading.Thread(target=lambda: answers.append(desk.ask("top")))
    thread.start()
    desk.node.until(lambda: answers, "the answer")
    thread.join(WAIT)
    (answer,) = answers
    assert isinstance(answer, dict)
    assert answer["all"] == 1
    assert answer["connections"][0]["owner"] == "user 1"


def test_a_loop_reads_few_connections_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        desk.node.online(f"user {number}")
    sizes: list[int] = []

    def read(part: list[Any]) -> Any:
        sizes.append(len(part))
        return read_counters(part)

    monkeypatch.setattr(usage, "read_counters", read)
    monkeypatch.setattr(usage, "SLICE", 2)
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(desk.ask("top", seconds=1)))
    thread.start()
    desk.node.until(lambda: answers, "the answer")
    thread.join(WAIT)
    assert answers[0]["all"] == 5
    assert sizes == [2, 2, 1] * 2


@pytest.mark.parametrize("seconds", [0, 11])
def test_impossible_times(desk: Desk, seconds: int) -> None:
    with pytest.raises(AdminError, match="seconds: must be from 1 to 10"):
        desk.ask("top", seconds=seconds)


def test_limits(desk: Desk) -> None:
    desk.node.online("ann")
    rows = {row["name"]: row for row in desk.ask("limits show")["limits"]}
    assert rows["limits.text_bytes"] == {
        "name": "limits.text_bytes",
        "value": 16384,
        "use": None,
    }
    assert rows["server.max_connections"]["use"] == "1"
    assert rows["limits.exempt"]["value"] is None
