"""The lists in the answer to a login have a bound, whatever other users do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from chat.handlers.account import LIST_BYTES, MAIL_BYTES
from chat.handlers.login_answer import answer_of
from chat.login.device_rows import Opened
from chat.login.login_flow import Entered
from chat.login.snapshot import MOST_FRIENDS, AnswerRoom, Snapshot
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, Message, MsgType, encode
from chat.storage import Transaction
from chat.storage.tables import CREATOR, NORMAL, Contact, Group, GroupInvitation, GroupUser
from tests.chat.nodekit import Node

MEGABYTE = 1024 * 1024
MANY = 12_000
"""Members of the largest groups here: more than the 10,000 rows that a login reads."""


def fill(node: Node, count: int, longest: str) -> list[int]:
    """Insert users with long names; returns their ids."""

    def work(tx: Transaction) -> list[int]:
        begin: int = tx.query("SELECT COALESCE(MAX(id), 0) FROM user")[0][0]
        names = [(f"{number:05}{longest}", "h") for number in range(begin, begin + count)]
        tx.insert_rows("user", ("name", "password"), names)
        return [
            user_id
            for (user_id,) in tx.query("SELECT id FROM user WHERE id > ? ORDER BY id", (begin,))
        ]

    return node.database.write(work)


def add_members(node: Node, group_id: int, users: list[int]) -> None:
    rows = [(group_id, user_id, NORMAL, 0, number) for number, user_id in enumerate(users, 100)]
    columns = ("groupid", "userid", "grouprole", "since", "joinorder")
    node.database.write(lambda tx: tx.insert_rows("groupuser", columns, rows))


def test_large_groups_do_not_make_a_login_impossible(node: Node) -> None:
    users = fill(node, MANY, "\U0001f600" * 40)
    ann = node.online("ann")
    groups = [ann.make_group(f"group {number}") for number in range(30)]
    for group in groups[:3]:
        add_members(node, group, users)
    for group in groups[3:]:
        add_members(node, group, users[:250])
    user_id = ann.user_id
    for v2 in (True, False):
        ann.leave()
        ann = node.connect(v2=v2)
        answer = ann.log_in(user_id)
        assert answer["errno"] == 0
        assert len(encode(answer)) < MEGABYTE
        assert len(answer["groups"]) == 30
        if v2:
            first = answer["groups"][0]
            assert (len(first["users"]), first["members"], first["more"]) == (200, MANY + 1, True)
            last = answer["groups"][-1]
            assert (last["users"], last["members"], last["more"]) == ([], 251, True)


def test_all_members_come_in_pages(node: Node) -> None:
    users = fill(node, MANY, "")
    ann = node.online("ann")
    group = ann.make_group("tea")
    add_members(node, group, users)
    page = ann.ask(MsgType.MEMBERS_MSG, groupid=group)
    found = [user["id"] for user in page["users"]]
    while page["more"]:
        assert len(page["users"]) == 200
        page = ann.ask(MsgType.MEMBERS_MSG, groupid=group, after=found[-1])
        found += [user["id"] for user in page["users"]]
    assert found == [*users, ann.user_id]
    page = ann.ask(MsgType.MEMBERS_MSG, groupid=group, limit=3)
    assert ([user["id"] for user in page["users"]], page["more"]) == (users[:3], True)


def test_a_page_has_its_limits(node: Node) -> None:
    ann = node.online("ann")
    group = ann.make_group("tea")
    for wrong in ({"limit": 201}, {"limit": 0}, {"after": 0}, {"after": "1"}):
        assert ann.ask(MsgType.MEMBERS_MSG, groupid=group, **wrong)["errno"] == 4


def test_joining_a_large_group(node: Node) -> None:
    users = fill(node, 300, "")
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    add_members(node, group, users)
    joined = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["group"]
    assert (len(joined["users"]), joined["members"], joined["more"]) == (200, 302, True)


def test_a_list_of_friends_that_is_too_long(node: Node) -> None:
    users = fill(node, MOST_FRIENDS + 10, "")
    ann = node.user("ann")
    rows = [(ann, user_id) for user_id in users]
    node.database.write(lambda tx: tx.insert_rows("friend", ("userid", "friendid"), rows))
    answer = node.connect().log_in(ann)
    assert answer["friends_more"] is True
    assert [friend["id"] for friend in answer["friends"]] == users[: len(answer["friends"])]
    assert len(encode(answer)) < MEGABYTE


def test_after_such_an_answer_all_groups_are_heard(node: Node) -> None:
    """Also the groups that are not in the answer."""
    bob = node.online("bob")
    ann = node.online("ann")
    groups = [ann.make_group(f"group {number}", bob) for number in range(3)]
    user_id = bob.user_id
    bob.leave()
    bob = node.online(user_id)
    assert bob.login.groups == set(groups)


# ---------------------------------------------------------------------- the choice

WORST = '"\\\n' * 16  # each character takes two bytes in JSON
ROOM = AnswerRoom(200, 256 * 1024, 200, MAIL_BYTES, LIST_BYTES)


def snapshot(friends: int, groups: int, members: int, mail: int) -> Snapshot:
    users = tuple(GroupUser(n, WORST, "offline", CREATOR) for n in range(10**9, 10**9 + members))
    return Snapshot(
        [Contact(n, WORST, "offline") for n in range(10**9, 10**9 + friends)],
        [Group(10**9 + n, WORST, WORST * 4, users, members + 9) for n in range(groups)],
        False,
        False,
        frozenset(),
        [GroupInvitation(10**9 + n, WORST, 10**9, WORST) for n in range(min(groups, 100))],
        [
            ChatMessage(n, ONE_CHAT, 10**9, WORST, 10**9, "\x01" * 16384, "2026-01-01 00:00:00")
            for n in range(mail)
        ],
        True,
        mail,
    )


def size(lists: Message) -> int:
    return len(encode(lists))


LOGIN: Any = SimpleNamespace(user_id=1, name="ann")


def test_the_worst_lists_fit() -> None:
    entered = Entered(LOGIN, snapshot(5000, 2000, 200, 20), Opened(None, 1))
    for v2 in (True, False):
        answer = answer_of(entered, ROOM, v2=v2)
        lists = answer.lists
        assert MEGABYTE * 0.9 < size(lists) < MEGABYTE - 2000
        assert lists["friends_more"] is lists["groups_more"] is True
        assert 0 < len(answer.mail) == len(lists["offlinemsg"]) < 20
        assert not answer.all_mail


def test_short_lists_are_whole() -> None:
    entered = Entered(LOGIN, snapshot(50, 20, 20, 2), Opened(None, 1))
    answer = answer_of(entered, ROOM, v2=True)
    assert [len(answer.lists[name]) for name in ("friends", "groups", "offlinemsg")] == [50, 20, 2]
    assert all(len(group["users"]) == 20 and group["more"] for group in answer.lists["groups"])
    assert answer.all_mail
    assert "friends_more" not in answer.lists
    assert "groups_more" not in answer.lists
