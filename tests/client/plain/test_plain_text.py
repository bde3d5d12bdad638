from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from chat.protocol.errors import DISABLED
from client.errors import ConnectionLostError, NoAnswerError, RefusedError
from client.original_commands import LINE_MODE_COMMANDS
from client.plain import chinese, english
from client.plain.plain_text import PlainText
from client.values import Account, ChatMessage, Friend, Group, Member

text = PlainText()
IN_CHINESE = PlainText("zh")


def _places(line: str) -> list[str]:
    return re.findall(r"{\w+}", line)


def test_both_languages_have_the_same_texts() -> None:
    assert english.TEXTS.keys() == chinese.TEXTS.keys()
    for key, line in english.TEXTS.items():
        assert sorted(_places(line)) == sorted(_places(chinese.TEXTS[key])), key


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_shanghai")
def test_times_are_local() -> None:
    message = ChatMessage(2, "bob", "2024-01-02 21:59:05", "hi", None, 9)
    assert text.message_line(message) == "2024-01-03 05:59:05 [2]bob said: hi"
    last = ChatMessage(2, "bob", "9999-12-31 23:59:59", "hi", None, 9)
    assert text.message_line(last) == "9999-12-31 23:59:59 [2]bob said: hi"


def test_messages_of_this_account() -> None:
    sent = ChatMessage(1, "alice", "noon", "hi", None, 9, to_id=2, mine=True)
    assert text.message_line(sent) == "noon [1]alice said to 2: hi"
    assert IN_CHINESE.message_line(sent) == "noon [1]alice 对 2 说：hi"
    to_myself = ChatMessage(1, "alice", "noon", "hi", None, 9, to_id=1, mine=True)
    assert text.message_line(to_myself) == "noon [1]alice said: hi"
    in_group = ChatMessage(1, "alice", "noon", "hi", 7, 9, mine=True)
    assert text.message_line(in_group) == "群消息[7]:noon [1]alice said: hi"


def test_chinese() -> None:
    message = ChatMessage(2, "李四", "noon", "你好\x1b", 7, 9)
    assert IN_CHINESE.message_line(message) == r"群消息[7]：noon [2]李四 说：你好\x1b"
    refused = RefusedError(5, "no such user")
    assert IN_CHINESE.failed(IN_CHINESE("do addfriend", id=9), refused) == (
        "添加好友 9 失败：没有这个用户"
    )


def test_account() -> None:
    members = (Member(1, "alice", "online", "creator"), Member(2, "b\x1b", "offline", "normal"))
    account = Account(
        id=1,
        name="alice",
        friends=(Friend(2, "b\x1b", "offline"),),
        groups=(Group(7, "chess", "for\nfun", members),),
        heartbeat=None,
    )
    assert list(text.account_lines(account)) == [
        "======================login user======================",
        "current login user => id:1 name:alice",
        "----------------------friend list---------------------",
        r"2 b\x1b offline",
        "----------------------group list----------------------",
        r"7 chess for\nfun",
        "1 alice online creator",
        r"2 b\x1b offline normal",
        "======================================================",
    ]


def test_help_lists_every_command_with_its_format() -> None:
    lines = list(text.help_lines())
    assert len(lines) == 1 + len(LINE_MODE_COMMANDS)
    assert any(line.endswith("role:groupid:who:creator|admin|normal") for line in lines)
    lines = list(text.first_help_lines())
    assert lines[1:-1] == [
        "help : show all supported commands, help",
        "chat : one-to-one chat, chat:friendid:message",
        "addfriend : add a friend, addfriend:friendid",
        "creategroup : create a group, creategroup:groupname:groupdesc",
        "addgroup : join a group, addgroup:groupid",
        "groupchat : group chat, groupchat:groupid:message",
        "loginout : log out, loginout",
        "quit : leave the program, quit",
    ]


def test_messages() -> None:
    one = ChatMessage(2, "b\tob", "2024-01-02 03:04:05", "hi\x1b", None, 9)
    assert text.message_line(one) == r"2024-01-02 03:04:05 [2]b\tob said: hi\x1b"
    group = ChatMessage(2, "bob", "now\n", "hi", 7, 9)
    assert text.message_line(group) == r"群消息[7]:now\n [2]bob said: hi"


def test_failures_and_goodbyes() -> None:
    unknown, outsider = RefusedError(5, "no such user"), RefusedError(9, "not\na member")
    assert text.chat_failed(5, False, unknown) == "message to 5 failed: no such user"
    assert text.chat_failed(7, True, outsider) == (r"message to group 7 failed: not\na member")
    assert text("server error", why="bad\x1b") == r"error from the server: bad\x1b"
    assert (
        text("goodbye", why="draining") == "the server is about to close the connection: draining"
    )


def test_the_end() -> None:
    lost = ConnectionLostError("too many\x1b")
    assert text.end(lost) == r"connection to server lost: too many\x1b"


def test_registration() -> None:
    assert (
        text("registered", name="bob", id=3)
        == "bob register success, userid is 3, do not forget it!"
    )
    for errmsg in ("this name is taken", ""):
        taken = RefusedError(1, errmsg)
        assert text.register_failed("bob", taken) == "bob is already exist, register error!"
    alike = RefusedError(1, "this name looks like an existing one: choose another")
    assert text.register_failed("bob", alike) == (
        "bob register failed: this name looks like an existing one: choose another"
    )
    short = RefusedError(4, "password: too short\x1b")
    assert text.register_failed("bob", short) == (r"bob register failed: password: too short\x1b")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RefusedError(1, "x"), "id or password is invalid!"),
        (RefusedError(1, DISABLED), f"login failed: {DISABLED}"),
        (RefusedError(6, "slow", {"retry_after": 4.2}), "login failed: slow (try again in 5 s)"),
        (RefusedError(2, "x"), "this account is using, input another!"),
        (RefusedError(8, "try\nlater"), r"login failed: try\nlater"),
        (RefusedError(8, ""), "login failed: error 8"),
        (NoAnswerError(10), "login failed: no answer from the server within 10 s"),
    ],
)
def test_failed_logins(error: RefusedError | NoAnswerError, line: str) -> None:
    assert text.login_failed(error) == line


def test_successes() -> None:
    assert text.friend_added(Friend(3, "bob", "offline")) == "add friend success: 3 bob offline"
    assert text("group created", id=4, name="chess") == (
        "create group success, groupid is 4, groupname is chess"
    )
    assert text.group_joined(Group(4, "chess", "fun", ())) == "join group success: 4 chess fun"
