from __future__ import annotations

from client.account.sending import Receipt, Sending
from client.errors import NotConfirmedError, RefusedError
from client.plain.event_lines import EventLines
from client.plain.plain_text import PlainText
from client.values import (
    Account,
    Announcement,
    ChatMessage,
    DeviceNotice,
    FriendNotice,
    Group,
    GroupNotice,
    Member,
)


def test_failed_messages_and_errors_wake_the_console_in_order() -> None:
    wakes: list[None] = []
    lines = EventLines(PlainText("zh"), lambda: wakes.append(None))
    to_user = Sending("m1", 5, False, "x", 0.0)
    to_group = Sending("m2", 7, True, "x", 0.0)
    taken = Sending("m3", 5, False, "x", 0.0)
    for sending in (to_user, to_group, taken):
        lines.watch(sending)
    to_group.set_exception(NotConfirmedError(kept=False))
    lines.server_error("bad\x1b")
    taken.set_result(Receipt("m3", 1, "now"))
    to_user.set_exception(RefusedError(5, "no such user"))
    assert len(wakes) == 3
    assert list(lines.take()) == [
        ("发到群 7 的消息失败：not confirmed by the server", True),
        (r"服务器报告错误：bad\x1b", True),
        ("发给 5 的消息失败：没有这个用户", True),
    ]
    assert list(lines.take()) == []


def test_events_of_groups_have_their_time() -> None:
    lines = EventLines(PlainText(), lambda: None)
    me = Account(1, "ann", (), (), None)

    def event(event: str, by: int, user: int) -> ChatMessage:
        notice = GroupNotice(event, 7, user, by, name="bob", by_name="ann")
        return ChatMessage(by, "ann", "a time", "", 7, 9, event=notice)

    lines.group_event(event("created", 1, 1), me)
    lines.group_event(event("removed", 1, 2), me)
    lines.group_event(event("joined", 2, 2), me)
    lines.group_event(event("painted", 2, 2), me)
    lines.group_event(event("joined", 2, 2), None)
    assert [line.text for line in lines.take()] == [
        "a time group 7: you created the group",
        "a time group 7: you removed bob",
        "a time group 7: bob joined",
    ]


def test_devices() -> None:
    lines = EventLines(PlainText(), lambda: None)
    lines.device_notice(DeviceNotice("new", 3, "phone\x1b"))
    lines.device_notice(DeviceNotice("ended", 3))
    lines.device_notice(DeviceNotice("painted", 3))
    assert [line.text for line in lines.take()] == [
        r"new device: phone\x1b; if it is not yours: end:3",
        "device 3 has ended",
    ]


def test_notices_are_no_failures() -> None:
    lines = EventLines(PlainText(), lambda: None)
    me = Account(
        1, "ann", (), (Group(7, "tea", "", (Member(2, "bob", "online", "normal"),)),), None
    )
    lines.announcement(Announcement("maintenance", ""))
    lines.friend_notice(FriendNotice("asked", 9, "dan\x1b"))
    lines.friend_notice(FriendNotice("waved", 9, "dan"))
    lines.friend_notice(FriendNotice("accepted", 9, "dan"))
    lines.friend_notice(FriendNotice("added", 9, "dan", "online"))
    lines.friend_notice(FriendNotice("declined", 9, "dan"))
    lines.friend_notice(FriendNotice("removed", 9, ""))
    for notice in (
        GroupNotice("joined", 7, 9, 9, name="dan"),
        GroupNotice("left", 7, 8, 8),
        GroupNotice("role", 7, 2, 9, role="admin"),
        GroupNotice("removed", 7, 9, 2, name="dan", by_name="bob"),
        GroupNotice("banned", 7, 9, 2, name="dan", by_name="bob"),
        GroupNotice("banned", 7, 1, 2, name="ann", by_name="bob", reason="jokes"),
        GroupNotice("renamed", 7, 0, 2, group_name="green tea"),
        GroupNotice("changed", 7, 0, 2, group_name="green tea", join="invite"),
        GroupNotice("painted", 7, 0, 2),
        GroupNotice("dissolved", 7, 0, 0),
        GroupNotice("invited", 8, 1, 9, group_name="chess", by_name="dan"),
    ):
        lines.group_notice(notice, me)
        lines.group_notice(notice, None)
    assert [line.text for line in lines.take() if not line.failed] == [
        "announcement of the server: maintenance",
        r"9 dan\x1b asks to be your friend: accept:9 or decline:9",
        "dan (9) has accepted, and is your friend now",
        "another device of yours has added dan (9)",
        "another device of yours has removed 9 (9)",
        "group 7: dan joined",
        "group 7: user 8 left",
        "group 7: new role of bob: admin",
        "group 7: bob removed dan",
        "group 7: bob banned dan",
        "group 7: bob banned you: jokes",
        "group 7: bob renamed the group: green tea",
        "group 7: bob changed the group; who may join: invite",
        "group 7: an operator of the server dissolved the group",
        "dan invites you to the group chess: addgroup:8",
    ]
