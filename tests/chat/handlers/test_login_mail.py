"""The mail that comes with a login's answer, and what follows it."""

from __future__ import annotations

import pytest

from chat.handlers.account import CLASSIC_MAIL_BYTES, CLASSIC_OFFLINE
from chat.mailbox.mailbox import LOOK_BYTES
from chat.mailbox.pump import WINDOW
from chat.protocol import ONE_CHAT, MsgType, decode, encode
from chat.storage.tables import LogRow, MessageModel, OfflineMessageModel
from tests.chat.nodekit import Node

LARGE = 16 * 1024


def owe(node: Node, user: int, count: int, size: int = 0) -> list[int]:
    """Store messages of at least that size for a user, without a wake-up."""
    texts = [f"text {n}".ljust(size) for n in range(count)]
    rows = [
        LogRow(user, f"m{n}", ONE_CHAT, user, text, "then", None) for n, text in enumerate(texts)
    ]
    seqs = [s for s in node.database.write(lambda tx: MessageModel(tx).insert_new(rows)) if s]
    node.database.write(lambda tx: OfflineMessageModel(tx).insert([(user, s) for s in seqs]))
    return seqs


def test_mail_comes_with_the_answer(node: Node) -> None:
    ann = node.user("ann")
    seqs = owe(node, ann, 3)
    client = node.connect()
    answer = client.log_in(ann)
    assert [mail["seq"] for mail in answer["offlinemsg"]] == seqs
    assert answer["offlinemsg"][0] == {
        "msgid": 6,
        "id": ann,
        "name": "ann",
        "toid": ann,
        "msg": "text 0",
        "time": "then",
        "seq": seqs[0],
    }
    client.nothing_more()
    assert node.owed(ann) == seqs, "until they are acknowledged"
    client.got(*seqs)
    node.until_owed(ann, 0)


def test_unacknowledged_mail_comes_again_at_the_next_login(node: Node) -> None:
    ann = node.user("ann")
    seqs = owe(node, ann, 3)
    client = node.connect()
    client.log_in(ann)
    client.got(seqs[1])
    node.until_owed(ann, 2)
    client.leave()
    again = node.connect().log_in(ann)
    assert [mail["seq"] for mail in again["offlinemsg"]] == [seqs[0], seqs[2]]


@pytest.mark.parametrize("beyond", [-1, 0, 1, WINDOW + 1])
def test_mail_beyond_the_window_follows_the_acknowledgements(node: Node, beyond: int) -> None:
    ann = node.user("ann")
    seqs = owe(node, ann, WINDOW + beyond)
    client = node.connect()
    answer = client.log_in(ann)
    got = [mail["seq"] for mail in answer["offlinemsg"]]
    assert got == seqs[:WINDOW]
    client.nothing_more()
    while len(got) < len(seqs):
        client.got(*got)
        got.append(client.expect(MsgType.ONE_CHAT_MSG)["seq"])
    assert got == seqs
    client.got(*got)
    node.until_owed(ann, 0)


def test_mail_in_classic_counts_as_received_when_it_is_out(node: Node) -> None:
    ann = node.user("ann")
    owe(node, ann, 300)
    client = node.connect(v2=False)
    answer = client.log_in(ann)
    mail = [decode(item.encode()) for item in answer["offlinemsg"]]
    assert [item["msg"] for item in mail] == [f"text {number}" for number in range(300)]
    assert "seq" not in mail[0]
    node.until_owed(ann, 0)


def test_very_much_mail_in_classic(node: Node) -> None:
    ann = node.user("ann")
    owe(node, ann, CLASSIC_OFFLINE + 150)
    client = node.connect(v2=False)
    answer = client.log_in(ann)
    assert len(encode(answer)) < 1024 * 1024
    first = [decode(item.encode()) for item in answer["offlinemsg"]]
    rest = client.take(CLASSIC_OFFLINE + 150 - len(first))
    texts = [item["msg"] for item in [*first, *rest]]
    assert texts == [f"text {n}" for n in range(CLASSIC_OFFLINE + 150)]
    assert len(first) > 2000
    node.until_owed(ann, 0)
    client.nothing_more()


# ---------------------------------------------------------------------- large messages


def test_the_answer_holds_so_much_text(node: Node) -> None:
    """The rest follows, without an acknowledgement, as long as the window has room."""
    ann = node.user("ann")
    fit = LOOK_BYTES // LARGE
    seqs = owe(node, ann, 2 * fit + 1, LARGE)
    client = node.connect()
    answer = client.log_in(ann)
    assert [mail["seq"] for mail in answer["offlinemsg"]] == seqs[:fit]
    rest = client.take(fit + 1)
    assert [mail["seq"] for mail in rest] == seqs[fit:]
    client.nothing_more()
    assert node.owed(ann) == seqs, "until they are acknowledged"
    client.got(*seqs)
    node.until_owed(ann, 0)


def test_what_did_not_fit_comes_at_the_next_login(node: Node) -> None:
    ann = node.user("ann")
    fit = LOOK_BYTES // LARGE
    seqs = owe(node, ann, fit + 3, LARGE)
    first = node.connect()
    first.log_in(ann)
    first.got(*seqs[:fit])
    node.until_owed(ann, 3)
    first.leave()
    answer = node.connect().log_in(ann)
    assert [mail["seq"] for mail in answer["offlinemsg"]] == seqs[fit:]


@pytest.mark.parametrize("v2", [True, False])
def test_one_message_that_is_larger_than_that(node: Node, v2: bool) -> None:
    """From a server whose limits were wider. It must not block later messages."""
    ann = node.user("ann")
    huge = owe(node, ann, 1, LOOK_BYTES + 1)
    small = node.online("bob").deliver(ann, "small")["seq"]
    client = node.connect(v2=v2)
    answer = client.log_in(ann)
    if v2:
        assert len(answer["offlinemsg"]) == 1
    else:  # not in the answer, whose length has a limit
        assert len(client.expect(MsgType.ONE_CHAT_MSG)["msg"]) == LOOK_BYTES + 1
    assert client.expect(MsgType.ONE_CHAT_MSG)["msg"] == "small"
    if v2:
        client.got(*huge, small)
    node.until_owed(ann, 0)


def test_much_text_in_classic(node: Node) -> None:
    ann = node.user("ann")
    fit = CLASSIC_MAIL_BYTES // LARGE - 1
    owe(node, ann, fit + 20, LARGE)
    client = node.connect(v2=False)
    answer = client.log_in(ann)
    mail = [decode(item.encode()) for item in answer["offlinemsg"]]
    assert len(mail) == fit
    mail += client.take(20)
    assert [item["msg"].rstrip() for item in mail] == [f"text {n}" for n in range(fit + 20)]
    node.until_owed(ann, 0)
    client.nothing_more()
