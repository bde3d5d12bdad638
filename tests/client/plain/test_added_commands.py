"""The commands that line mode has beside those of the original."""

from __future__ import annotations

import pytest

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack, group_chat, login_ack, one_chat, refuse
from tests.client.plain.menu_run import MenuRun

USERS = [
    {"id": 1, "name": "alice", "state": "online", "role": "creator"},
    {"id": 2, "name": "bob", "state": "offline", "role": "normal"},
]


@pytest.fixture(autouse=True)
def logged_in(server: FakeServer, menu: MenuRun) -> None:
    friends = [{"id": 2, "name": "bob", "state": "online"}]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, friends=friends, devices=True, deviceid=5)
    ]
    server.rules[MsgType.DEVICES_MSG] = lambda r: [ack(MsgType.DEVICES_ACK, r, devices=[])]
    menu.login()


@pytest.mark.parametrize(
    ("line", "msgid", "fields", "shown"),
    [
        ("remove:bob", MsgType.REMOVE_FRIEND_MSG, {"friendid": 2}, "remove success"),
        ("block:9", MsgType.BLOCK_MSG, {"userid": 9}, "block success"),
        ("unblock:9", MsgType.UNBLOCK_MSG, {"userid": 9}, "unblock success"),
        ("mute:bob:on", MsgType.MUTE_MSG, {"with": 2, "muted": True}, "mute success"),
        ("groupmute:7:off", MsgType.MUTE_MSG, {"groupid": 7, "muted": False}, "groupmute success"),
        ("receipts:off", MsgType.SETTINGS_MSG, {"receipts": False}, "receipts success"),
        ("invite:7:bob", MsgType.INVITE_MSG, {"groupid": 7, "userid": 2}, "invite success"),
        ("kick:7:2", MsgType.REMOVE_MEMBER_MSG, {"groupid": 7, "userid": 2}, "kick success"),
        ("ban:7:2:bad: jokes", MsgType.BAN_MEMBER_MSG, {"reason": "bad: jokes"}, "ban success"),
        ("ban:7:2:", MsgType.BAN_MEMBER_MSG, {"userid": 2}, "ban success"),
        ("unban:7:2", MsgType.UNBAN_MEMBER_MSG, {"userid": 2}, "unban success"),
        ("role:7:bob:admin", MsgType.SET_ROLE_MSG, {"role": "admin"}, "role success"),
        ("rename:7:green tea", MsgType.CHANGE_GROUP_MSG, {"groupname": "green tea"}, "rename "),
        ("access:7:invite", MsgType.CHANGE_GROUP_MSG, {"join": "invite"}, "access success"),
        ("leave:7", MsgType.LEAVE_GROUP_MSG, {"groupid": 7}, "leave success"),
        ("nick:ann", MsgType.RENAME_MSG, {"name": "ann"}, "name:ann\n"),
        ("search:tea time", MsgType.SEARCH_MSG, {"query": "tea time"}, "nothing found"),
        ("history:bob", MsgType.HISTORY_MSG, {"with": 2}, "nothing found"),
        ("grouphistory:7", MsgType.HISTORY_MSG, {"groupid": 7}, "nothing found"),
        ("list", MsgType.CONVERSATIONS_MSG, {}, "nothing found"),
        ("bans:7", MsgType.BANS_MSG, {"groupid": 7}, "nothing found"),
        ("find:bo", MsgType.FIND_USER_MSG, {"prefix": True}, "2 bob\n"),
    ],
)
def test_requests(
    server: FakeServer, menu: MenuRun, line: str, msgid: MsgType, fields: object, shown: str
) -> None:
    menu.type(line)
    menu.out.wait_for(shown)
    request = server.expect(msgid)
    assert isinstance(fields, dict)
    assert {name: request.get(name) for name in fields} == fields


