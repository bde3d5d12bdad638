"""The list of conversations: in the answer to a login, and in pages."""

from __future__ import annotations

from typing import Any

from chat.protocol import LISTED_CONVERSATIONS, MAX_ID, Message, MsgType
from chat.storage.tables import ConversationModel, LogRow, MessageModel
from tests.chat.nodekit import Client, Node


def log_in(node: Node, user_id: int, **fields: Any) -> tuple[Client, Message]:
    """A client that says that it knows devices, and the answer to its login."""
    client = node.connect()
    answer = client.log_in(user_id, devices=True, **fields)
    assert answer["errno"] == 0, answer
    return client, answer


def listed(node: Node, user_id: int) -> list[Message]:
    """The conversations in the answer to a new login, which then ends."""
    client, answer = log_in(node, user_id)
    client.leave()
    found: list[Message] = answer["conversations"]
    return found


def names(conversations: list[Message]) -> list[str]:
    return [entry.get("name") or entry["groupname"] for entry in conversations]


def test_a_login_lists_the_conversations_by_their_last_messages(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    tea = ann.make_group("tea", bob)
    ann.deliver(eve, "first")
    bob.deliver(ann, "second")
    ann.expect(MsgType.ONE_CHAT_MSG)
    ann.tell(tea, "third")
    ann.expect(MsgType.CHAT_ACK)
    seq = ann.deliver(bob, "x" * 200)["seq"]
    time = node.clock.text()
    ann_id = ann.user_id
    ann.leave()
    _, answer = log_in(node, ann_id)
    entries = answer["conversations"]
    assert names(entries) == ["bob", "tea", "eve"]
    last = entries[0].pop("last")
    assert last.pop("time") <= time
    assert last == {"seq": seq, "id": ann_id, "name": "ann", "msg": "x" * 100, "cut": True}
    assert entries[0] == {
        "with": bob.user_id,
        "name": "bob",
        "read": 0,
        "unread": 1,
        "other_read": 0,
    }
    assert entries[1]["groupid"] == tea
    assert entries[1]["last"]["msg"] == "third"
    assert "cut" not in entries[1]["last"]
    assert [entry["unread"] for entry in entries] == [1, 0, 0], "own messages are not unread"
    assert answer["receipts"] is True
    assert "conversations_more" not in answer
    assert "muted" not in answer


def test_other_clients_get_no_list(node: Node) -> None:
    ann = node.user("ann")
    node.online("bob").deliver(ann)
    for fields in ({}, {"devices": False}):
        client = node.connect()
        answer = client.log_in(ann, **fields)
        assert not {"conversations", "muted", "receipts"} & answer.keys()
        client.leave()
    client = node.connect(v2=False)
    assert "conversations" not in client.log_in(ann, devices=True)


def test_unread_messages_are_counted_up_to_a_bound(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    for number in range(120):
        ann.say(bob, str(number))
    for _ in range(120):
        ann.expect(MsgType.CHAT_ACK)
    (entry,) = listed(node, bob)
    assert (entry["unread"], entry["unread_more"]) == (100, True)


def test_with_many_unread_conversations_less_of_each_is_looked_at(node: Node) -> None:
    bob = node.user("bob")
    users = [node.user(f"user {number}") for number in range(50)]
    rows = [
        LogRow(user, f"{number}", 6, bob, "hi", "now", None)
        for user in users
        for number in range(30)
    ]
    node.database.write(lambda tx: MessageModel(tx).insert_new(rows))
    node.database.write(lambda tx: ConversationModel(tx).fill())
    node.database.write(lambda tx: tx.execute("UPDATE conversation SET readmark = 0"))
    entries = listed(node, bob)
    assert len(entries) == 50
    assert {entry["unread"] for entry in entries} == {20}
    assert all(entry["unread_more"] for entry in entries)


def test_the_rest_comes_in_pages(node: Node) -> None:
    ann = node.user("ann")
    users = [node.user(f"user {number}") for number in range(LISTED_CONVERSATIONS + 30)]
    rows = [LogRow(user, "1", 6, ann, "hi", "now", None) for user in users]
    node.database.write(lambda tx: MessageModel(tx).insert_new(rows))
    node.database.write(lambda tx: ConversationModel(tx).fill())
    client, answer = log_in(node, ann)
    first = answer["conversations"]
    assert len(first) == LISTED_CONVERSATIONS
    assert answer["conversations_more"] is True
    before = first[-1]["last"]["seq"]
    page = client.ask(MsgType.CONVERSATIONS_MSG, before=before, limit=20)
    assert (len(page["conversations"]), page["more"]) == (20, True)
    before = page["conversations"][-1]["last"]["seq"]
    rest = client.ask(MsgType.CONVERSATIONS_MSG, before=before)
    assert (len(rest["conversations"]), rest["more"]) == (10, False)
    found = [*first, *page["conversations"], *rest["conversations"]]
    assert [entry["with"] for entry in found] == users[::-1]
    assert client.ask(MsgType.CONVERSATIONS_MSG)["conversations"] == first
    for wrong in ({"limit": 0}, {"limit": 101}, {"before": 0}):
        assert client.ask(MsgType.CONVERSATIONS_MSG, **wrong)["errno"] == 4


def test_a_group_is_listed_to_its_members_from_their_joining(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    eve = node.user("eve")
    tea = ann.make_group("tea", bob)
    ann.tell(tea, "before eve")
    ann.expect(MsgType.CHAT_ACK)
    assert listed(node, eve) == [], "an outsider"
    client, _ = log_in(node, eve)
    assert client.ask(MsgType.ADD_GROUP_MSG, groupid=tea)["errno"] == 0
    assert client.ask(MsgType.CONVERSATIONS_MSG)["conversations"] == []
    ann.tell(tea, "for eve")
    ann.expect(MsgType.CHAT_ACK)
    (entry,) = client_page(client)["conversations"]
    assert (entry["last"]["msg"], entry["unread"]) == ("for eve", 1)
    assert ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=tea, userid=eve)["errno"] == 0
    assert client_page(client)["conversations"] == [], "removed"
    assert client.ask(MsgType.ADD_GROUP_MSG, groupid=tea)["errno"] == 0
    assert client_page(client)["conversations"] == [], "a new member again"


def client_page(client: Client, **fields: Any) -> Message:
    """CONVERSATIONS_ACK; messages and notices that come first are dropped."""
    client.send(MsgType.CONVERSATIONS_MSG, **fields)
    while (answer := client.next())["msgid"] != MsgType.CONVERSATIONS_ACK:
        pass
    return answer


def test_an_event_of_a_group_is_the_last_message(node: Node) -> None:
    """For named devices: others do not know events."""
    ann = node.online("ann", device="laptop", devices=True)
    bob, eve = node.online("bob"), node.online("eve")
    outsider = node.online("joe", device="phone", devices=True)
    tea = ann.make_group("tea")
    entry = client_page(ann)["conversations"][0]
    me = {"userid": ann.user_id, "name": "ann", "by": ann.user_id, "byname": "ann"}
    assert (entry["groupid"], entry["groupname"], entry["unread"]) == (tea, "tea", 0)
    last = entry["last"]
    assert last.pop("time")
    created = last.pop("seq")
    assert last == {"event": "created", **me, "groupname": "tea"}
    ann.say(bob, "hello")
    bob.expect(MsgType.ONE_CHAT_MSG)
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=tea)["errno"] == 0
    assert eve.ask(MsgType.ADD_GROUP_MSG, groupid=tea)["errno"] == 0
    bob.tell(tea, "a message")
    bob.expect(MsgType.CHAT_ACK)
    ann.until(lambda: any(one["msgid"] == MsgType.GROUP_CHAT_MSG for one in ann.inbox))
    ann.inbox.clear()
    assert ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=tea, userid=eve.user_id)["errno"] == 0
    first, second = client_page(ann)["conversations"]
    assert (first["last"]["event"], first["last"]["name"], first["unread"]) == ("removed", "eve", 1)
    assert first["last"]["seq"] > second["last"]["seq"] > created
    older = client_page(ann, before=first["last"]["seq"])["conversations"]
    assert [entry["with"] for entry in older] == [bob.user_id], "a conversation is on one page"
    seq = first["last"]["seq"]
    assert ann.ask(MsgType.READ_MSG, groupid=tea, seq=seq)["errno"] == 0, "an event can be read"
    assert client_page(ann)["conversations"][0]["unread"] == 0
    (entry,) = [entry for entry in client_page(bob)["conversations"] if "groupid" in entry]
    assert entry["last"]["msg"] == "a message", "the unnamed device"
    for stranger in (eve, outsider):
        assert client_page(stranger)["conversations"] == [], "removed, or never a member"
    again = node.connect()
    answer = again.log_in(ann.user_id, device="desk", devices=True)
    assert answer["conversations"][0]["last"]["event"] == "removed"


