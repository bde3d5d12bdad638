"""Events of groups: entries of the log that the devices of the members are owed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chat.delivery import group_events
from chat.delivery.delivery import DIRECT
from chat.delivery.poller import MailboxPoller
from chat.mailbox.gap import fill_gap, open_gaps
from chat.mailbox.mailbox import load
from chat.mailbox_number import mailbox_of
from chat.protocol import ErrNo, Message, MsgType
from chat.storage import StorageError, Transaction
from chat.storage.tables import GroupModel, MessageModel
from tests.chat.delivery.test_devices import add
from tests.chat.nodekit import PASSWORD, Client, Node


def device(node: Node, user: int | Client, number: int = 1) -> int:
    """A named device of the user; returns its mailbox."""
    user_id = user.user_id if isinstance(user, Client) else user
    return node.database.write(lambda tx: add(tx, user_id, number))


def waiting(node: Node, mailbox: int) -> list[Message]:
    """What the device is owed, without the times. The numbers increase."""
    messages, _ = node.database.read(lambda tx: load(tx, mailbox, (), 1000, 1 << 20))
    found = [message.fields(True) for message in messages]
    numbers = [message.pop("seq") for message in found]
    assert numbers == sorted(set(numbers))
    assert all(message.pop("time") for message in found)
    return found


def event(word: str, group: int, **fields: Any) -> Message:
    return {"msgid": 113, "groupid": group, "event": word, **fields}


def did(client: Client, name: str) -> Message:
    return {"by": client.user_id, "byname": name}


def about(client: Client, name: str) -> Message:
    return {"userid": client.user_id, "name": name}


def test_the_members_devices_are_owed_each_change(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    box, hers = device(node, ann), device(node, eve)
    group = ann.make_group("tea", bob)
    ann.ask(MsgType.SET_ROLE_MSG, groupid=group, userid=bob.user_id, role="admin")
    bob.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, groupname="coffee")
    bob.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, groupdesc="black")
    bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)
    ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    by_bob, on_bob = did(bob, "bob"), about(bob, "bob")
    named = {"groupname": "coffee", "groupdesc": "", "join": "open"}
    assert waiting(node, box) == [
        event("created", group, **about(ann, "ann"), **did(ann, "ann"), groupname="tea"),
        event("joined", group, **on_bob, **by_bob, groupname="tea"),
        event("role", group, **on_bob, **did(ann, "ann"), role="admin"),
        event("renamed", group, **by_bob, **named),
        event("changed", group, **by_bob, **{**named, "groupdesc": "black"}),
        event("left", group, **on_bob, **by_bob),
        event("dissolved", group, **did(ann, "ann"), groupname="coffee"),
    ]
    assert waiting(node, hers) == waiting(node, bob.user_id) == waiting(node, ann.user_id) == []


def test_a_new_creator_is_two_events(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    box = device(node, bob)
    ann.ask(MsgType.SET_ROLE_MSG, groupid=group, userid=bob.user_id, role="creator")
    assert [(one["userid"], one["role"]) for one in waiting(node, box)] == [
        (bob.user_id, "creator"),
        (ann.user_id, "admin"),
    ]


@pytest.mark.parametrize(
    ("msgid", "word", "more"),
    [
        (MsgType.REMOVE_MEMBER_MSG, "removed", {}),
        (MsgType.BAN_MEMBER_MSG, "banned", {"reason": "noise"}),
    ],
)
def test_a_removed_user_is_told(node: Node, msgid: int, word: str, more: Message) -> None:
    """Also when the group has ended meanwhile; and it gets nothing that came later."""
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob, eve)
    his, hers = device(node, bob), device(node, eve)
    ann.tell(group, "before")
    ann.expect(MsgType.CHAT_ACK)
    ann.ask(msgid, groupid=group, userid=bob.user_id, **more)
    ann.tell(group, "after")
    ann.expect(MsgType.CHAT_ACK)
    ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    end = event(word, group, **about(bob, "bob"), **did(ann, "ann"), groupname="tea", **more)
    assert [one.get("msg", one.get("event")) for one in waiting(node, his)] == ["before", word]
    assert waiting(node, his)[-1] == end
    words = [one.get("msg", one.get("event")) for one in waiting(node, hers)]
    assert words == ["before", word, "after", "dissolved"]


def test_refused_and_repeated_changes_are_no_events(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob)
    box, hers = device(node, ann), device(node, eve)
    for client in (bob, eve):
        fields = {"groupid": group, "userid": ann.user_id}
        assert client.ask(MsgType.REMOVE_MEMBER_MSG, **fields)["errno"]
        assert client.ask(MsgType.BAN_MEMBER_MSG, **fields)["errno"]
        assert client.ask(MsgType.SET_ROLE_MSG, **fields, role="normal")["errno"]
        assert client.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, groupname="x")["errno"]
        assert client.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"]
    assert eve.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == ErrNo.NOT_A_MEMBER
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == ErrNo.EXISTS
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, groupname="tea")["errno"] == 0
    same = {"groupid": group, "userid": bob.user_id, "role": "normal"}
    assert ann.ask(MsgType.SET_ROLE_MSG, **same)["errno"] == 0
    ban = {"groupid": group, "userid": eve.user_id}  # she is no member
    assert ann.ask(MsgType.BAN_MEMBER_MSG, **ban)["errno"] == 0
    assert waiting(node, box) == waiting(node, hers) == []
    assert ann.ask(MsgType.HISTORY_MSG, groupid=group)["messages"] == []


def test_without_named_devices_the_log_has_no_events(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.make_group("tea", bob)
    assert node.log_rows() == 0
    assert ann.notice()["event"] == "joined"


def test_direct_has_no_events(make_node: Callable[..., Node]) -> None:
    node = make_node(mode=DIRECT)
    ann, bob = node.online("ann"), node.online("bob")
    device(node, ann)
    ann.make_group("tea", bob)
    assert node.log_rows() == 0


def test_an_account_ends(node: Node) -> None:
    """The name of a deleted account is not in the log, and its successor is told."""
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    groups = [ann.make_group("tea", bob), ann.make_group("coffee", bob, eve)]
    mine, his = device(node, ann), device(node, bob)
    ann.ask(MsgType.DELETE_ACCOUNT_MSG, password=PASSWORD)
    gone = {"userid": ann.user_id, "name": f"deleted  {ann.user_id}"}
    by = {"by": gone["userid"], "byname": gone["name"]}
    assert waiting(node, his) == [
        one
        for group in groups
        for one in (
            event("left", group, **gone, **by),
            event("role", group, **about(bob, "bob"), **by, role="creator"),
        )
    ]
    left = node.database.read(lambda tx: tx.query("SELECT extra FROM message"))
    assert all("ann" not in extra for (extra,) in left)
    del mine  # the login of an account with devices deletes their mailboxes


def test_the_last_member_leaves(node: Node) -> None:
    ann = node.online("ann")
    box = device(node, ann)
    group = ann.make_group("tea")
    ann.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)
    assert [one["event"] for one in waiting(node, box)] == ["created", "left"]


def test_renamed_users_have_their_names_of_now(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    box = device(node, ann)
    ann.make_group("tea", bob)
    bob.ask(MsgType.RENAME_MSG, name="robert")
    assert waiting(node, box)[-1]["name"] == "robert"


def test_a_large_group_is_not_told_of_each_member(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_events, "MOST_TOLD", 2)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    his, hers, mine = (device(node, client) for client in (bob, eve, ann))
    group = ann.make_group("tea", bob, eve)
    assert [one["event"] for one in waiting(node, mine)] == ["created", "joined"]
    assert [one["event"] for one in waiting(node, hers)] == ["joined"]
    assert eve.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    assert [one["event"] for one in waiting(node, hers)] == ["joined", "left"]
    assert [one["event"] for one in waiting(node, his)] == ["joined", "left", "dissolved"]


def test_a_gap_brings_events_to_named_devices(node: Node) -> None:
    """In the order of the log, with the messages; an unnamed device gets the messages only."""
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob)
    unnamed, box = device(node, bob, 0), device(node, bob, 1)

    def open_all(tx: Transaction) -> None:
        open_gaps(tx, group, [unnamed, box])

    node.database.write(open_all)
    ann.tell(group, "one")
    ann.expect(MsgType.CHAT_ACK)
    assert eve.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    ann.tell(group, "two")
    ann.expect(MsgType.CHAT_ACK)
    assert waiting(node, box) == []
    for mailbox in (unnamed, box):
        node.database.write(partial(fill_gap, mailbox=mailbox))
    words = [one.get("msg", one.get("event")) for one in waiting(node, box)]
    assert words == ["one", "joined", "two"]
    assert [one["msg"] for one in waiting(node, unnamed)] == ["one", "two"]


def test_a_gap_does_not_keep_the_end_of_a_membership_back(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    his, mine = device(node, bob), device(node, ann)
    node.database.write(lambda tx: open_gaps(tx, group, [his, mine]))
    ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=bob.user_id)
    ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    assert [one["event"] for one in waiting(node, his)] == ["removed"]
    assert [one["event"] for one in waiting(node, mine)] == ["dissolved"]


def test_the_history_of_an_unnamed_device_has_no_events(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    device(node, ann)
    group = ann.make_group("tea", bob)
    ann.tell(group, "hi")
    ann.expect(MsgType.CHAT_ACK)
    assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "hi"
    page = ann.ask(MsgType.HISTORY_MSG, groupid=group)
    assert [message["msg"] for message in page["messages"]] == ["hi"]


def test_events_are_read(node: Node) -> None:
    """The mark of a group may be the number of an event, and no higher one."""
    ann, bob = node.online("ann"), node.online("bob")
    device(node, ann)
    group = ann.make_group("tea", bob)
    newest = node.database.read(lambda tx: MessageModel(tx).newest())
    assert ann.ask(MsgType.READ_MSG, groupid=group, seq=newest)["errno"] == 0
    refused = ann.ask(MsgType.READ_MSG, groupid=group, seq=newest + 1)
    assert refused["errno"] == ErrNo.BAD_REQUEST


def test_no_conversation_of_two_has_them(node: Node) -> None:
    """Also where a user and the group have the same number."""
    ann, bob = node.online("ann"), node.online("bob")
    device(node, ann)
    group = ann.make_group("tea", bob)
    assert group == ann.user_id
    for other in (ann, bob):
        for client in (ann, bob):
            page = client.ask(MsgType.HISTORY_MSG, **{"with": other.user_id})
            assert page["messages"] == []


def test_a_failed_change_leaves_no_event(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have one transaction: a crash before its commit undoes both."""
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    box, before = device(node, ann), node.log_rows()

    def crash(self: GroupModel, group_id: int) -> None:
        raise StorageError("as if killed")

    monkeypatch.setattr(GroupModel, "delete", crash)
    answer = ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    assert answer["errno"] == ErrNo.UNAVAILABLE
    assert waiting(node, box) == []
    assert node.log_rows() == before


