from __future__ import annotations

from dataclasses import replace

from client.ui.model.message_item import Mark
from client.ui.model.room import Anchor, RoomKey
from client.ui.model.room_list import RoomList
from tests.client.ui.uikit import (
    ACCOUNT,
    ANN,
    BOB,
    CAT,
    TEA,
    bob_room,
    in_tea,
    make_rooms,
    one,
    receipt,
    sending,
    show,
    tea_room,
    texts,
)


def titles(rooms: RoomList) -> list[str]:
    return [room.title for room in rooms.ordered()]


def test_friends_and_groups_are_rooms() -> None:
    rooms = make_rooms()
    assert titles(rooms) == ["bob", "tea", "安妮"]  # friends who are offline come last
    assert rooms.directory.is_online(bob_room(rooms).key) is True
    assert rooms.directory.is_online(rooms.room(RoomKey(False, CAT)).key) is False
    assert rooms.directory.is_online(tea_room(rooms).key) is None
    assert rooms.directory.members_online(TEA) == (2, 2)
    assert rooms.directory.name_of(CAT) == "安妮"
    assert rooms.directory.name_of(ANN) == "ann"
    assert rooms.directory.name_of(99) == ""


def test_messages_go_to_their_rooms() -> None:
    rooms = make_rooms()
    arrival = rooms.receive(one(1, "hi", minute=1))
    assert (arrival.room, arrival.fresh, arrival.alerts, arrival.seen) == (
        bob_room(rooms), True, True, False,
    )  # fmt: skip
    assert not rooms.receive(in_tea(2, "all", minute=2)).alerts
    assert rooms.receive(in_tea(3, "Ann, come", minute=3)).alerts
    assert titles(rooms) == ["tea", "bob", "安妮"]
    assert rooms.unread == (3, 2)
    assert tea_room(rooms).mentioned
    again = rooms.receive(one(1, "hi"))
    assert (again.fresh, again.alerts) == (False, False)


def test_a_message_of_a_stranger() -> None:
    rooms = make_rooms()
    room = rooms.receive(one(1, "buy!", sender=99)).room
    assert room.key == RoomKey(False, 99)
    assert room.title == "name 99"
    assert rooms.directory.is_online(room.key) is None
    assert not rooms.directory.is_friend(99)
    assert "name 99" in titles(rooms)


def test_a_friend_has_the_name_on_the_friend_list() -> None:
    rooms = make_rooms()
    rooms.receive(replace(one(1, "hi"), sender_name="not bob"))
    assert bob_room(rooms).title == "bob"


def test_a_note_to_oneself() -> None:
    rooms = make_rooms()
    room = rooms.write(sending("m1", "note", to=ANN))
    arrival = rooms.receive(one(1, "note", sender=ANN, to=ANN))
    assert arrival.room is room
    assert (arrival.alerts, room.unread) == (False, 0)
    rooms.confirm(receipt("m1", 1))
    assert texts(room) == ["note"]
    assert rooms.directory.is_online(room.key) is True


def test_a_message_without_focus_is_unread() -> None:
    rooms = make_rooms()
    room = bob_room(rooms)
    rooms.open(room)
    assert rooms.receive(one(1, "a")).seen
    arrival = rooms.receive(one(2, "b"), focused=False)
    assert (arrival.seen, arrival.alerts, room.unread) == (False, True, 1)
    rooms.receive(one(3, "c"), focused=False)
    assert room.divider is room.items[1]
    show(rooms)
    assert (room.unread, room.divider) == (0, room.items[1])


def test_messages_in_the_open_room_are_read() -> None:
    rooms = make_rooms()
    rooms.receive(one(1, "a"))
    rooms.open(bob_room(rooms))
    assert bob_room(rooms).unread == 1  # until it is drawn
    show(rooms)
    assert bob_room(rooms).unread == 0
    assert rooms.receive(one(2, "b")).seen
    assert bob_room(rooms).unread == 0
    bob_room(rooms).anchor = Anchor(bob_room(rooms).items[0], 0)
    assert not rooms.receive(one(3, "c")).seen
    assert bob_room(rooms).unread == 1


def test_own_messages() -> None:
    rooms = make_rooms()
    room = rooms.write(sending("m1", "hello"))
    assert room is bob_room(rooms)
    assert rooms.write(sending("m1", "hello")) is room  # a repetition
    assert [item.mark for item in room.items] == [Mark.SENDING]
    rooms.confirm(receipt("m1", 5))
    rooms.confirm(receipt("m1", 5))
    assert [item.mark for item in room.items] == [Mark.STORED]
    group = rooms.write(sending("m2", "all", to=TEA, to_group=True))
    assert group is tea_room(rooms)
    assert rooms.fail("m2", "not a member") is group
    assert rooms.fail("m3", "nothing") is None
    (failed,) = group.failed
    rooms.forget(group, failed)
    assert group.items == []
    assert rooms.fail("m2", "late") is None


def test_the_login_gives_the_own_name() -> None:
    rooms = RoomList(ANN)
    room = rooms.write(sending("m1", "from an earlier run"))
    assert room.items[0].sender == ""
    rooms.set_account(ACCOUNT)
    assert room.items[0].sender == "ann"


def test_open_and_neighbour() -> None:
    rooms = make_rooms()
    bob, tea, cat = rooms.ordered()
    assert rooms.neighbour(1) is bob
    assert rooms.neighbour(-1) is cat
    rooms.open(bob)
    rooms.open(bob)
    assert rooms.neighbour(1) is tea
    assert rooms.neighbour(-1) is cat
    rooms.open(cat)
    assert rooms.previous is bob
    assert RoomList(5).neighbour(1) is None


def test_the_next_unread_room() -> None:
    rooms = make_rooms()
    assert rooms.next_unread() is None
    rooms.receive(in_tea(1, "all", minute=1))
    rooms.receive(one(2, "you", minute=2))
    rooms.receive(one(3, "you", sender=CAT, minute=3))
    assert rooms.next_unread() is bob_room(rooms)  # a message to the user, and the oldest
    rooms.open(bob_room(rooms))
    show(rooms)
    rooms.open(rooms.next_unread())
    assert rooms.current is rooms.room(RoomKey(False, CAT))
    show(rooms)
    assert rooms.next_unread() is tea_room(rooms)


def test_a_closed_room_returns_with_a_message() -> None:
    rooms = make_rooms()
    bob_room(rooms).hidden = True
    assert "bob" not in titles(rooms)
    rooms.receive(one(1, "hi"))
    assert "bob" in titles(rooms)


def test_a_removed_friend_with_messages_stays_listed() -> None:
    rooms = make_rooms()
    rooms.receive(one(1, "hi"))
    rooms.set_account(replace(ACCOUNT, friends=(), groups=()))
    assert titles(rooms) == ["bob"]
    assert rooms.directory.is_online(bob_room(rooms).key) is None
    assert rooms.directory.group(TEA) is None


def test_history() -> None:
    rooms = make_rooms()
    rooms.open(bob_room(rooms))
    page = [one(1, "a"), one(2, "b", sender=ANN, to=BOB)]
    assert rooms.add_older(bob_room(rooms), page, more=True) == 2
    assert [item.mark for item in bob_room(rooms).items] == [Mark.RECEIVED, Mark.STORED]
    assert bob_room(rooms).unread == 0
    assert rooms.add_older(bob_room(rooms), page, more=False) == 0
