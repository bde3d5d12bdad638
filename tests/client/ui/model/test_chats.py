from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.model.chats import Chats
from client.ui.model.message_item import Mark
from client.ui.model.room import Anchor, RoomKey
from client.values import Friend
from tests.client.ui.uikit import (
    ACCOUNT,
    ANN,
    BOB,
    CAT,
    TEA,
    bob_room,
    in_tea,
    make_chats,
    one,
    receipt,
    sending,
    tea_room,
    texts,
)


def titles(chats: Chats) -> list[str]:
    return [room.title for room in chats.ordered()]


def test_friends_and_groups_are_rooms() -> None:
    chats = make_chats()
    assert titles(chats) == ["bob", "tea", "安妮"]  # who is offline comes last
    assert chats.is_online(bob_room(chats)) is True
    assert chats.is_online(chats.room(RoomKey(False, CAT))) is False
    assert chats.is_online(tea_room(chats)) is None
    assert chats.members_online(tea_room(chats)) == (2, 2)
    assert chats.name_of(CAT) == "安妮"
    assert chats.name_of(ANN) == "ann"
    assert chats.name_of(99) == ""


def test_messages_find_their_rooms() -> None:
    chats = make_chats()
    arrival = chats.receive(one(1, "hi", minute=1))
    assert (arrival.room, arrival.fresh, arrival.calls, arrival.seen) == (
        bob_room(chats), True, True, False,
    )  # fmt: skip
    assert not chats.receive(in_tea(2, "all", minute=2)).calls
    assert chats.receive(in_tea(3, "Ann, come", minute=3)).calls
    assert titles(chats) == ["tea", "bob", "安妮"]
    assert chats.unread == (3, 2)
    assert tea_room(chats).mentioned
    again = chats.receive(one(1, "hi"))
    assert (again.fresh, again.calls) == (False, False)


def test_a_stranger_writes() -> None:
    chats = make_chats()
    room = chats.receive(one(1, "buy!", sender=99)).room
    assert room.key == RoomKey(False, 99)
    assert room.title == "name 99"
    assert chats.is_online(room) is None
    assert not chats.is_friend(99)
    assert "name 99" in titles(chats)


def test_a_friends_name_is_the_one_on_the_list() -> None:
    chats = make_chats()
    chats.receive(replace(one(1, "hi"), sender_name="not bob"))
    assert bob_room(chats).title == "bob"


def test_a_note_to_oneself() -> None:
    chats = make_chats()
    room = chats.write(sending("m1", "note", to=ANN))
    arrival = chats.receive(one(1, "note", sender=ANN, to=ANN))
    assert arrival.room is room
    assert (arrival.calls, room.unread) == (False, 0)
    chats.stored(receipt("m1", 1))
    assert texts(room) == ["note"]
    assert chats.is_online(room) is True


def show(chats: Chats) -> None:
    """The current room has been drawn."""
    assert chats.current is not None
    chats.current.mark_shown(chats.current.items)


def test_a_message_that_comes_while_the_user_is_away_is_unread() -> None:
    chats = make_chats()
    room = bob_room(chats)
    chats.open(room)
    assert chats.receive(one(1, "a")).seen
    arrival = chats.receive(one(2, "b"), watched=False)
    assert (arrival.seen, arrival.calls, room.unread) == (False, True, 1)
    chats.receive(one(3, "c"), watched=False)
    assert room.divider is room.items[1]
    show(chats)
    assert (room.unread, room.divider) == (0, room.items[1])


def test_what_is_looked_at_is_read() -> None:
    chats = make_chats()
    chats.receive(one(1, "a"))
    chats.open(bob_room(chats))
    assert bob_room(chats).unread == 1  # until it is drawn
    show(chats)
    assert bob_room(chats).unread == 0
    assert chats.receive(one(2, "b")).seen
    assert bob_room(chats).unread == 0
    bob_room(chats).anchor = Anchor(bob_room(chats).items[0], 0)
    assert not chats.receive(one(3, "c")).seen
    assert bob_room(chats).unread == 1