def test_mailboxes_of_others_are_not_those_of_the_group(node: Node) -> None:
    """A device whose user has the number of the group, and is no member."""
    ann, bob = node.online("ann"), node.online("bob")
    ann.make_group("tea")
    his = device(node, bob)
    second = ann.make_group("coffee")
    assert second == bob.user_id
    assert his == mailbox_of(bob.user_id, 1)
    assert waiting(node, his) == []


# ---------------------------------------------------------------------- logins with named devices


def on(node: Node, user: int | str, name: str) -> Client:
    """A login with a named device."""
    return node.online(user, devices=True, device=name)


def heard(client: Client) -> str:
    """The word of the next event."""
    event = client.event()
    assert event["seq"] > 0
    word: str = event["event"]
    return word


def test_named_devices_hear_events_and_no_notices(node: Node) -> None:
    """Each of them, the one that makes the change after its answer; unnamed ones get notices."""
    phone, old = on(node, "ann", "phone"), node.online("bob")
    laptop = on(node, phone.user_id, "laptop")
    phone.expect(MsgType.DEVICE_NOTICE_MSG)
    group = phone.make_group("tea")
    assert heard(phone) == heard(laptop) == "created"
    assert old.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    assert heard(phone) == heard(laptop) == "joined"
    about = {"groupid": group, "userid": old.user_id}
    assert phone.ask(MsgType.SET_ROLE_MSG, **about, role="admin")["errno"] == 0
    assert heard(phone) == heard(laptop) == "role"
    assert old.notice()["event"] == "role"
    assert phone.ask(MsgType.REMOVE_MEMBER_MSG, **about)["errno"] == 0
    assert old.notice()["event"] == "removed"
    assert phone.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 0
    for client in (phone, laptop):
        assert [heard(client) for _ in range(2)] == ["removed", "dissolved"]
        client.nothing_more()
        assert client.notices == client.events == []
    old.nothing_more()
    assert old.events == []


