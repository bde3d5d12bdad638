"""Delivery, stored: an acknowledged message arrives in every case, once per login."""

from __future__ import annotations

from collections.abc import Callable

from chat.config import ServerConfig
from chat.delivery.stored import StoredMode
from chat.mailbox.pump import WINDOW
from chat.protocol import MsgType
from tests.chat.nodekit import Client, Node


def texts(client: Client, count: int, *, acknowledge: bool = False) -> list[str]:
    """The next messages; acknowledged one by one if asked for."""
    found = []
    for _ in range(count):
        mail = client.expect(MsgType.ONE_CHAT_MSG)
        found.append(mail["msg"])
        if acknowledge:
            client.got(mail["seq"])
    return found


def send(sender: Client, to: Client | int, count: int, start: int = 0) -> list[str]:
    made = [f"text {number}" for number in range(start, start + count)]
    toid = to.user_id if isinstance(to, Client) else to
    sender.send_all(*({"msgid": 6, "toid": toid, "msg": text} for text in made))
    for _ in made:
        assert sender.expect(MsgType.CHAT_ACK)["errno"] == 0
    return made


def test_the_window_holds_back_and_the_rest_follows(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    made = send(ann, bob, WINDOW + 150)
    first = bob.take(WINDOW)
    bob.nothing_more()
    bob.got(*(mail["seq"] for mail in first))
    rest = bob.take(150)
    assert [mail["msg"] for mail in first + rest] == made
    bob.got(*(mail["seq"] for mail in rest))
    node.until_owed(bob.user_id, 0)


def test_a_slow_acknowledger_gets_all(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    made = send(ann, bob, WINDOW + 60)
    assert texts(bob, WINDOW + 60, acknowledge=True) == made
    node.until_owed(bob.user_id, 0)


def test_mail_of_many_senders_comes_once_each(node: Node) -> None:
    bob = node.online("bob")
    senders = [node.online(f"sender {number}") for number in range(4)]
    for round_ in range(5):
        for sender in senders:
            sender.send_all(
                *({"msgid": 6, "toid": bob.user_id, "msg": f"{round_}"} for _ in range(10))
            )
    mail = bob.take(200)
    assert len({item["seq"] for item in mail}) == 200
    assert [item["seq"] for item in mail] == sorted(item["seq"] for item in mail)
    for sender in senders:
        assert len([item for item in mail if item["id"] == sender.user_id]) == 50


def test_mail_that_comes_during_the_login(node: Node) -> None:
    """Some of it with the answer, some behind it, nothing twice and nothing never."""
    ann, bob = node.online("ann"), node.user("bob")
    client = node.connect()
    ann.send_all(*({"msgid": 6, "toid": bob, "msg": str(number)} for number in range(40)))
    client.send(MsgType.LOGIN_MSG, v=2, id=bob, password="secret-1")
    ann.send_all(*({"msgid": 6, "toid": bob, "msg": str(number)} for number in range(40, 80)))
    answer = client.expect(MsgType.LOGIN_MSG_ACK)
    found = [mail["msg"] for mail in answer["offlinemsg"]]
    found += texts(client, 80 - len(found))
    assert found == [str(number) for number in range(80)]
    client.nothing_more()


def test_lost_wakes_are_made_up_for(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    assert isinstance(node.delivery.mode, StoredMode)
    commits = node.delivery.mode._commits
    announce = commits._announce
    commits._announce = lambda messages: None
    made = send(ann, bob, 3)
    bob.nothing_more()
    commits._announce = announce
    bob.login.pump.mark_dirty()
    assert texts(bob, 3) == made


def test_a_mailbox_that_cannot_be_read_is_read_later(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    node.database.broken_reads = True
    bob.login.pump.mark_dirty()
    node.passes.settle()
    made = send(ann, bob, 3)
    node.until(lambda: not bob.login.pump._reading)
    bob.nothing_more()
    node.database.broken_reads = False
    bob.login.pump.kick()  # what the timer does a second later
    assert texts(bob, 3) == made


def test_acknowledgements_that_cannot_be_stored_go_with_the_next(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    send(ann, bob, 2)
    first, second = (mail["seq"] for mail in bob.take(2))
    node.database.lose_commits = True
    bob.got(first)
    bob.nothing_more()
    node.until(lambda: node.mailbox._received)
    node.database.lose_commits = False
    assert node.owed(bob.user_id) == [first, second]
    bob.got(second)
    node.until_owed(bob.user_id, 0)


def test_wakes_go_out_before_acknowledgements(node: Node) -> None:
    """So that the sender's next message cannot overtake; seen best with messages to oneself."""
    for v2 in (True, False):
        ann = node.online(f"ann {v2}", v2=v2)
        ann.say(ann)
        ann.send(MsgType.ADD_FRIEND_MSG, friendid=99)
        kinds = [message["msgid"] for message in ann.take(3 if v2 else 2)]
        assert kinds == ([6, 20, 22] if v2 else [6, 31])


def test_between_loops(make_node: Callable[..., Node]) -> None:
    node = make_node(config=ServerConfig(threads=2))
    ann, bob = node.online("ann"), node.online("bob")
    assert ann.connection.loop is not bob.connection.loop
    made = send(ann, bob, 300)
    assert texts(bob, 300, acknowledge=True) == made
    node.until_owed(bob.user_id, 0)
