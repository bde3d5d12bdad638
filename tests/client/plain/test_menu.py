from __future__ import annotations

import pytest

from chat.protocol import Message, MsgType
from client.timing import Timing
from tests.client.fake_server import (
    WAIT,
    FakeServer,
    Rule,
    ack,
    group_chat,
    login_ack,
    one_chat,
    refuse,
)
from tests.client.plain.menu_run import MenuRun

FRIENDS = [{"id": 2, "name": "bob", "state": "online"}]
GROUPS = [
    {
        "id": 7,
        "groupname": "chess",
        "groupdesc": "for fun",
        "users": [
            {"id": 1, "name": "alice", "state": "online", "role": "creator"},
            {"id": 2, "name": "bob", "state": "offline", "role": "normal"},
        ],
    }
]


def acknowledged(server: FakeServer, count: int) -> list[int]:
    """The first ``count`` acknowledgements, which may come in several frames."""
    seqs: list[int] = []
    while len(seqs) < count:
        seqs += server.expect(MsgType.DELIVERED_MSG)["seqs"]
    return seqs


def test_the_menu(menu: MenuRun) -> None:
    menu.type("4", "", "3")
    assert menu.end() == 0
    rule = "=" * 24
    shown = f"{rule}\n1. login\n2. register\n3. quit\n{rule}\nchoice:\n"
    assert menu.out.getvalue() == f"{shown}invalid input!\n{shown}invalid input!\n{shown}"


def test_register(server: FakeServer, menu: MenuRun) -> None:
    menu.type("2", "alice", "secret")
    printed = menu.out.wait_for("alice register success, userid is 1, do not forget it!\n")
    assert "choice:\nusername:\npassword:\n" in printed
    request = server.expect(MsgType.REG_MSG)
    assert (request["name"], request["password"], request["v"]) == ("alice", "secret", 2)


@pytest.mark.parametrize(
    ("errno", "errmsg", "line"),
    [
        (1, "this name is taken", "alice is already exist, register error!"),
        (4, "password: too short", "alice register failed: password: too short"),
    ],
)
def test_register_failures(
    server: FakeServer, menu: MenuRun, errno: int, errmsg: str, line: str
) -> None:
    server.rules[MsgType.REG_MSG] = refuse(MsgType.REG_MSG_ACK, errno, errmsg)
    menu.type("2", "alice", "secret", "3")
    assert menu.end() == 0
    assert f"\n{line}\n" in menu.out.getvalue()


def test_login_shows_everything_in_order(server: FakeServer, menu: MenuRun) -> None:
    stored = [one_chat(3, "hi"), group_chat(4, "all")]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, friends=FRIENDS, groups=GROUPS, offlinemsg=stored)
    ]
    menu.login()
    printed = menu.out.getvalue()
    assert printed.partition("id:\npassword:\n")[2].partition("help : ")[0] == (
        "======================login user======================\n"
        "current login user => id:1 name:alice\n"
        "----------------------friend list---------------------\n"
        "2 bob online\n"
        "----------------------group list----------------------\n"
        "7 chess for fun\n"
        "1 alice online creator\n"
        "2 bob offline normal\n"
        "======================================================\n"
        "2024-01-02 03:04:05 [2]bob said: hi\n"
        "群消息[7]:2024-01-02 03:04:05 [2]bob said: all\n"
        "show command list >>>\n"
    )
    request = server.expect(MsgType.LOGIN_MSG)
    assert (request["id"], request["password"], request["v"]) == (1, "secret", 2)
    assert acknowledged(server, 2) == [3, 4]


@pytest.mark.parametrize(
    ("errno", "line"),
    [
        (1, "id or password is invalid!"),
        (2, "this account is using, input another!"),
        (8, "login failed: words"),
    ],
)
def test_login_failures(server: FakeServer, menu: MenuRun, errno: int, line: str) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, errno, "words")
    menu.type("1", "1", "secret", *(["n"] if errno == 2 else []), "3")
    assert menu.end() == 0
    assert f"\n{line}\n" in menu.out.getvalue()


