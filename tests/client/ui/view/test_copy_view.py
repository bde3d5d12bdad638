from __future__ import annotations

from client.ui.view.copy_view import copy_lines
from tests.client.ui.uikit import ANN, bob_room, make_rooms, one, sending


def test_a_conversation_to_copy() -> None:
    rooms = make_rooms()
    rooms.receive(one(1, "a long line " * 20, minute=1))
    rooms.receive(one(2, "def f():\n    return 1", minute=2))
    rooms.receive(one(3, "evil\x1b[2J", sender=ANN, to=2, minute=3))
    rooms.write(sending("m1", "on its way"))
    printed = copy_lines(bob_room(rooms))
    assert printed[:6] == [
        "2026-11-23",
        "18:01 bob: " + "a long line " * 20,
        "18:02 bob:",
        "def f():",
        "    return 1",
        "18:03 ann: evil\\x1b[2J",
    ]
    assert printed[-1].endswith("ann: on its way")