def test_a_removed_device_that_is_online(node: Node) -> None:
    ann, bob = on(node, "ann", "a"), on(node, "bob", "b")
    group = ann.make_group("tea", bob)
    assert heard(bob) == "joined"
    ann.send(MsgType.BAN_MEMBER_MSG, groupid=group, userid=bob.user_id, reason="noise")
    banned = bob.event()
    assert (banned["event"], banned["reason"], banned["byname"]) == ("banned", "noise", "ann")
    ann.tell(group, "without bob")
    bob.nothing_more()
    assert bob.events == []


def test_an_acknowledged_event_does_not_come_again(node: Node) -> None:
    """What was not acknowledged comes in the answer to the next login, in order."""
    ann, bob = on(node, "ann", "a"), on(node, "bob", "b")
    group = ann.make_group("tea", bob)
    first = bob.event()["seq"]
    bob.got(first)
    node.until_owed(bob.login.mailbox, 0)
    bob.leave()
    ann.tell(group, "where is bob?")
    ann.send(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    node.until_owed(mailbox_of(bob.user_id, 2), 2)
    again = node.connect().log_in(bob.user_id, devices=True, device="b")
    mail = again["offlinemsg"]
    assert [one.get("msg", one.get("event")) for one in mail] == ["where is bob?", "dissolved"]
    assert again["groups"] == []
    assert again["newest"] == mail[-1]["seq"] > first


def test_the_history_of_a_named_device_has_events(node: Node) -> None:
    ann, bob, eve = on(node, "ann", "a"), node.online("bob"), on(node, "eve", "e")
    group = ann.make_group("tea", bob)
    bob.tell(group, "hi")
    bob.expect(MsgType.CHAT_ACK)
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert ann.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "hi"
    page = ann.ask(MsgType.HISTORY_MSG, groupid=group)
    words = [one.get("msg", one.get("event")) for one in page["messages"]]
    assert words == ["created", "joined", "hi", "left"]
    last = page["messages"][-1]
    assert (last["name"], last["userid"], last["groupid"]) == ("bob", bob.user_id, group)
    page = ann.ask(MsgType.HISTORY_MSG, groupid=group, before=last["seq"], limit=2)
    assert [one.get("msg", one.get("event")) for one in page["messages"]] == ["joined", "hi"]
    assert page["more"]
    for stranger in (bob, eve):
        refused = stranger.ask(MsgType.HISTORY_MSG, groupid=group)
        assert refused["errno"] == ErrNo.NOT_A_MEMBER
        assert "messages" not in refused
    assert eve.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    page = eve.ask(MsgType.HISTORY_MSG, groupid=group)
    assert [one["event"] for one in page["messages"]] == ["joined"], "nothing from before"


def test_a_user_that_is_online_with_a_classic_client(node: Node) -> None:
    ann, bob = on(node, "ann", "a"), node.online("bob", v2=False)
    group = ann.make_group("tea")
    bob.send(MsgType.ADD_GROUP_MSG, groupid=group)
    assert [heard(ann) for _ in range(2)] == ["created", "joined"]
    ann.send(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    assert ann.next()["errno"] == 0
    assert node.owed(bob.user_id) == []
    assert bob.inbox == bob.events == bob.notices == []


def test_a_lost_wake_costs_a_poll(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kill -9 between the commit and the announcement."""
    ann, bob = on(node, "ann", "a"), on(node, "bob", "b")
    group = ann.make_group("tea", bob)
    assert heard(bob) == "joined"
    monkeypatch.setattr(node.delivery.group_events, "announce", lambda recorded: None)
    ann.send(MsgType.DISSOLVE_GROUP_MSG, groupid=group)
    node.until_owed(bob.login.mailbox, 2)
    bob.nothing_more()
    assert bob.events == []
    MailboxPoller(node.passes.loop, node.database, node.logins, node.workers)._look()
    assert heard(bob) == "dissolved"
