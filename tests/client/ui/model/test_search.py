from __future__ import annotations

from client.ui.model.room import Room, RoomKey
from client.ui.model.search import Search
from tests.client.ui.uikit import item


def make_search(*texts: str) -> Search:
    room = Room(RoomKey(False, 2), "bob")
    for seq, text in enumerate(texts, 1):
        room.receive(item(seq, text))
    return Search(room)


def found(search: Search) -> str | None:
    return None if search.found is None else search.found.text


def test_upwards_and_downwards() -> None:
    search = make_search("Tea one", "coffee", "tea two", "TEA three", "water")
    assert search.look_for("tea")
    assert found(search) == "TEA three"
    assert search.older()
    assert found(search) == "tea two"
    assert search.older()
    assert found(search) == "Tea one"
    assert not search.older()
    assert found(search) == "Tea one"
    assert search.newer()
    assert found(search) == "tea two"
    assert search.newer()
    assert not search.newer()
    assert found(search) == "TEA three"


def test_letter_by_letter() -> None:
    search = make_search("tea", "team", "tear")
    assert search.look_for("t")
    assert found(search) == "tear"
    assert search.look_for("te")
    assert found(search) == "tear"
    assert search.look_for("team")
    assert found(search) == "team"
    assert not search.look_for("teams")
    assert found(search) == "team"
    assert search.look_for("")
    assert found(search) is None


def test_nowhere() -> None:
    search = make_search()
    assert not search.look_for("x")
    assert not search.older()
    assert not search.newer()
