from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import text
from client.errors import NoAnswerError, RefusedError
from client.model import (
    Account,
    ChatFailed,
    ChatMessage,
    Friend,
    Goodbye,
    Group,
    Member,
    ServerError,
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain, 中文, ñ, 😀", "plain, 中文, ñ, 😀"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x00\x07\x7f", r"\x00\x07\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("a\u200bb\u200d\ufeff", r"a\u200bb\u200d\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("no\u00a0break", "no\u00a0break"),
        ("e\u0301", "e\u0301"),
        ("C:\\temp", "C:\\temp"),
        ("a\u3164\u115f\u034fb", r"a\u3164\u115f\u034fb"),
        ("bob\ufe0f", r"bob\ufe0f"),
        ("葛\U000e0100", r"葛\U000e0100"),
        ("❤\ufe0f 1\ufe0f\u20e3 ☺\ufe0e", "❤ 1\u20e3 ☺"),
        ("❤\ufe0f\ufe0f", r"❤\ufe0f"),
        ("👨\u200d👩\u200d👧 🏳\ufe0f\u200d🌈", "👨👩👧 🏳🌈"),
        ("👨\u200d\u200d👧", r"👨\u200d\u200d👧"),
        ("a\u200d👧", r"a\u200d👧"),
        ("🏴\U000e0067\U000e0062\U000e007f!", "🏴!"),
        ("👍🏽 🇨🇳", "👍🏽 🇨🇳"),
        ("Z" + "\u0301" * 50 + "y", "Z" + "\u0301" * 4 + "y"),
        ("ấ ậ กำ์ שָׁ", "ấ ậ กำ์ שָׁ"),
    ],
)
def test_escape(raw: str, shown: str) -> None:
    assert text.escape(raw) == shown


@settings(deadline=None)
@given(st.text(st.characters()))
def test_nothing_that_drives_a_terminal_gets_through(raw: str) -> None:
    shown = text.escape(raw)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert text.escape(shown) == shown


@settings(deadline=None)
@given(
    st.text(
        st.sampled_from("a😀❤🏴\u200d\ufe0f\ufe0e\u0301\u0302\U000e0067\U000e0100#\u20e3\u3164")
    )
)
def test_what_was_escaped_stays_as_it_is(raw: str) -> None:
    shown = text.escape(raw)
    assert text.escape(shown) == shown
    assert not set(shown) & set("\u200d\u3164\U000e0067\U000e0100")


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one\ntwo\r\nthree\rfour\u2028five", ["one", "two", "three", "four", "five"]),
        ("\n\n", ["", "", ""]),
        ("a\tb\n\tc", ["a   b", "    c"]),
        ("\x1b[2J\n\u202eevil", [r"\x1b[2J", r"\u202eevil"]),
    ],
)
def test_lines(raw: str, lines: list[str]) -> None:
    assert text.escape_lines(raw) == lines


@settings(deadline=None)
@given(st.text(st.characters()))
def test_no_line_drives_a_terminal(raw: str) -> None:
    for line in text.escape_lines(raw):
        assert text.escape(line) == line


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
    assert lines[1:] == [
        "help : show all supported commands, help",
        "chat : one-to-one chat, chat:friendid:message",
        "addfriend : add a friend, addfriend:friendid",
        "creategroup : create a group, creategroup:groupname:groupdesc",
        "addgroup : join a group, addgroup:groupid",
        "groupchat : group chat, groupchat:groupid:message",
        "loginout : log out, loginout",
        "quit : leave the program, quit",
    ]


def test_events() -> None:
    one = ChatMessage(2, "b\tob", "2024-01-02 03:04:05", "hi\x1b", None, 9)
    assert text.event_line(one) == r"2024-01-02 03:04:05 [2]b\tob said: hi\x1b"
    group = ChatMessage(2, "bob", "now\n", "hi", 7, 9)
    assert text.event_line(group) == r"群消息[7]:now\n [2]bob said: hi"
    assert text.event_line(ChatFailed(5, False, "no such user")) == (
        "message to 5 failed: no such user"
    )
    assert text.event_line(ChatFailed(7, True, "not\na member")) == (
        r"message to group 7 failed: not\na member"
    )
    assert text.event_line(ServerError("bad\x1b")) == r"error from the server: bad\x1b"
    assert text.event_line(Goodbye("draining", True)) == "the server says goodbye: draining"


def test_registration() -> None:
    assert text.registered("bob", 3) == "bob register success, userid is 3, do not forget it!"
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
    assert text.group_created(4, "chess") == (
        "create group success, groupid is 4, groupname is chess"
    )
    assert text.group_joined(Group(4, "chess", "fun", ())) == "join group success: 4 chess fun"
