from __future__ import annotations

import pytest

from client.ui.model.completion import candidates
from tests.client.ui.uikit import make_rooms, one, tea_room


def offered(line: str, *, in_tea: bool = False) -> list[str]:
    """The completed line for each candidate."""
    rooms = make_rooms()
    rooms.receive(one(1, "hi", sender=99))
    if in_tea:
        rooms.open(tea_room(rooms))
    return [
        line[: len(line) - candidate.replaces] + candidate.text
        for candidate in candidates(line, rooms)
    ]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("", []),
        ("/ch", ["/chat "]),
        ("/quit", ["/quit"]),
        ("/le", ["/leave "]),
        ("/xyz", []),
        ("//c", []),
        ("/chat b", ["/chat 2 "]),
        ("/chat 9", ["/chat 99 "]),
        ("/chat 安", ["/chat 3 "]),
        ('/chat "b', ["/chat 2 "]),
        ("/chat 2 b", []),
        ("/add b", ["/add 2 "]),
        ("/join ", []),
        ("/role bob a", ["/role bob admin"]),
        ('/role "bob" ', ['/role "bob" creator', '/role "bob" admin', '/role "bob" normal']),
        ("/role bob admin ", []),
        ("/access p", ["/access password"]),
        ("/msg b", ["/msg 2 "]),
        ("/group t", ["/group 7 "]),
        ("/group b", []),
        ("/theme ", ["/theme dark", "/theme light"]),
        ("/theme l", ["/theme light"]),
        ("/help qu", ["/help quit"]),
        ("/export b", []),
        ("/nonsense b", []),
        ("ch", ["chat:"]),
        ("group", ["groupchat:"]),
        ("add", ["addfriend:", "addgroup:"]),
        ("chat:", ["chat:2:", "chat:99:", "chat:3:"]),
        ("chat:b", ["chat:2:"]),
        ("chat:2:b", []),
        ("groupchat:", ["groupchat:7:"]),
        ("creategroup:b", []),
        ("hello b", []),
        ("hello @b", ["hello @bob "]),
        ("@", ["@bob ", "@name 99 ", "@安妮 "]),
        ("me@b", []),
        ("@b b", []),
    ],
)
def test_candidates(line: str, lines: list[str]) -> None:
    assert offered(line) == lines


def test_a_slash_offers_all_commands() -> None:
    assert len(offered("/")) > 20


def test_members_of_the_open_group() -> None:
    assert "@ann " in offered("@a", in_tea=True)
    assert "@ann " not in offered("@a")


def test_names_are_shown_escaped() -> None:
    rooms = make_rooms()
    rooms.receive(one(1, "hi", sender=98))
    rooms.by_key[next(iter(rooms.by_key))].title = "x"
    rooms.directory._names[98] = "e\x1bvil\n"
    shown = [candidate.shown for candidate in candidates("/chat e", rooms)]
    assert shown == ["98 e\\x1bvil\\n"]
