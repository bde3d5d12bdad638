"""Logins that draw much data are told to wait; through a whole server."""

from __future__ import annotations

from collections.abc import Callable

from chat.login.login_costs import ACCOUNT_SHARE, BURST_SECONDS
from chat.protocol import Limits, Message, encode
from tests.chat.nodekit import Node

TEXT = "x" * 10_000
KIB = 64
BURST = int(KIB * 1024 * BURST_SECONDS * ACCOUNT_SHARE)


def fill(node: Node, user_id: int, count: int) -> None:
    """Store so many long messages for the user."""
    bob = node.online("bob")
    for _ in range(count):
        bob.deliver(user_id, TEXT)
    bob.leave()


def log_in(node: Node, user_id: int, token: str | None, **fields: object) -> tuple[Message, int]:
    """A login that acknowledges nothing, and hangs up. Returns the answer and its bytes."""
    client = node.connect()
    if token is not None:
        fields["token"] = token
    answer = client.log_in(user_id, device="phone", **fields)
    client.leave()
    return answer, len(encode(answer))


def token_of(node: Node, user_id: int) -> str:
    ann = node.online(user_id, device="phone")
    token = ann.login.token
    assert token is not None
    ann.leave()
    return token


def test_repeated_logins_draw_no_more_than_their_share(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(answer_kib=KIB))
    ann = node.user("ann")
    token = token_of(node, ann)
    fill(node, ann, 12)
    drawn = 0
    while True:
        answer, size = log_in(node, ann, token)
        if answer["errno"]:
            break
        drawn += size
        assert drawn < BURST + size
    assert (answer["errno"], "too much" in answer["errmsg"]) == (6, True)
    assert drawn > BURST - 2 * size
    assert 0 < answer["retry_after"] <= BURST_SECONDS + 1
    assert log_in(node, ann, None)[0]["errno"] == 0, "by password"
    node.clock.now += answer["retry_after"]
    assert log_in(node, ann, token)[0]["errno"] == 0


def test_mail_behind_the_answer_counts_unless_it_is_acknowledged(
    make_node: Callable[..., Node],
) -> None:
    count = 60
    node = make_node(limits=Limits(answer_kib=2 * KIB))
    ann = node.user("ann")
    token = token_of(node, ann)
    fill(node, ann, count)
    client = node.connect()
    answer = client.log_in(ann, token=token, device="phone")
    assert len(encode(answer)) < 2 * BURST < count * len(TEXT)
    client.take(count - len(answer["offlinemsg"]))
    client.leave()
    assert log_in(node, ann, token)[0]["errno"] == 6
    node.clock.now += 2 * BURST_SECONDS
    client = node.connect()
    answer = client.log_in(ann, token=token, device="phone")
    later = client.take(count - len(answer["offlinemsg"]))
    client.got(*[mail["seq"] for mail in (*answer["offlinemsg"], *later)])
    node.until_owed(ann, 0)
    client.leave()
    assert log_in(node, ann, token)[0]["errno"] == 0


def test_a_client_that_reconnects_often_is_served(node: Node) -> None:
    ann = node.online("ann", device="phone")
    for number in range(30):
        ann.make_group(f"group {number}")
    token = ann.login.token
    ann.leave()
    for _ in range(100):
        assert log_in(node, ann.user_id, token)[0]["errno"] == 0


def test_a_wrong_token_learns_nothing_of_debts(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(answer_kib=1))
    ann = node.user("ann")
    token = token_of(node, ann)
    fill(node, ann, 12)
    while log_in(node, ann, token)[0]["errno"] == 0:
        pass
    assert log_in(node, ann, "wrong")[0]["errno"] == 1
    assert log_in(node, ann, token)[0]["errno"] == 6
