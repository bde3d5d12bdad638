"""Requests to be a contact (``chat.friend_requests = "approve"``), through a whole server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from chat.bus import LocalBus
from chat.delivery.codec import Payload
from chat.handlers.context import ASK_NOTICES
from chat.login.visibility import NONE, Visibility
from chat.notice import ACCEPTED, ASKED, Notice
from chat.protocol import ErrNo, Limits, Message, MsgType
from chat.storage import Transaction
from chat.storage.tables import DISABLED, FriendModel, UserModel
from chat.storage.tables.friendrequest import REQUEST_SECONDS
from tests.chat.nodekit import PASSWORD, Client, Node

DATE = "2027-01-15 08:00:00"
NOT_ASKED = {
    "msgid": 65,
    "errno": 5,
    "errmsg": "has not asked you, or has taken the request back",
}


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(approve=True, limits=Limits(friends=3))


def add(client: Client, other: int) -> Message:
    return client.ask(MsgType.ADD_FRIEND_MSG, friendid=other)


def answer(client: Client, other: int, *, accept: bool) -> Message:
    return client.ask(MsgType.ANSWER_FRIEND_MSG, userid=other, accept=accept)


def requests(client: Client) -> list[int]:
    reply = client.ask(MsgType.FRIEND_REQUESTS_MSG)
    assert reply["errno"] == 0
    return [item["id"] for item in reply["requests"]]


def remove(client: Client, other: int) -> int:
    return int(client.ask(MsgType.REMOVE_FRIEND_MSG, friendid=other)["errno"])


def friends(node: Node, user_id: int) -> list[int]:
    rows = node.database.read(lambda tx: FriendModel(tx).of_user(user_id, 10))
    return [row.id for row in rows]


def pending(other: int) -> Message:
    return {"msgid": 22, "errno": 0, "pending": True, "friendid": other}


def test_ask_and_accept(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    assert add(ann, bob.user_id) == pending(bob.user_id)
    asked = {"msgid": 67, "event": "asked", "id": ann.user_id, "name": "ann", "time": DATE}
    assert bob.next() == asked
    assert friends(node, ann.user_id) == friends(node, bob.user_id) == []
    listed = bob.ask(MsgType.FRIEND_REQUESTS_MSG, rid="r")
    row = {"id": ann.user_id, "name": "ann", "time": DATE}
    assert listed == {"msgid": 63, "errno": 0, "requests": [row], "rid": "r"}
    friend = {"id": ann.user_id, "name": "ann", "state": "online"}
    reply = answer(bob, ann.user_id, accept=True)
    assert reply == {"msgid": 65, "errno": 0, "userid": ann.user_id, "friend": friend}
    accepted = {"event": "accepted", "id": bob.user_id, "name": "bob", "state": "online"}
    assert ann.next() == {"msgid": 67, **accepted}
    assert friends(node, ann.user_id) == [bob.user_id]
    assert friends(node, bob.user_id) == [ann.user_id]
    assert requests(bob) == []
    again = add(ann, bob.user_id)
    assert (again["errno"], again["friend"]["name"]) == (ErrNo.EXISTS, "bob")


def test_few_notices_of_requests_that_are_taken_back(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    for _ in range(ASK_NOTICES):
        for _ in range(2):
            assert add(ann, bob.user_id) == pending(bob.user_id)
        assert bob.next()["event"] == "asked"
        assert remove(ann, bob.user_id) == 0
    assert add(ann, bob.user_id) == pending(bob.user_id)
    bob.nothing_more()
    node.clock.now += 3600
    assert remove(ann, bob.user_id) == 0
    assert add(ann, bob.user_id) == pending(bob.user_id)
    assert bob.next()["event"] == "asked"


def test_decline(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    other = node.online(bob)
    reply = answer(other, ann.user_id, accept=False)
    assert reply == {"msgid": 65, "errno": 0, "userid": ann.user_id}
    assert answer(other, ann.user_id, accept=False) == NOT_ASKED
    assert answer(other, ann.user_id, accept=True) == NOT_ASKED
    assert friends(node, ann.user_id) == friends(node, bob) == []
    ann.nothing_more()


def test_the_login_lists_the_requests(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    client = node.connect()
    row = {"id": ann.user_id, "name": "ann", "time": DATE}
    assert client.log_in(bob)["friend_requests"] == [row]
    answer(client, ann.user_id, accept=False)
    client.leave()
    assert "friend_requests" not in node.connect().log_in(bob)


def test_to_add_the_user_that_has_asked_accepts(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    friend = {"id": ann.user_id, "name": "ann", "state": "online"}
    assert add(node.online(bob), ann.user_id) == {"msgid": 22, "errno": 0, "friend": friend}
    assert ann.expect(67)["event"] == "accepted"
    assert friends(node, ann.user_id) == [bob]
    assert friends(node, bob) == [ann.user_id]


def test_the_answers_show_no_accounts(node: Node) -> None:
    """The same for an offline user, a blocking, a disabled and a deleted one, and an unknown id."""
    ann, bob, eve = node.online("ann"), node.user("bob"), node.online("eve")
    eve.ask(MsgType.BLOCK_MSG, userid=ann.user_id)
    off, gone = node.user("off"), node.online("gone")
    node.database.write(lambda tx: UserModel(tx).set_status(off, DISABLED))
    gone.ask(MsgType.DELETE_ACCOUNT_MSG, password=PASSWORD)
    ids = [bob, eve.user_id, off, gone.user_id, 99]
    for other in ids:
        assert add(ann, other) == pending(other)
        assert add(ann, other) == pending(other), "again"
        assert remove(ann, other) == 0
        assert remove(ann, other) == ErrNo.NOT_FOUND
        assert answer(ann, other, accept=True) == answer(ann, other, accept=False) == NOT_ASKED
    eve.nothing_more()


def test_the_limit_shows_no_accounts(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    for other in (97, bob, 98):
        assert add(ann, other)["errno"] == 0
    full = add(ann, 99)
    assert (full["errno"], "wait for an answer" in full["errmsg"]) == (ErrNo.REFUSED, True)
    assert add(ann, 97)["errno"] == 0, "it is one of them"
    assert remove(ann, 97) == 0
    assert add(ann, 99)["errno"] == 0


def test_a_blocked_user(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.ask(MsgType.BLOCK_MSG, userid=bob.user_id)
    assert add(bob, ann.user_id) == pending(ann.user_id)
    assert requests(ann) == []
    for accept in (True, False):
        assert answer(ann, bob.user_id, accept=accept) == NOT_ASKED
    refused = add(ann, bob.user_id)
    assert (refused["errno"], "unblock" in refused["errmsg"]) == (ErrNo.REFUSED, True)
    ann.nothing_more()
    ann.ask(MsgType.UNBLOCK_MSG, userid=bob.user_id)
    assert requests(ann) == [bob.user_id]


def test_to_block_takes_a_request_back(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    ann.ask(MsgType.BLOCK_MSG, userid=bob)
    assert answer(node.online(bob), ann.user_id, accept=True) == NOT_ASKED
    assert friends(node, bob) == []


@pytest.mark.parametrize("how", ["taken back", "disabled", "deleted", "expired"])
def test_a_request_ends(node: Node, how: str) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    if how == "taken back":
        assert remove(ann, bob) == 0
    elif how == "disabled":
        node.database.write(lambda tx: UserModel(tx).set_status(ann.user_id, DISABLED))
    elif how == "deleted":
        ann.ask(MsgType.DELETE_ACCOUNT_MSG, password=PASSWORD)
    else:
        node.clock.date += REQUEST_SECONDS + 1
    client = node.connect()
    assert "friend_requests" not in client.log_in(bob)
    assert requests(client) == []
    assert answer(client, ann.user_id, accept=True) == NOT_ASKED
    assert friends(node, bob) == []


def test_expired_requests_leave_their_places(node: Node) -> None:
    ann = node.online("ann")
    for other in (97, 98, 99):
        add(ann, other)
    node.clock.date += REQUEST_SECONDS + 1
    assert add(ann, 96)["errno"] == 0
    assert add(ann, 97)["errno"] == 0


def test_an_outsider(node: Node) -> None:
    ann, bob, eve = node.online("ann"), node.user("bob"), node.online("eve")
    add(ann, bob)
    assert requests(eve) == []
    assert answer(eve, ann.user_id, accept=True) == NOT_ASKED
    for msgid, fields in (
        (MsgType.FRIEND_REQUESTS_MSG, {}),
        (MsgType.ANSWER_FRIEND_MSG, {"userid": ann.user_id, "accept": True}),
    ):
        answers = [eve.ask(msgid, id=other, **fields) for other in (bob, 99)]
        assert answers[0] == answers[1]
        assert answers[0]["errno"] == ErrNo.NOT_YOU
    assert friends(node, bob) == []


def insert_friend(owner: int, other: int, tx: Transaction) -> None:
    FriendModel(tx).insert(owner, other)


def test_full_lists(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)

    def fill(owner: int) -> None:
        others = [node.user(f"{owner} {number}") for number in range(3)]
        for other in others:
            node.database.write(partial(insert_friend, owner, other))

    client = node.online(bob)
    fill(ann.user_id)
    full = answer(client, ann.user_id, accept=True)
    assert (full["errno"], "the list of the other" in full["errmsg"]) == (1, True)
    assert friends(node, bob) == []
    fill(bob)
    full = answer(client, ann.user_id, accept=True)
    assert (full["errno"], "your list" in full["errmsg"]) == (1, True)
    assert requests(client) == [ann.user_id], "it waits"
    assert add(client, 99)["errno"] == 1


def test_to_remove_a_friend_ends_both_directions(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    client = node.online(bob)
    answer(client, ann.user_id, accept=True)
    ann.expect(67)
    assert remove(client, ann.user_id) == 0
    assert friends(node, ann.user_id) == friends(node, bob) == []
    node.database.write(lambda tx: FriendModel(tx).insert(ann.user_id, bob))
    assert remove(client, ann.user_id) == ErrNo.NOT_FOUND, "it is not in the own list"
    assert friends(node, ann.user_id) == [bob]


def test_a_new_account_has_no_requests(node: Node) -> None:
    ann = node.online("ann")
    future = ann.user_id + 1
    add(ann, future)
    reply = node.connect().ask(MsgType.REG_MSG, v=2, name="bob", password=PASSWORD)
    assert reply["id"] == future
    assert requests(node.online(future)) == []


def test_a_classic_client(node: Node) -> None:
    """It can ask. It gets no notice, and no answer, as for every added user."""
    ann, bob = node.online("ann", v2=False), node.online("bob", v2=False)
    ann.send(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    ann.nothing_more()
    bob.nothing_more()
    bob.leave()
    assert requests(node.online(bob.user_id)) == [ann.user_id]


def test_a_hidden_state(make_node: Callable[..., Node]) -> None:
    node = make_node(approve=True, visibility=Visibility(NONE))
    ann, bob = node.online("ann"), node.online("bob")
    add(ann, bob.user_id)
    assert "state" not in bob.next()
    assert answer(bob, ann.user_id, accept=True)["friend"]["state"] == "offline"
    assert ann.next()["state"] == "offline"


def test_the_newest_hundred(node: Node) -> None:
    bob = node.user("bob")
    asking = [node.user(f"user {number}", "x") for number in range(101)]

    def insert(tx: Transaction) -> None:
        rows = [(by, bob, node.clock.date + by) for by in asking]
        tx.insert_rows("friendrequest", ("userid", "friendid", "time"), rows)

    node.database.write(insert)
    client = node.connect()
    assert len(client.log_in(bob)["friend_requests"]) == 100
    assert requests(client) == asking[:0:-1]


class RecordingBus(LocalBus[Payload]):
    """A bus with other nodes, which keeps what it would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Payload] = []

    @property
    def alone(self) -> bool:
        return False

    def tell(self, payloads: Sequence[Payload]) -> None:
        self.told += payloads


