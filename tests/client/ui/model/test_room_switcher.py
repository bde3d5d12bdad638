from __future__ import annotations

from client.ui.model.room_switcher import RoomSwitcher
from client.ui.text.translations import Translations
from tests.client.ui.uikit import make_rooms


def test_the_switcher() -> None:
    switcher = RoomSwitcher(make_rooms(), Translations("en"))
    assert [room.title for room in switcher.matches] == ["bob", "tea", "安妮"]
    switcher.move(-1)
    assert switcher.chosen is switcher.matches[2]
    switcher.set_query("7")  # by number
    assert [room.title for room in switcher.matches] == ["tea"]
    assert switcher.index == 0
    switcher.set_query("xyz")
    switcher.move(1)
    assert switcher.chosen is None
