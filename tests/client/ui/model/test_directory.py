from __future__ import annotations

from dataclasses import replace

from client.values import Friend
from tests.client.ui.uikit import ACCOUNT, BOB, bob_room, make_rooms


def test_the_account_updates_presence() -> None:
    rooms = make_rooms()
    rooms.set_account(replace(ACCOUNT, friends=(Friend(BOB, "Bobby", "offline"),)))
    assert rooms.directory.is_online(bob_room(rooms).key) is False
    assert bob_room(rooms).title == "Bobby"