def test_a_user_at_another_node(make_node: Callable[..., Node]) -> None:
    bus = RecordingBus()
    node = make_node(approve=True, bus=bus)
    ann, bob = node.online("ann"), node.user("bob")
    add(ann, bob)
    assert Notice(bob, ASKED, (ann.user_id,)) in bus.told


def test_a_notice_of_another_node(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    hear = node.context.friend_notices.heard
    for word in (ASKED, ACCEPTED):
        hear(Notice(bob.user_id, word, (ann.user_id,)))  # forged, or not true any more
    bob.nothing_more()
    add(ann, bob.user_id)
    assert bob.next()["event"] == "asked"
    hear(Notice(bob.user_id, ASKED, (ann.user_id,)))
    assert bob.next()["event"] == "asked"
    hear(Notice(99, ASKED, (ann.user_id,)))


def test_with_open_requests(make_node: Callable[..., Node]) -> None:
    """Requests from a time with the other setting can still be answered."""
    node = make_node()
    ann, bob = node.online("ann"), node.online("bob")
    assert requests(ann) == []
    assert answer(ann, bob.user_id, accept=True) == NOT_ASKED
    assert add(ann, bob.user_id)["friend"]["name"] == "bob"
    assert friends(node, bob.user_id) == []
    ann.nothing_more()
    bob.nothing_more()