def test_deleted_messages_are_not_listed(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    seq = ann.deliver(bob)["seq"]
    assert len(listed(node, bob)) == 1
    node.database.write(lambda tx: tx.execute("DELETE FROM offlinemessage"))
    node.database.write(lambda tx: MessageModel(tx).delete([seq]))
    assert listed(node, bob) == []


def test_a_conversation_with_a_deleted_user_stays(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ann.deliver(bob, "goodbye")
    assert ann.ask(MsgType.DELETE_ACCOUNT_MSG, password="secret-1")["errno"] == 0
    (entry,) = listed(node, bob)
    assert entry["name"].startswith("deleted")
    rows = node.database.read(lambda tx: tx.query("SELECT userid FROM conversation"))
    assert rows == [(bob,)]


def test_notes_to_oneself(node: Node) -> None:
    ann = node.online("ann", devices=True)
    ann.say(ann, "milk")
    ann.take(2)
    (entry,) = client_page(ann)["conversations"]
    assert (entry["with"], entry["name"], entry["unread"]) == (ann.user_id, "ann", 0)


def test_the_largest_ids(node: Node) -> None:
    ann = node.user("ann")
    columns = ("id", "name", "password")
    node.database.write(lambda tx: tx.insert_rows("user", columns, [(MAX_ID, "max", "x")]))
    rows = [LogRow(MAX_ID, "1", 6, ann, "hi", "now", None)]
    node.database.write(lambda tx: MessageModel(tx).insert_new(rows))
    node.database.write(lambda tx: ConversationModel(tx).fill())
    (entry,) = listed(node, ann)
    assert (entry["with"], entry["name"]) == (MAX_ID, "max")
