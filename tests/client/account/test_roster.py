from __future__ import annotations

from client.account.roster import Roster
from client.values import Account, Friend, Group, Member, Presence

ANN = Member(1, "ann", "online", "creator")
BOB = Member(2, "bob", "offline", "normal")
TEA = Group(7, "tea", "four o'clock", (ANN, BOB))
CHESS = Group(8, "chess", "", (ANN,))


def roster() -> Roster:
    friends = (Friend(2, "bob", "offline"), Friend(3, "cat", "online"))
    return Roster(Account(1, "ann", friends, (TEA, CHESS), None))


def test_a_friend_comes() -> None:
    changed = roster()
    before = changed.account
    changed.set_presence(Presence(2, "online"))
    assert changed.account.friends == (Friend(2, "bob", "online"), Friend(3, "cat", "online"))
    assert changed.account.groups[0].members == (ANN, Member(2, "bob", "online", "normal"))
    assert changed.account.groups[1] is CHESS
    assert before.friends[0].state == "offline"  # a snapshot does not change


def test_a_stranger_comes() -> None:
    changed = roster()
    before = changed.account
    changed.set_presence(Presence(99, "online"))
    assert changed.account == before


def test_friends() -> None:
    changed = roster()
    changed.add_friend(Friend(4, "dan", "online"))
    changed.add_friend(Friend(2, "bob", "online"))
    assert [(f.id, f.state) for f in changed.account.friends] == [
        (3, "online"),
        (4, "online"),
        (2, "online"),
    ]
    changed.remove_friend(3)
    changed.remove_friend(99)
    assert [f.id for f in changed.account.friends] == [4, 2]


def test_a_later_notice_is_newer_than_the_answer() -> None:
    changed = roster()
    changed.set_presence(Presence(5, "online"))
    since = changed.heard
    changed.add_friend(Friend(5, "eve", "offline"), since)
    assert changed.account.friends[-1].state == "offline"
    changed.set_presence(Presence(5, "online"))
    changed.add_friend(Friend(5, "eve", "offline"), since)
    assert changed.account.friends[-1].state == "online"


def test_groups() -> None:
    changed = roster()
    created = changed.created_group(9, "go", "stones")
    assert created == Group(9, "go", "stones", (Member(1, "ann", "online", "creator"),), 1)
    changed.add_group(Group(7, "tea", "five o'clock", (ANN,)))
    assert [(g.id, g.desc) for g in changed.account.groups] == [
        (8, ""),
        (9, "stones"),
        (7, "five o'clock"),
    ]
    changed.remove_group(8)
    assert [g.id for g in changed.account.groups] == [9, 7]
    assert repr(changed) == "<Roster of 1: 2 friends, 2 groups>"


def test_members() -> None:
    changed = roster()
    changed.set_members(8, (BOB,))
    assert changed.account.groups[1].members == (BOB,)
    changed.remove_member(7, 2)
    changed.remove_member(99, 2)
    assert changed.account.groups[0].members == (ANN,)
    changed.add_group(Group(7, "tea", "", (ANN,), 300))
    changed.remove_member(7, 2)  # not among the members that are known
    assert changed.account.groups[-1] == Group(7, "tea", "", (ANN,), 299)
