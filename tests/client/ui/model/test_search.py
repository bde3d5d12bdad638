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


def test_older_and_newer() -> None:
    search = make_search("Tea one", "coffee", "tea two", "TEA three", "water")
    assert search.set_text("tea")
    assert found(search) == "TEA three"
    assert search.find_older()
    assert found(search) == "tea two"
    assert search.find_older()
    assert found(search) == "Tea one"
    assert not search.find_older()
    assert found(search) == "Tea one"
    assert search.find_newer()
    assert found(search) == "tea two"
    assert search.find_newer()
    assert not search.find_newer()
    assert found(search) == "TEA three"


def test_letter_by_letter() -> None:
    search = make_search("tea", "team", "tear")
    assert search.set_text("t")
    assert found(search) == "tear"
    assert search.set_text("te")
    assert found(search) == "tear"
    assert search.set_text("team")
    assert found(search) == "team"
    assert not search.set_text("teams")
    assert found(search) == "team"
    assert search.set_text("")
    assert found(search) is None


def test_an_empty_room() -> None:
    search = make_search()
    assert not search.set_text("x")
    assert not search.find_older()
    assert not search.find_newer()
