"""Requests to be a friend, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack, login_ack, refuse
from tests.client.ui.appkit import FRIENDS, Start
from tests.client.ui.apprun import ESC, TAB, AppRun, ctrl

DAN = {"id": 9, "name": "dan", "time": "2026-11-23 12:00:00"}
EVE = {"id": 12, "name": "eve\x1b", "time": ""}
ASKED = {"msgid": 67, "event": "asked", **DAN}


def test_a_request_arrives_and_is_accepted(server: FakeServer, app: AppRun) -> None:
    server.send(ASKED)
    app.wait_for("dan asks to be your friend: /accept 9 or /decline 9")
    assert app.output.bells == 1
    server.rules[MsgType.ANSWER_FRIEND_MSG] = lambda r: [
        ack(MsgType.ANSWER_FRIEND_ACK, r, userid=9, friend={"id": 9, "name": "dan", "state": "x"})
    ]
    app.command("/accept dan")
    app.wait_for("dan (9) is on your list.", "○ dan")
    request = server.expect(MsgType.ANSWER_FRIEND_MSG)
    assert (request["userid"], request["accept"]) == (9, True)


def test_requests_that_wait_at_the_login(server: FakeServer, start: Start) -> None:
    invited = {"groupid": 5, "groupname": "tea", "by": 2, "byname": "bob"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, friends=FRIENDS, friend_requests=[DAN, EVE], invitations=[invited])
    ]
    app = start()
    app.sign_in()
    app.wait_for("Requests to be your friend: 2. See them: /requests")
    app.wait_for("Invitations to groups: 1.")
    server.rules[MsgType.FRIEND_REQUESTS_MSG] = lambda r: [
        ack(MsgType.FRIEND_REQUESTS_ACK, r, requests=[DAN, EVE])
    ]
    app.command("/requests")
    app.wait_for("/accept NUMBER or /decline NUMBER", "9  dan  2026-11-23 20:00:00", "12  eve\\x1b")
    app.type(ESC)
    app.type("/decline ", TAB)
    app.wait_for("9 dan", "12 eve\\x1b")
    app.type(ctrl("c"))
    app.command("/decline dan")
    app.wait_for("The request of dan is declined.")
    assert server.expect(MsgType.ANSWER_FRIEND_MSG)["accept"] is False
    app.command("/decline dan")
    app.wait_for("dan does not ask to be your friend. See the requests: /requests")


def test_a_request_that_was_taken_back(server: FakeServer, app: AppRun) -> None:
    server.send(ASKED)
    app.wait_for("dan asks to be your friend")
    server.rules[MsgType.ANSWER_FRIEND_MSG] = refuse(MsgType.ANSWER_FRIEND_ACK, 5, "has not asked")
    app.command("/accept 9")
    app.wait_for("dan does not ask to be your friend.")
    app.command("/requests")
    app.wait_for("No user asks to be your friend.")


def test_the_own_request(server: FakeServer, app: AppRun) -> None:
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, pending=True, friendid=9)
    ]
    app.command("/add 9")
    app.wait_for("9 is asked, if there is such a user. /remove 9 takes it back.")
    app.command("/remove 9")
    app.wait_for("Your request to 9 is taken back.")
    assert server.expect(MsgType.REMOVE_FRIEND_MSG)["friendid"] == 9
    server.rules[MsgType.REMOVE_FRIEND_MSG] = refuse(MsgType.REMOVE_FRIEND_ACK, 5, "is not in")
    app.command("/remove 9")
    app.wait_for("9 is not on your list.")
    server.send({"msgid": 67, "event": "accepted", "id": 9, "name": "dan", "state": "online"})
    app.wait_for("dan (9) has accepted, and is on your list.", "● dan")


def test_a_change_by_another_device(server: FakeServer, app: AppRun) -> None:
    dan = {"msgid": 67, "id": 9, "name": "dan"}
    server.send({**dan, "event": "added", "state": "online"})
    app.wait_for("dan (9) is on your list.", "● dan")
    server.send({**dan, "event": "removed"})
    app.wait_for("dan is not on your list any more.")
    server.send(ASKED)
    app.wait_for("dan asks to be your friend")
    assert app.output.bells == 1
    later = {"msgid": 67, "id": 8, "name": "eve", "event": "added", "state": "online"}
    server.send({**dan, "event": "declined"}, later)
    app.wait_for("eve (8) is on your list.")  # so the event before it was taken, too
    app.command("/decline dan")
    app.wait_for("dan does not ask to be your friend. See the requests: /requests")


def test_a_newer_event_is_ignored(server: FakeServer, app: AppRun) -> None:
    server.send({**ASKED, "event": "waved"}, ASKED)
    app.wait_for("dan asks to be your friend")
