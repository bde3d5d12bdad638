"""Client events, in the whole terminal with a scripted server."""

from __future__ import annotations

import threading

from chat.protocol import MsgType
from client.timing import Timing
from tests.client.fake_server import FakeServer, ack, group_chat, login_ack, one_chat
from tests.client.ui.appkit import FRIENDS, GROUPS, Start, history, silence
from tests.client.ui.apprun import F5, FOCUS_IN, FOCUS_OUT, AppRun, alt


def test_messages_in_the_open_room_and_in_others(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "hi there"))
    talk.wait_for("bob: hi there")
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [3]
    assert talk.output.bells == 0
    server.send(one_chat(4, "psst", sender=3, name="安妮"))
    talk.wait_for("安妮       1", "1 unread")
    assert talk.output.bells == 1
    talk.pass_time(5.0)
    server.send(group_chat(5, "alice, tea?"))
    talk.wait_for("tea       @1", "2 unread in 2")
    assert talk.output.bells == 2
    talk.pass_time(5.0)
    server.send(group_chat(6, "nothing for you"))
    talk.wait_for("@2")
    assert talk.output.bells == 2
    assert talk.output.titles[-1] == "(3) chat"
    talk.type(alt("a"))
    talk.wait_for("─ new ─", "bob: alice, tea?")
    talk.type(alt("a"))
    talk.wait_for("─ new ─", "安妮: psst")
    talk.type(alt("a"))
    talk.wait_for("Nothing is unread.")
    assert talk.output.titles[-1] == "chat"


def test_a_message_of_a_new_member_updates_the_members(server: FakeServer, app: AppRun) -> None:
    app.command("/group tea")
    app.wait_for("of 2 online")
    users = [*GROUPS[0]["users"], {"id": 9, "name": "dan", "state": "online", "role": "normal"}]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=users)]
    server.send({**group_chat(5, "hello, I am new"), "id": 9, "name": "dan"})
    app.wait_for("dan: hello, I am new", "of 3 online")


def test_notices_about_groups_are_lines_in_their_room(server: FakeServer, app: AppRun) -> None:
    app.command("/group tea")
    app.wait_for("2 of 2 online")
    notice = {"msgid": 83, "groupid": 7}
    # The terminal may ask for the members at any time.
    users = [*GROUPS[0]["users"], {"id": 9, "name": "dan", "state": "online", "role": "normal"}]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=users)]
    server.send({**notice, "event": "joined", "userid": 9, "by": 9, "name": "dan"})
    app.wait_for("dan has joined", "3 of 3 online")
    server.send({**notice, "event": "role", "userid": 1, "by": 2, "role": "admin"})
    app.wait_for("your new role: administrator")
    names = {"name": "dan", "byname": "bob"}
    del users[-1]
    server.send({**notice, "event": "banned", "userid": 9, "by": 2, "reason": "spam", **names})
    app.wait_for("bob has banned dan: spam", "2 of 2 online")
    changed = {"groupname": "green tea", "groupdesc": "", "join": "invite", "by": 2}
    server.send({**notice, "event": "renamed", **changed})
    app.wait_for("bob has renamed the group: green tea", "green tea (7)")
    server.send({**notice, "event": "changed", **changed})
    app.wait_for("bob has changed the group, which is open to invited")
    server.send({**notice, "event": "celebrated", "by": 2})
    server.send({**notice, "event": "dissolved"})
    app.wait_for("an operator of the server has dissolved the group")
    assert app.ask(lambda: app.app.state.rooms.directory.group(7)) is None
    assert app.output.bells == 0


def test_events_of_groups_stand_between_the_messages(server: FakeServer, app: AppRun) -> None:
    """Each is acknowledged, and a repeated one is no second line."""
    app.command("/group tea")
    app.wait_for("2 of 2 online")
    users = [*GROUPS[0]["users"], {"id": 9, "name": "dan", "state": "online", "role": "normal"}]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=users)]
    head = {"msgid": 113, "groupid": 7, "time": "2026-11-27 08:00:00"}
    dan = {"userid": 9, "name": "dan", "by": 9, "byname": "dan"}
    joined = {**head, **dan, "event": "joined", "groupname": "tea", "seq": 10}
    server.send(group_chat(11, "welcome"))
    app.wait_for("bob: welcome")
    server.send(joined)
    app.wait_for("dan has joined", "3 of 3 online")
    server.send(joined)
    removed = {"userid": 1, "name": "alice", "by": 2, "byname": "bob", "groupname": "tea"}
    server.send({**head, **removed, "event": "removed", "seq": 12})
    app.wait_for("bob has removed you")
    room = app.ask(lambda: app.app.state.rooms.current)
    assert room is not None
    texts = app.ask(lambda: [item.text for item in room.items[-3:]])
    assert texts == ["dan has joined", "welcome", "bob has removed you"]
    assert app.ask(lambda: app.app.state.rooms.directory.group(7)) is None
    acknowledged: list[int] = []
    while len(acknowledged) < 4:
        acknowledged += server.expect(MsgType.DELIVERED_MSG)["seqs"]
    assert sorted(acknowledged) == [10, 10, 11, 12]
    assert app.output.bells == 0


