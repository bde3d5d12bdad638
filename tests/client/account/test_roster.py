from __future__ import annotations

from dataclasses import replace

from client.account.roster import Roster
from client.values import (
    Account,
    ChatMessage,
    Friend,
    Group,
    GroupNotice,
    Invitation,
    Member,
    Presence,
)

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


def names(changed: Roster, group_id: int) -> list[str]:
    (group,) = [group for group in changed.account.groups if group.id == group_id]
    return [member.name for member in group.members]


def test_notices_about_members() -> None:
    changed = roster()
    changed.take_group_notice(GroupNotice("joined", 7, 3, 3, name="cat"))
    assert names(changed, 7) == ["ann", "bob", "cat"]
    for event, user_id in (("left", 3), ("removed", 2), ("banned", 99)):
        changed.take_group_notice(GroupNotice(event, 7, user_id, 1))
    assert names(changed, 7) == ["ann"]
    changed.take_group_notice(GroupNotice("praised", 7, 1, 1))


def test_a_list_of_members_that_is_older_than_a_notice() -> None:
    changed = roster()
    since = changed.heard
    changed.take_group_notice(GroupNotice("joined", 7, 3, 3, name="cat"))
    changed.set_members(7, (ANN, BOB), since)
    assert names(changed, 7) == ["ann", "bob", "cat"]
    changed.set_members(7, (ANN, BOB), changed.heard)
    assert names(changed, 7) == ["ann", "bob"]


def test_notices_about_roles() -> None:
    changed = roster()
    changed.take_group_notice(GroupNotice("role", 7, 2, 1, role="admin"))
    changed.take_group_notice(GroupNotice("role", 7, 2, 1, role="creator"))
    roles = {member.name: member.role for member in changed.account.groups[0].members}
    assert roles == {"ann": "admin", "bob": "creator"}


def test_notices_about_a_group() -> None:
    changed = roster()
    renamed = GroupNotice("renamed", 7, 0, 2, group_name="green tea", join="invite")
    changed.take_group_notice(renamed)
    group = changed.account.groups[0]
    assert (group.name, group.desc, group.join) == ("green tea", "", "invite")
    changed.take_group_notice(GroupNotice("dissolved", 7, 0, 2))
    assert [group.id for group in changed.account.groups] == [8]


def test_the_end_of_one_s_own_membership() -> None:
    for event in ("removed", "banned"):
        changed = roster()
        changed.take_group_notice(GroupNotice(event, 7, 1, 2))
        assert [group.id for group in changed.account.groups] == [8]


def test_a_removal_that_is_newer_than_the_answer() -> None:
    changed = roster()
    since = changed.heard
    changed.take_group_notice(GroupNotice("removed", 9, 1, 2))
    changed.add_group(Group(9, "go", "", (ANN,)), since)
    assert [group.id for group in changed.account.groups] == [7, 8]
    changed.add_group(Group(9, "go", "", (ANN,)), changed.heard)
    assert [group.id for group in changed.account.groups] == [7, 8, 9]


def test_invitations() -> None:
    changed = roster()
    for by in (2, 3):
        changed.take_group_notice(GroupNotice("invited", 9, 1, by, group_name="go", by_name="x"))
    assert changed.account.invitations == (Invitation(9, "go", 3, "x"),)
    changed.add_group(Group(9, "go", "", (ANN,)))
    assert not changed.account.invitations


def event(seq: int, word: str, user_id: int, by: int, **fields: str) -> ChatMessage:
    """An event of group 7."""
    notice = GroupNotice(word, 7, user_id, by, **fields)
    return ChatMessage(by, "", "", "", 7, seq, event=notice)


def test_events_that_the_lists_know() -> None:
    changed = Roster(replace(roster().account, newest=9))
    before = changed.account
    changed.take_group_event(event(9, "removed", 1, 2))
    assert changed.account == before
    changed.take_group_event(event(10, "removed", 1, 2))
    assert [group.id for group in changed.account.groups] == [8]


def test_an_own_removal_counts_once() -> None:
    """The answer to the request was first, or another device has sent the request."""
    for answered in (True, False):
        changed = roster()
        if answered:
            changed.remove_member(7, 2)
        changed.take_group_event(event(5, "removed", 2, 1))
        (tea, _) = changed.account.groups
        assert tea.members == (ANN,)
        assert tea.member_count == 1


def test_an_own_group_of_another_device() -> None:
    changed = roster()
    changed.remove_group(7)
    changed.take_group_event(event(5, "created", 1, 1, group_name="tea"))
    assert changed.account.groups[-1] == Group(7, "tea", "", (ANN,), 1)
    before = changed.account
    changed.take_group_event(event(6, "joined", 1, 1, group_name="tea"))
    assert changed.account == before
