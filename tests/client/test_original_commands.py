from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.original_commands import INVALID_COMMAND, LINE_MODE_COMMANDS, CommandError, parse


@pytest.mark.parametrize(
    ("line", "word", "args"),
    [
        ("help", "help", ()),
        (" help ", "help", ()),
        ("chat:5:hello", "chat", ("5", "hello")),
        ("chat:5: a:b::c ", "chat", ("5", " a:b::c ")),
        ("chat:5::", "chat", ("5", ":")),
        ("chat:5:你好 😀", "chat", ("5", "你好 😀")),
        ("addfriend:5", "addfriend", ("5",)),
        ("addfriend: 5 ", "addfriend", (" 5 ",)),
        ("creategroup:name:about: it", "creategroup", ("name", "about: it")),
        ("creategroup:name:", "creategroup", ("name", "")),
        ("addgroup:7", "addgroup", ("7",)),
        ("groupchat:7:http://x", "groupchat", ("7", "http://x")),
        ("requests", "requests", ()),
        ("accept:5", "accept", ("5",)),
        ("decline:li si", "decline", ("li si",)),
        ("loginout", "loginout", ()),
        ("quit", "quit", ()),
    ],
)
def test_commands(line: str, word: str, args: tuple[str, ...]) -> None:
    assert parse(line) == (word, args)


@pytest.mark.parametrize("line", ["", ":", "hello", "CHAT:5:x", "5:chat:x", "chatt:5:x"])
def test_unknown_commands(line: str) -> None:
    with pytest.raises(CommandError, match=f"^{INVALID_COMMAND}$"):
        parse(line)


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("chat", "usage: chat:friendid:message"),
        ("chat:", "usage: chat:friendid:message"),
        ("chat:5", "usage: chat:friendid:message"),
        ("chat:5:", "usage: chat:friendid:message"),
        ("chat::x", "usage: chat:friendid:message"),
        ("groupchat:bob:x", "usage: groupchat:groupid:message (groupid is a number)"),
        ("groupchat:-5:x", "usage: groupchat:groupid:message (groupid is a number)"),
        ("chat: :x", "usage: chat:friendid:message"),
        ("addgroup:5:6", "usage: addgroup:groupid (groupid is a number)"),
        ("addfriend:", "usage: addfriend:friendid"),
        ("creategroup:name", "usage: creategroup:groupname:groupdesc"),
        ("creategroup::desc", "usage: creategroup:groupname:groupdesc"),
        ("addgroup:x", "usage: addgroup:groupid (groupid is a number)"),
        ("groupchat:7", "usage: groupchat:groupid:message"),
        ("help:me", "usage: help"),
        ("quit:", "usage: quit"),
    ],
)
def test_wrong_arguments(line: str, usage: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(line)
    assert str(caught.value) == usage


@settings(deadline=None)
@given(st.text())
def test_any_message_arrives_whole(message: str) -> None:
    if message:
        assert parse(f"chat:5:{message}") == ("chat", ("5", message))


@settings(deadline=None)
@given(st.text())
def test_any_line_is_a_command_or_an_error(line: str) -> None:
    try:
        word, _ = parse(line)
    except CommandError:
        return
    assert word in {command.name for command in LINE_MODE_COMMANDS}