def test_a_login_by_name(server: FakeServer, menu: MenuRun) -> None:
    menu.type("1", "li si", "secret")
    menu.out.wait_for("current login user => id:1 name:li si\n")
    assert server.expect(MsgType.LOGIN_MSG)["name"] == "li si"
    menu.type("chat:bob:hello: you")
    assert server.expect(MsgType.FIND_USER_MSG)["name"] == "bob"
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"]) == (2, "hello: you")
    menu.type("addfriend:bob", "addgroup:5")  # later: another thread sends messages
    menu.out.wait_for("join group success")
    assert server.expect(MsgType.ADD_FRIEND_MSG)["friendname"] == "bob"
    server.rules[MsgType.FIND_USER_MSG] = refuse(MsgType.FIND_USER_ACK, 5, "no such user")
    menu.type("chat:zoe:hi")
    menu.out.wait_for("message to zoe failed: no such user\n")


def test_a_failed_message_names_its_receiver(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS)]
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [
        ack(MsgType.CHAT_ACK, r, 11, mid=r["mid"], errmsg="does not take messages from you")
    ]
    menu.login()
    menu.type("chat:2:hi")
    menu.out.wait_for("message to bob failed: does not take messages from you\n")


def test_a_login_without_a_name(menu: MenuRun) -> None:
    menu.type("1", " ", "3")
    assert menu.end() == 0
    assert "\ntype a name or an id!\n" in menu.out.getvalue()
    assert "password:" not in menu.out.getvalue()


def test_login_without_answer(server: FakeServer) -> None:
    del server.rules[MsgType.LOGIN_MSG]
    with MenuRun(server.port, Timing(answer=0.05)) as menu:
        menu.type("1", "1", "secret", "3")
        assert menu.end() == 0
        assert "\nlogin failed: no answer from the server within 0.05 s\n" in menu.out.getvalue()


def test_commands_that_succeed(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    menu.type("addfriend:3", "creategroup:chess:for fun: much", "addgroup:5")
    printed = menu.out.wait_for("join group success: 5 g d\n")
    assert "add friend success: 3 bob offline\n" in printed
    assert "create group success, groupid is 4, groupname is chess\n" in printed
    assert server.expect(MsgType.ADD_FRIEND_MSG)["friendid"] == 3
    created = server.expect(MsgType.CREATE_GROUP_MSG)
    assert (created["groupname"], created["groupdesc"]) == ("chess", "for fun: much")
    assert server.expect(MsgType.ADD_GROUP_MSG)["groupid"] == 5


def test_commands_that_fail(server: FakeServer, menu: MenuRun) -> None:
    refusals = {
        MsgType.ADD_FRIEND_MSG: MsgType.ADD_FRIEND_ACK,
        MsgType.CREATE_GROUP_MSG: MsgType.CREATE_GROUP_ACK,
        MsgType.ADD_GROUP_MSG: MsgType.ADD_GROUP_ACK,
        MsgType.LOGINOUT_MSG: MsgType.LOGINOUT_ACK,
    }
    for request, answer in refusals.items():
        server.rules[request] = refuse(answer, 5, "no\x1b")
    menu.login()
    menu.type("addfriend:3", "creategroup:chess:", "addgroup:4", "", "loginout")
    printed = menu.out.wait_for("loginout failed: no\\x1b\n")
    assert "add friend 3 failed: no\\x1b\n" in printed
    assert "create group chess failed: no\\x1b\n" in printed
    assert "join group 4 failed: no\\x1b\n" in printed


def test_friends_and_groups_that_are_there_already(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS, groups=GROUPS)]
    menu.login()
    menu.type("addfriend:2", "addgroup:7")
    printed = menu.out.wait_for("join group 7 failed: is a member already\n")
    assert "add friend 2 failed: is a friend already\n" in printed


def test_lines_that_are_no_commands(menu: MenuRun) -> None:
    menu.login()
    menu.type("dance", "chat: :hi", "chat:5", "", "quit")
    assert menu.end() == 0
    assert menu.out.getvalue().endswith(
        "invalid input command!\n"
        "usage: chat:friendid:message\n"
        "usage: chat:friendid:message\n"
        "invalid input command!\n"
    )


def test_help(menu: MenuRun) -> None:
    menu.login()
    menu.type("help", "quit")
    assert menu.end() == 0
    assert menu.out.getvalue().count("chat : one-to-one chat, chat:friendid:message\n") == 2


