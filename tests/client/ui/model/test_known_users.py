from __future__ import annotations

from client.ui.model.known_users import id_of_name, known_groups, known_users
from client.ui.model.room_list import RoomList
from tests.client.ui.uikit import ANN, BOB, CAT, TEA, make_rooms, one, tea_room


def test_friends_writers_and_members() -> None:
    rooms = make_rooms()
    assert known_users(rooms) == {BOB: "bob", CAT: "安妮"}
    rooms.receive(one(1, "hi", sender=99))
    assert known_users(rooms)[99] == "name 99"
    rooms.open(tea_room(rooms))
    assert known_users(rooms)[ANN] == "ann"
    assert known_groups(rooms) == {TEA: "tea"}


def test_before_the_login() -> None:
    assert known_users(RoomList(0)) == known_groups(RoomList(0)) == {}


def test_a_name_must_belong_to_one_user() -> None:
    known = {1: "Ann", 2: "bob", 3: "BOB"}
    assert id_of_name(known, "ann") == 1
    assert id_of_name(known, "bob") is None
    assert id_of_name(known, "eve") is None