def test_messages_of_ones_own() -> None:
    chats = make_chats()
    room = chats.write(sending("m1", "hello"))
    assert room is bob_room(chats)
    assert chats.write(sending("m1", "hello")) is room  # known already
    assert [item.mark for item in room.items] == [Mark.SENDING]
    chats.stored(receipt("m1", 5))
    chats.stored(receipt("m1", 5))
    assert [item.mark for item in room.items] == [Mark.STORED]
    group = chats.write(sending("m2", "all", to=TEA, to_group=True))
    assert group is tea_room(chats)
    assert chats.fail("m2", "not a member") is group
    assert chats.fail("m3", "nothing") is None
    (failed,) = group.failed
    chats.forget(group, failed)
    assert group.items == []
    assert chats.fail("m2", "late") is None


def test_ones_own_name_is_learnt_at_the_login() -> None:
    chats = Chats(ANN)
    room = chats.write(sending("m1", "from an earlier run"))
    assert room.items[0].sender == ""
    chats.set_account(ACCOUNT)
    assert room.items[0].sender == "ann"


def test_going_from_room_to_room() -> None:
    chats = make_chats()
    bob, tea, cat = chats.ordered()
    assert chats.neighbour(1) is bob
    assert chats.neighbour(-1) is cat
    chats.open(bob)
    chats.open(bob)
    assert chats.neighbour(1) is tea
    assert chats.neighbour(-1) is cat
    chats.open(cat)
    assert chats.previous is bob
    assert Chats(5).neighbour(1) is None


def test_the_next_unread_room() -> None:
    chats = make_chats()
    assert chats.next_unread() is None
    chats.receive(in_tea(1, "all", minute=1))
    chats.receive(one(2, "you", minute=2))
    chats.receive(one(3, "you", sender=CAT, minute=3))
    assert chats.next_unread() is bob_room(chats)  # to me, and waiting longest
    chats.open(bob_room(chats))
    show(chats)
    chats.open(chats.next_unread())
    assert chats.current is chats.room(RoomKey(False, CAT))
    show(chats)
    assert chats.next_unread() is tea_room(chats)


def test_what_is_closed_comes_back_with_the_next_message() -> None:
    chats = make_chats()
    bob_room(chats).hidden = True
    assert "bob" not in titles(chats)
    chats.receive(one(1, "hi"))
    assert "bob" in titles(chats)


def test_somebody_taken_off_the_list_stays_if_something_was_said() -> None:
    chats = make_chats()
    chats.receive(one(1, "hi"))
    chats.set_account(replace(ACCOUNT, friends=(), groups=()))
    assert titles(chats) == ["bob"]
    assert chats.is_online(bob_room(chats)) is None
    assert chats.group(TEA) is None


def test_presence_comes_with_the_account() -> None:
    chats = make_chats()
    chats.set_account(replace(ACCOUNT, friends=(Friend(BOB, "Bobby", "offline"),)))
    assert chats.is_online(bob_room(chats)) is False
    assert bob_room(chats).title == "Bobby"


def test_history() -> None:
    chats = make_chats()
    chats.open(bob_room(chats))
    page = [one(1, "a"), one(2, "b", sender=ANN, to=BOB)]
    assert chats.add_older(bob_room(chats), page, more=True) == 2
    assert [item.mark for item in bob_room(chats).items] == [Mark.RECEIVED, Mark.STORED]
    assert bob_room(chats).unread == 0
    assert chats.add_older(bob_room(chats), page, more=False) == 0


def test_between_two_runs() -> None:
    chats = make_chats()
    chats.open(tea_room(chats))
    chats.receive(one(5, "read", minute=1))
    chats.open(bob_room(chats))
    show(chats)
    bob_room(chats).draft = ("half a thou", 4)
    chats.open(tea_room(chats))
    chats.receive(one(6, "unread", minute=2))
    chats.receive(one(7, "unread, too", minute=3))
    saved = json.loads(json.dumps(chats.to_saved()))
    assert "unread, too" not in json.dumps(saved)
    again = Chats(ANN)
    again.restore(saved)
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
def test_nonsense_from_an_earlier_run(saved: dict[str, object]) -> None:
    chats = make_chats()
    chats.restore(saved)
    assert bob_room(chats).unread == 0
    assert bob_room(chats).title == "bob"
    assert chats.ordered()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
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
def test_any_json_from_an_earlier_run(rooms: list[dict[str, object]]) -> None:
    chats = make_chats()
    chats.restore({"rooms": rooms, "current": [False, 2]})
    chats.receive(one(1, "hi"))
    chats.ordered()
    json.dumps(chats.to_saved())
