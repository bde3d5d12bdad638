from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.model.command_line import (
    CommandInput,
    InputError,
    TextInput,
    parse_line,
    split_name,
)
from client.ui.model.slash_commands import (
    ArgumentKind,
)

NAMES = {
    (ArgumentKind.USER, "bob"): 2,
    (ArgumentKind.USER, "li si"): 3,
    (ArgumentKind.GROUP, "tea"): 7,
}


def resolve(kind: ArgumentKind, name: str) -> int | None:
    return NAMES.get((kind, name))


def read(line: str, *, in_room: bool = True) -> TextInput | CommandInput | None:
    return parse_line(line, resolve, in_room=in_room)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("", None),
        ("   ", None),
        ("hello", TextInput("hello")),
        (" hello: how are you? ", TextInput(" hello: how are you? ")),
        ("quit", TextInput("quit")),
        ("//etc/passwd", TextInput("/etc/passwd")),
        ("/say /help", CommandInput("say", ("/help",))),
        ("/help", CommandInput("help")),
        ("/HELP", CommandInput("help")),
        ("/help chat", CommandInput("help", ("chat",))),
        ("/chat 5", CommandInput("chat", (5,))),
        ("/chat 5 hello: you", CommandInput("chat", (5, "hello: you"))),
        ("/chat   5   hello  you ", CommandInput("chat", (5, "hello  you"))),
        ("/msg bob hi", CommandInput("chat", (2, "hi"))),
        ('/chat "li si" hi', CommandInput("chat", (3, "hi"))),
        ("/group tea ready", CommandInput("group", (7, "ready"))),
        ("/add 5", CommandInput("add", (5,))),
        ("/add bob", CommandInput("add", (2,))),
        ("/add li si", CommandInput("add", (3,))),
        ('/add "li si"', CommandInput("add", (3,))),
        ("/addfriend 5", CommandInput("add", (5,))),
        ("/create tea time: four o'clock", CommandInput("create", ("tea time: four o'clock",))),
        ("/remove", CommandInput("remove")),
        ("/remove bob", CommandInput("remove", (2,))),
        ("/theme light", CommandInput("theme", ("light",))),
        ("/theme", CommandInput("theme")),
        ("/export ~/a b.txt", CommandInput("export", ("~/a b.txt",))),
        ("/loginout", CommandInput("logout")),
        ("chat:5:hello: you", CommandInput("chat", (5, "hello: you"))),
        ("groupchat:7:hi", CommandInput("group", (7, "hi"))),
        ("addfriend:5", CommandInput("add", (5,))),
        ("addgroup:7", CommandInput("join", (7,))),
        ("creategroup:tea:four o'clock", CommandInput("create", ("tea:four o'clock",))),
        ("creategroup:tea:", CommandInput("create", ("tea",))),
        ("chatter: no", TextInput("chatter: no")),
        ("help: me", TextInput("help: me")),
    ],
)
def test_lines(line: str, meaning: TextInput | CommandInput | None) -> None:
    assert read(line) == meaning


def test_words_of_the_original_without_an_open_room() -> None:
    assert read("help", in_room=False) == CommandInput("help")
    assert read(" quit ", in_room=False) == CommandInput("quit")
    assert read("loginout", in_room=False) == CommandInput("logout")
    assert read("hello", in_room=False) == TextInput("hello")


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("/dance", "no such command", "/dance"),
        ("/", "no such command", "/"),
        ("/ help", "no such command", "/"),
        ("/chat", "usage", "/chat WHO [TEXT]"),
        ("/chat zoe", "unknown user name", "zoe"),
        ("/chat 0", "unknown user name", "0"),
        ("/group zoo", "unknown group name", "zoo"),
        ("/join tee", "unknown invitation", "tee"),
        ("/add 99999999999", "unknown user name", "99999999999"),
        ("/add", "usage", "/add WHO"),
        ("/add 5 6", "usage", "/add WHO"),
        ("/quit now", "usage", "/quit"),
        ("/theme pink", "one of", "dark, light"),
        ("/say", "usage", "/say TEXT"),
        ("/export", "usage", "/export FILE"),
        ('/chat "" x', "usage", "/chat WHO [TEXT]"),
        ("groupchat:x:hi", "original usage", "groupchat:groupid:message (groupid is a number)"),
        ("chat:5", "original usage", "chat:friendid:message"),
        ("addfriend:", "original usage", "addfriend:friendid"),
    ],
)
def test_errors(line: str, key: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        read(line)
    assert caught.value.key == key
    assert value in caught.value.values.values()


def test_names_of_groups() -> None:
    assert split_name("tea") == ("tea", "")
    assert split_name("tea time : four: o'clock") == ("tea time", "four: o'clock")
    assert split_name('"tea: time": four') == ("tea: time", "four")
    assert split_name('"tea time"') == ("tea time", "")
    assert split_name('"tea" time') == ('"tea" time', "")


@settings(deadline=None)
@given(st.text() | st.text(st.sampled_from('/chat:5" groupadd')), st.booleans())
def test_any_line_is_parsed_or_refused(line: str, in_room: bool) -> None:
    try:
        meaning = read(line, in_room=in_room)
    except InputError:
        return
    assert (meaning is None) is not bool(line.strip())