def test_messages_that_arrive_are_shown_and_acknowledged(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    server.send(one_chat(8, "a\x1b[2J"), group_chat(9, "b\n"))
    printed = menu.out.wait_for("群消息[7]:2024-01-02 03:04:05 [2]bob said: b\\n\n")
    assert "\n2024-01-02 03:04:05 [2]bob said: a\\x1b[2J\n" in printed
    assert acknowledged(server, 2) == [8, 9]


def test_chat(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    menu.type("chat:5:see: http://x 你好 😀", "groupchat:7:a:b")
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert (sent["toid"], sent["msg"], sent["id"]) == (5, "see: http://x 你好 😀", 1)
    sent = server.expect(MsgType.GROUP_CHAT_MSG)
    assert (sent["groupid"], sent["msg"]) == (7, "a:b")


def test_chat_does_not_wait_for_its_ack(server: FakeServer, menu: MenuRun) -> None:
    del server.rules[MsgType.ONE_CHAT_MSG]
    menu.login()
    menu.type("chat:5:a", "chat:5:b", "help")
    first, second = server.expect(MsgType.ONE_CHAT_MSG), server.expect(MsgType.ONE_CHAT_MSG)
    server.send(*(ack(MsgType.CHAT_ACK, r, mid=r["mid"]) for r in (first, second)))


@pytest.mark.parametrize("ending", ["end of input", "quit", "loginout"])
def test_failures_of_chats_are_shown_before_leaving(
    server: FakeServer, menu: MenuRun, ending: str
) -> None:
    del server.rules[MsgType.ONE_CHAT_MSG]
    menu.login()
    menu.type("chat:5:x")
    if ending == "end of input":
        menu.end_input()
    else:
        menu.type(ending)
        menu.end_input()
    sent = server.expect(MsgType.ONE_CHAT_MSG)
    assert server.received_nothing_more(MsgType.LOGINOUT_MSG)
    server.send(ack(MsgType.CHAT_ACK, sent, 5, mid=sent["mid"], errmsg="no such user"))
    assert menu.end() == 0
    assert "\nmessage to 5 failed: no such user\n" in menu.out.getvalue()
    server.expect(MsgType.LOGINOUT_MSG)


def test_chats_without_an_ack(server: FakeServer) -> None:
    del server.rules[MsgType.GROUP_CHAT_MSG]
    with MenuRun(server.port, Timing(chat_acks=0.05)) as menu:
        menu.login()
        menu.type("groupchat:7:x", "quit")
        assert menu.end() == 0
        assert "\nmessage to group 7 failed: not confirmed by the server\n" in menu.out.getvalue()


def test_a_long_script_waits_for_acks(server: FakeServer, menu: MenuRun) -> None:
    """Else the program ends before the server has taken the last messages."""
    del server.rules[MsgType.ONE_CHAT_MSG]
    menu.login()
    menu.type(*(f"chat:5:{number}" for number in range(201)), "help", "quit")
    sent = [server.expect(MsgType.ONE_CHAT_MSG) for _ in range(200)]
    assert menu.out.getvalue().count("show command list") == 1  # the help waits behind them
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [ack(MsgType.CHAT_ACK, r, mid=r["mid"])]
    server.send(*(ack(MsgType.CHAT_ACK, request, mid=request["mid"]) for request in sent))
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "200"
    assert menu.end() == 0


def test_a_message_too_long_for_a_frame(menu: MenuRun) -> None:
    menu.login()
    menu.type_bytes(b"chat:5:" + b"x" * 50_000)
    menu.type_bytes(b"x" * 20_000 + b"\n")
    assert "message to 5 failed: too long" in menu.out.wait_for("at most 16384)\n")
    menu.type("quit")
    assert menu.end() == 0


def test_log_out_and_in_again_on_one_connection(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    for user_id in (2, 3):
        menu.type("loginout")
        menu.out.wait_for("loginout success\n")
        server.expect(MsgType.LOGINOUT_MSG)
        menu.type("1", str(user_id), "secret")
        menu.out.wait_for(f"current login user => id:{user_id} name:alice\n")
    menu.type("addfriend:5", "quit")
    assert menu.end() == 0
    assert server.expect(MsgType.ADD_FRIEND_MSG)["id"] == 3


def test_the_whole_script_at_once(server: FakeServer, menu: MenuRun) -> None:
    menu.type("2", "alice", "secret", "1", "1", "secret", "addfriend:2", "chat:2:hi", "loginout")
    menu.type("1", "1", "secret", "groupchat:7:all")
    menu.end_input()
    assert menu.end() == 0
    printed = menu.out.getvalue()
    order = [
        "alice register success",
        "login user => id:1 name:alice",
        "add friend success: 2 bob offline",
        "loginout success",
        "login user => id:1 name:alice",
    ]
    position = 0
    for text in order:
        position = printed.index(text, position) + 1
    assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == "hi"
    server.expect(MsgType.LOGINOUT_MSG)
    assert server.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "all"
    server.expect(MsgType.LOGINOUT_MSG)


def test_names_that_would_drive_the_terminal(server: FakeServer, menu: MenuRun) -> None:
    evil = [{"id": 2, "name": "\x1b]0;x\x07", "state": "\r"}]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, name="a\u202eb", friends=evil)]
    menu.login()
    printed = menu.out.getvalue()
    assert "name:a\\u202eb\n" in printed
    assert "2 \\x1b]0;x\\x07 \\r\n" in printed


def test_errors_and_unknown_messages(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    server.send({"msgid": 99, "x": 1}, {"msgid": 31, "errno": 4, "errmsg": "unknown msgid"})
    menu.out.wait_for("error from the server: unknown msgid\n")
    menu.type("quit")
    assert menu.end() == 0


@pytest.mark.parametrize("where", ["menu", "password", "chat"])
def test_lost_connection_ends_the_program_at_any_prompt(
    server: FakeServer, menu: MenuRun, where: str
) -> None:
    if where == "menu":
        menu.out.wait_for("choice:")
    elif where == "password":
        menu.type("2", "alice")
        menu.out.wait_for("password:")
    else:
        menu.login()
    server.send({"msgid": 32, "reason": "draining", "reconnect": True})
    server.hang_up()
    assert menu.end() == 1
    assert "the server is about to close the connection: draining\n" in menu.out.getvalue()
    assert menu.err.getvalue() == "connection to server lost: closed by the server\n"


def test_lost_connection_while_waiting_for_an_answer(server: FakeServer, menu: MenuRun) -> None:
    del server.rules[MsgType.ONE_CHAT_MSG]
    del server.rules[MsgType.ADD_FRIEND_MSG]
    menu.login()
    menu.type("chat:5:x", "addfriend:5")
    server.expect(MsgType.ADD_FRIEND_MSG)
    server.send(one_chat(3, "last words"))
    server.hang_up()
    assert menu.end() == 1
    printed = menu.out.getvalue()
    assert "said: last words\n" in printed
    assert "message to 5 failed: not confirmed by the server\n" in printed
    assert "connection to server lost" in menu.err.getvalue()


def test_lost_connection_amid_a_long_script(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    menu.type("chat:5:x")
    server.expect(MsgType.ONE_CHAT_MSG)
    server.hang_up()
    menu.end()
    assert "connection to server lost" in menu.err.wait_for("\n")


def test_end_of_input_when_not_logged_in(server: FakeServer, menu: MenuRun) -> None:
    menu.end_input()
    assert menu.end() == 0
    assert server.received_nothing_more(MsgType.LOGINOUT_MSG)


def test_a_server_that_does_not_answer_the_good_bye(server: FakeServer) -> None:
    del server.rules[MsgType.LOGINOUT_MSG]
    with MenuRun(server.port, Timing(answer=WAIT, goodbye=0.05)) as menu:
        menu.login()
        menu.end_input()
        assert menu.end() == 0


def test_end_the_other_session(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 2, "in use")
    menu.type("1", "1", "secret")
    menu.out.wait_for("log in here and end the other session? y/n:")
    assert "replace" not in server.expect(MsgType.LOGIN_MSG)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    menu.type("y")
    menu.out.wait_for("current login user => id:1")
    assert server.expect(MsgType.LOGIN_MSG)["replace"] is True


def test_leave_the_other_session_alone(server: FakeServer, menu: MenuRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = refuse(MsgType.LOGIN_MSG_ACK, 2, "in use")
    menu.type("1", "1", "secret", "n", "3")
    assert menu.end() == 0
    server.expect(MsgType.LOGIN_MSG)
    assert server.received_nothing_more(MsgType.LOGIN_MSG)


def test_register_with_an_invitation(server: FakeServer, menu: MenuRun) -> None:
    def answer(request: Message) -> list[Message]:
        if request.get("code") == "abc":
            return [ack(MsgType.REG_MSG_ACK, request, id=1)]
        return [ack(MsgType.REG_MSG_ACK, request, 1, errmsg="code", invitation=True)]

    server.rules[MsgType.REG_MSG] = answer
    menu.type("2", "alice", "secret")
    menu.out.wait_for("invitation code:")
    menu.type(" abc ")
    menu.out.wait_for("alice register success, userid is 1")
    assert "code" not in server.expect(MsgType.REG_MSG)
    assert server.expect(MsgType.REG_MSG)["password"] == "secret"


def test_a_group_with_a_password(server: FakeServer, menu: MenuRun) -> None:
    joined = server.rules[MsgType.ADD_GROUP_MSG]
    refused = refuse(MsgType.ADD_GROUP_ACK, 5, "no such group, or it is not open to you")

    def answer(request: Message) -> list[Message]:
        return (joined if request.get("password") == "green tea" else refused)(request)

    server.rules[MsgType.ADD_GROUP_MSG] = answer
    menu.login()
    menu.type("addgroup:5", "black tea")
    menu.out.wait_for("password of group 5, if it has one:")
    menu.out.wait_for("join group 5 failed: the password is wrong, or there is no such group\n")
    menu.type("addgroup:5", "green tea")
    menu.out.wait_for("join group success: 5 g d\n")


def test_requests_to_be_a_friend(server: FakeServer, menu: MenuRun) -> None:
    dan = {"id": 9, "name": "dan", "time": "2026-11-23 12:00:00"}
    invited = {"groupid": 5, "groupname": "tea", "by": 2, "byname": "bob"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, friend_requests=[dan], invitations=[invited])
    ]
    server.rules[MsgType.FRIEND_REQUESTS_MSG] = lambda r: [
        ack(MsgType.FRIEND_REQUESTS_ACK, r, requests=[dan])
    ]
    menu.login()
    menu.out.wait_for("requests to be your friend: 1; the command requests shows them\n")
    menu.out.wait_for("bob invites you to the group tea: addgroup:5\n")
    menu.type("requests", "accept:Dan", "decline:dan")
    menu.out.wait_for("9 dan asks to be your friend: accept:9 or decline:9\n")
    menu.out.wait_for("add friend success: 9 bob online\n")
    request = server.expect(MsgType.ANSWER_FRIEND_MSG)
    assert (request["userid"], request["accept"]) == (9, True)
    menu.out.wait_for("decline dan failed: has not asked you, or has taken the request back\n")
    server.send({"msgid": 67, "event": "asked", "id": 12, "name": "eve"})
    menu.out.wait_for("12 eve asks to be your friend: accept:12 or decline:12\n")
    menu.type("decline:12")
    menu.out.wait_for("the request of 12 is declined\n")
    assert server.expect(MsgType.ANSWER_FRIEND_MSG)["accept"] is False
    server.rules[MsgType.FRIEND_REQUESTS_MSG] = lambda r: [
        ack(MsgType.FRIEND_REQUESTS_ACK, r, requests=[])
    ]
    menu.type("requests")
    menu.out.wait_for("no user asks to be your friend\n")


def test_notices(server: FakeServer, menu: MenuRun) -> None:
    menu.login()
    server.send({"msgid": 83, "event": "joined", "groupid": 7, "userid": 9, "by": 9, "name": "dan"})
    menu.out.wait_for("group 7: dan joined\n")
    server.send({"msgid": 89, "msg": "maintenance", "time": ""})
    menu.out.wait_for("announcement of the server: maintenance\n")


def test_devices(server: FakeServer, menu: MenuRun) -> None:
    devices = [
        {"deviceid": 0, "label": "", "last": "now", "online": True, "this": True},
        {"deviceid": 4, "label": "my\x1bphone", "last": "then", "online": False},
    ]
    server.rules[MsgType.DEVICES_MSG] = lambda r: [ack(MsgType.DEVICES_ACK, r, devices=devices)]
    server.rules[MsgType.END_DEVICE_MSG] = times_of_end()
    menu.login()
    menu.type("devices")
    menu.out.wait_for("0 clients without a device of their own this device now\n")
    menu.out.wait_for("4 my\\x1bphone offline then\n")
    menu.type("end:4", "end:4", "end:phone")
    menu.out.wait_for("device 4 has ended\n")
    menu.out.wait_for("end failed: you have no such device\n")
    menu.out.wait_for("the number of a device is expected")


def times_of_end() -> Rule:
    """The device 4 exists once."""
    ended: list[int] = []

    def end(request: Message) -> list[Message]:
        if request["deviceid"] in ended:
            return refuse(MsgType.END_DEVICE_ACK, 5, "you have no such device")(request)
        ended.append(request["deviceid"])
        return [ack(MsgType.END_DEVICE_ACK, request)]

    return end