def test_presence(server: FakeServer, app: AppRun) -> None:
    app.wait_for("○ 安妮")
    server.send({"msgid": 28, "id": 3, "state": "online"})
    app.wait_for("● 安妮")


def test_an_announcement(server: FakeServer, app: AppRun) -> None:
    server.send({"msgid": 89, "msg": "维护\n20:00", "time": "2026-11-24 12:00:00"})
    app.wait_for("announcement of the server: 维护")
    app.wait_for("20:00")
    assert app.output.bells == 1


def test_a_burst_of_messages_rings_once(server: FakeServer, app: AppRun) -> None:
    server.send(*(one_chat(seq, f"mail {seq}") for seq in range(1, 151)))
    app.wait_for("150 unread")
    assert app.output.bells == 1


def test_the_bell_can_be_silenced(server: FakeServer, app: AppRun) -> None:
    app.command("/bell off")
    app.wait_for("The bell is silent.")
    server.send(one_chat(3, "psst"))
    app.wait_for("1 unread")
    assert app.output.bells == 0


def test_received_control_characters_are_escaped(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "\x1b[2J\x1b]0;owned\x07 \u202eevil\u200b\x9b31m"))
    screen = talk.wait_for("\\x1b[2J", "\\x1b]0;owned\\x07", "\\u202eevil\\u200b\\x9b31m")
    assert all(line.isprintable() for line in screen.splitlines())


def test_messages_while_the_terminal_has_no_focus(server: FakeServer, talk: AppRun) -> None:
    talk.command("/notify 777")
    talk.wait_for("Desktop notices by OSC 777")
    talk.type(FOCUS_OUT)
    talk.settle()
    server.send(one_chat(3, "are you; there?"))
    talk.wait_for("bob: are you; there?", "1 unread", "─ new ─")
    assert (talk.output.bells, talk.output.titles[-1]) == (1, "(1) chat")
    assert "\x1b]777;notify;bob;are you; there?\x07" in talk.output.raw
    talk.type(FOCUS_IN)
    talk.wait_for("─ new ─", gone="unread")
    talk.pass_time(5.0)
    server.send(one_chat(4, "good"))
    talk.wait_for("bob: good")
    talk.type("typed")
    talk.wait_for("> typed", gone="unread")
    assert (talk.output.bells, talk.output.titles[-1]) == (1, "chat")


def test_a_lost_connection(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.LOGIN_MSG] = silence
    server.hang_up()
    talk.wait_for("signing in … messages that you write are sent later", "alice (1) ○")
    talk.command("written meanwhile")
    talk.wait_for("…", "written meanwhile", "1 unsent")
    talk.command("/add 5")
    talk.wait_for("This needs a connection")
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS)]
    server.hang_up()
    talk.wait_for("✓", "written meanwhile", "alice (1) ●", gone="unsent")


def test_back_off_and_f5(server: FakeServer, start: Start) -> None:
    app = start(timing=Timing(first_backoff=1000.0, longest_backoff=1000.0, goodbye=0.1))
    app.sign_in()
    server.hang_up()
    app.wait_for("not connected: closed by the server. Next attempt in", "(F5: now)")
    app.type(F5)
    app.wait_for("alice (1) ●", gone="not connected")


def test_an_account_is_taken_over_and_back(server: FakeServer, talk: AppRun) -> None:
    server.send({"msgid": 32, "reason": "replaced", "reconnect": False})
    talk.wait_for("this account has signed in elsewhere. F5: take it back")
    talk.command("kept for later")
    talk.wait_for("…", "kept for later")
    talk.type(F5)
    talk.wait_for("✓", gone="elsewhere")


def test_a_gap_after_a_lost_connection_reloads_the_history(
    server: FakeServer, talk: AppRun
) -> None:
    server.send(one_chat(3, "before"))
    talk.wait_for("bob: before")
    server.rules[MsgType.HISTORY_MSG] = history((60, 65), (50, 59))
    server.send({"msgid": 32, "reason": "replaced", "reconnect": False})
    talk.wait_for("F5")
    talk.type(F5)
    talk.wait_for("message 65", gone="before")


def test_a_flood_of_messages_leaves_time_for_keys(server: FakeServer, talk: AppRun) -> None:
    done = threading.Event()

    def flood() -> None:
        server.send(*(one_chat(None, f"flood {number}") for number in range(3000)))
        done.set()

    threading.Thread(target=flood, daemon=True).start()
    talk.type("still typing")
    talk.wait_for("> still typing")
    assert done.wait(30)
    talk.wait_for("flood 2999")
    renders = talk.renders
    assert renders < 1500  # of 3000 messages
