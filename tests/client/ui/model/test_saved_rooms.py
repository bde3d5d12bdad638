from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.model.room_list import RoomList
from client.ui.model.saved_rooms import restore, to_saved
from tests.client.ui.uikit import ANN, bob_room, make_rooms, one, show, tea_room


def test_save_and_restore() -> None:
    rooms = make_rooms()
    rooms.open(tea_room(rooms))
    rooms.receive(one(5, "read", minute=1))
    rooms.open(bob_room(rooms))
    show(rooms)
    bob_room(rooms).draft = ("half a thou", 4)
    rooms.open(tea_room(rooms))
    rooms.receive(one(6, "unread", minute=2))
    rooms.receive(one(7, "unread, too", minute=3))
    saved = json.loads(json.dumps(to_saved(rooms)))
    assert "unread, too" not in json.dumps(saved)
    again = RoomList(ANN)
    restore(again, saved)
    assert again.current is tea_room(again)
    room = bob_room(again)
    assert (room.title, room.unread, room.draft[0]) == ("bob", 2, "half a thou")
    again.open(room)
    again.add_older(room, [one(5, "read"), one(6, "unread"), one(7, "unread, too")], more=False)
    first = room.first_unread()
    assert first is not None
    assert first.text == "unread"


@pytest.mark.parametrize(
    "saved",
    [
        {"rooms": 5},
        {"rooms": [5, None, {}, {"key": 5}, {"key": [1, 2]}, {"key": [True, True]}]},
        {"rooms": [{"key": [False, -1]}, {"key": [False, "x"]}, {"key": [False, 2.5]}]},
        {"current": [False, 2]},
        {"current": "x", "rooms": [{"key": [False, 2], "unread": -5, "read": "x", "title": 5}]},
        {"rooms": [{"key": [False, 2], "unread": 1e300, "active": float("nan"), "draft": []}]},
    ],
)
def test_damaged_state(saved: dict[str, object]) -> None:
    rooms = make_rooms()
    restore(rooms, saved)
    assert bob_room(rooms).unread == 0
    assert bob_room(rooms).title == "bob"
    assert rooms.ordered()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"key": st.tuples(st.booleans(), st.integers(1, 5)).map(list)},
            optional=dict.fromkeys(["title", "active", "unread", "read", "draft", "hidden"], _JSON),
        )
    )
)
def test_any_json(records: list[dict[str, object]]) -> None:
    rooms = make_rooms()
    restore(rooms, {"rooms": records, "current": [False, 2]})
    rooms.receive(one(1, "hi"))
    rooms.ordered()
    json.dumps(to_saved(rooms))