def test_lists(server: FakeServer, menu: MenuRun) -> None:
    found = [one_chat(8, "tea?"), one_chat(3, "no tea")]
    server.rules[MsgType.SEARCH_MSG] = lambda r: [
        ack(MsgType.SEARCH_ACK, r, messages=[{**one, "marks": []} for one in found], more=False)
    ]
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=[group_chat(4, "hi\x1b")], more=False)
    ]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=USERS)]
    server.rules[MsgType.BLOCKS_MSG] = lambda r: [ack(MsgType.BLOCKS_ACK, r, userids=[2])]
    server.rules[MsgType.BANS_MSG] = lambda r: [
        ack(
            MsgType.BANS_ACK,
            r,
            bans=[{"userid": 2, "name": "bob", "kind": "banned", "by": 1, "reason": "jokes"}],
            more=False,
        )
    ]
    menu.type("search:tea", "grouphistory:7", "members:7", "blocked", "bans:7", "friends")
    menu.type("invitations", "whoami", "help")
    printed = menu.out.wait_for("dissolve : ")
    assert "bob said: no tea\n2024-01-02 03:04:05 [2]bob said: tea?\n" in printed
    assert "said: hi\\x1b\n1 alice online creator\n2 bob offline normal\n" in printed
    assert "2 bob\n2 bob banned jokes\n2 bob online\nnothing found\n" in printed
    assert "current login user => id:1 name:alice\nshow command list" in printed


def test_a_list_of_conversations(server: FakeServer, menu: MenuRun) -> None:
    one = {"with": 2, "name": "bob", "read": 3, "unread": 2, "muted": True}
    group = {"groupid": 7, "name": "tea", "read": 3, "unread": 99, "unread_more": True}
    rows = [
        {**one, "last": one_chat(5, "hello")},
        {**group, "last": group_chat(4, "all")},
    ]
    server.rules[MsgType.CONVERSATIONS_MSG] = lambda r: [
        ack(MsgType.CONVERSATIONS_ACK, r, conversations=rows, more=False)
    ]
    menu.type("list")
    menu.out.wait_for("2 bob muted (2 unread): hello\n[7] tea (99+ unread): all\n")


@pytest.mark.parametrize("answer", ["y", "n"])
def test_dissolving_asks(server: FakeServer, menu: MenuRun, answer: str) -> None:
    menu.type("dissolve:7", answer, "search:tea")
    printed = menu.out.wait_for("nothing found")
    assert "end group 7 for all members? y/n:" in printed
    assert ("dissolve success" in printed) == (answer == "y")
    if answer == "y":
        server.expect(MsgType.DISSOLVE_GROUP_MSG)
    else:
        assert server.received_nothing_more(MsgType.DISSOLVE_GROUP_MSG)


def test_passwords(server: FakeServer, menu: MenuRun) -> None:
    menu.type("password", "old", "new-1", "new-2")
    menu.out.wait_for("the new passwords differ")
    menu.type("password", "old", "new-1", "new-1")
    menu.out.wait_for("password success")
    request = server.expect(MsgType.CHANGE_PASSWORD_MSG)
    assert (request["old"], request["new"]) == ("old", "new-1")
    menu.type("access:7:password", "secret")
    menu.out.wait_for("access success")
    assert server.expect(MsgType.CHANGE_GROUP_MSG)["password"] == "secret"


def test_refusals(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.BAN_MEMBER_MSG] = refuse(MsgType.BAN_MEMBER_ACK, 9, "not a member\x1b")
    server.rules[MsgType.FIND_USER_MSG] = refuse(MsgType.FIND_USER_ACK, 5, "no such user")
    menu.type("ban:7:2:", "block:zoe", "mute:2:maybe", "role:7:2:king", "end:x", "kick:tea:2")
    printed = menu.out.wait_for("usage: kick:groupid:who (groupid is a number)\n")
    assert "ban failed: not a member\\x1b\nblock failed: no such user\n" in printed
    assert "usage: mute:who:on|off\nusage: role:groupid:who:creator|admin|normal\n" in printed
    assert "the number of a device is expected" in printed


def test_shown_messages_are_read_when_a_person_types(server: FakeServer, menu: MenuRun) -> None:
    server.send(one_chat(8, "one"), one_chat(9, "two"), group_chat(10, "all"))
    menu.out.wait_for("said: all\n")
    assert server.received_nothing_more(MsgType.READ_MSG)
    menu.type("whoami")
    marks = [server.expect(MsgType.READ_MSG) for _ in range(2)]
    assert [(one.get("with"), one.get("groupid"), one["seq"]) for one in marks] == [
        (2, None, 9),
        (None, 7, 10),
    ]
