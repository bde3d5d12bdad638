"""Clients that read as the original's do show each message, whole and once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.chatkit import ServerProcess, Wire
from tests.e2e.originalkit import OriginalClient, check_five_senders, check_quick_messages

Server = Callable[..., ServerProcess]
Original = Callable[..., OriginalClient]

APART = "[classic]\ngap = 0.1\n"
"""A gap that is long enough for a client to read, also on a busy machine."""

SLOW = "[classic]\ngap = 0.2\n"
"""A gap in which a test can act between two frames of one message."""

LONG = "".join(f"{number} 你好 e\u0301 \U0001f44d\U0001f3fd; " for number in range(300))


@pytest.fixture
def original(request: pytest.FixtureRequest) -> Iterator[Original]:
    """A new user at an original client: ``original(server, name)``; with ``id=`` a known user."""
    with ExitStack() as stack:

        def make(
            server: ServerProcess, name: str = "", *, id: int = 0, end: bytes = b"\0"
        ) -> OriginalClient:
            client = stack.enter_context(OriginalClient(server.port, end))
            client.login(id or client.register(name))
            return client

        yield make


@pytest.fixture(params=["stored", "direct"])
def mode_server(request: pytest.FixtureRequest, make_server: Server) -> ServerProcess:
    return make_server(f'{APART}[chat]\ndelivery = "{request.param}"\n')


@pytest.fixture
def server(make_server: Server) -> ServerProcess:
    return make_server(APART)


def test_ten_quick_messages_are_shown(mode_server: ServerProcess, original: Original) -> None:
    ann, bob = original(mode_server, "ann"), original(mode_server, "bob")
    check_quick_messages(ann, bob)


@pytest.mark.parametrize("v2", [False, True])
def test_five_senders_at_once(
    mode_server: ServerProcess,
    original: Original,
    connect: Callable[..., Wire],
    v2: bool,
) -> None:
    bob = original(mode_server, "bob")
    senders = [connect(mode_server, v2=v2) for _ in range(5)]
    for number, sender in enumerate(senders):
        sender.login(sender.register(f"sender {number}"))
    check_five_senders(bob, senders)


def group_of_four(server: ServerProcess, original: Original) -> list[OriginalClient]:
    """Group 1 with four members; the first is its creator."""
    ann, *others = members = [original(server, name) for name in ("ann", "bob", "eve", "joe")]
    ann.send(msgid=8, id=ann.id, groupname="tea", groupdesc="")
    # The answer to an unknown number means that the requests before it were served.
    assert ann.answer(msgid=0)["msgid"] == 31
    for other in others:
        other.send(msgid=9, id=other.id, groupid=1)
        assert other.answer(msgid=0)["msgid"] == 31
    return members


def test_a_group_is_told_at_once(mode_server: ServerProcess, original: Original) -> None:
    ann, *others = group_of_four(mode_server, original)
    for number in range(10):
        ann.send(msgid=10, id=ann.id, name="ann", groupid=1, msg=f"all {number}", time="now")
    for other in others:
        assert other.texts(10) == [f"all {number}" for number in range(10)]


def test_a_group_gets_a_long_text(mode_server: ServerProcess, original: Original) -> None:
    """Each member gets the whole text."""
    ann, *others = group_of_four(mode_server, original)
    ann.send(msgid=10, id=ann.id, name="ann", groupid=1, msg="x" * 3000, time="now")
    ann.send(msgid=10, id=ann.id, name="ann", groupid=1, msg="the end", time="now")
    for other in others:
        shown = other.until_shown(5)
        assert "".join(message["msg"] for message in shown) == "x" * 3000 + "the end"


def test_a_client_that_ends_frames_with_nothing(
    mode_server: ServerProcess, original: Original, member: Callable[..., Wire]
) -> None:
    ann, bob = member(mode_server, "ann"), original(mode_server, "bob", end=b"")
    for number in range(10):
        ann.chat(bob.id, f"quick {number}")
    ann.chat(bob.id, "x" * 1500)
    assert bob.texts(10) == [f"quick {number}" for number in range(10)]
    assert "".join(message["msg"] for message in bob.until_shown(12)[10:]) == "x" * 1500


def test_answers_are_kept_apart_too(server: ServerProcess, original: Original) -> None:
    ann = original(server, "ann")
    before = len(ann.answers)
    for _ in range(20):
        ann.send(msgid=0)
    ann.until(lambda: len(ann.answers) == before + 20, "answers")


# ---------------------------------------------------------------------- long messages


@pytest.mark.parametrize("text", ["x" * 950, "x" * 1500, "你" * 900, '"\\\n\x01' * 300, LONG])
def test_a_long_text_comes_in_parts(
    mode_server: ServerProcess, original: Original, member: Callable[..., Wire], text: str
) -> None:
    ann, bob = member(mode_server, "ann"), original(mode_server, "bob")
    ann.chat(bob.id, text)
    ann.expect(20, errno=0)
    ann.chat(bob.id, "the end")
    bob.until(lambda: bob.shown and bob.shown[-1]["msg"] == "the end", "last message")
    assert "".join(message["msg"] for message in bob.shown[:-1]) == text
    fields = {"msgid": 6, "id": ann.id, "name": "ann", "toid": bob.id}
    for message in bob.shown:
        assert {**message, **fields} == message


def test_unknown_fields_make_room_first(server: ServerProcess, original: Original) -> None:
    ann, bob = original(server, "ann"), original(server, "bob")
    ann.chat(bob.id, "x" * 700, colour="red" * 100)
    ann.chat(bob.id, "short", colour="red")
    first, second = bob.until_shown(2)
    assert (first["msg"], "colour" in first) == ("x" * 700, False)
    assert first["time"] == "2026-11-26 21:59:00"
    assert second["colour"] == "red"


def test_clients_that_parse_every_frame_get_long_ones(
    server: ServerProcess, member: Callable[..., Wire]
) -> None:
    """An original client does not end its first frame with LF."""
    ann, bob = member(server, "ann", v2=False), member(server, "bob", v2=False)
    ann.chat(bob.id, "x" * 5000, colour="red")
    bob.expect(6, msg="x" * 5000, colour="red")


def test_without_a_limit(make_server: Server, member: Callable[..., Wire]) -> None:
    server = make_server("[classic]\nframe = 0\n")
    ann, bob = member(server, "ann"), member(server, "bob", v2=False, end=b"\0")
    ann.chat(bob.id, "x" * 5000)
    bob.expect(6, msg="x" * 5000)


def test_without_a_gap_long_texts_are_split_still(
    make_server: Server, member: Callable[..., Wire]
) -> None:
    server = make_server("[classic]\ngap = 0\n")
    ann, bob = member(server, "ann"), member(server, "bob", v2=False, end=b"\0")
    ann.chat(bob.id, "x" * 2000)
    parts = [bob.expect(6)["msg"] for _ in range(3)]
    assert "".join(parts) == "x" * 2000


# ---------------------------------------------------------------------- logging in


def test_long_mail_follows_the_answer_to_the_login(
    server: ServerProcess, original: Original, member: Callable[..., Wire]
) -> None:
    ann = member(server, "ann")
    with OriginalClient(server.port) as client:
        bob = client.register("bob")
    texts = [f"{number} " + "x" * 400 for number in range(4)]
    for text in texts:
        ann.chat(bob, text)
        ann.expect(20, errno=0)
    back = original(server, id=bob)
    assert "offlinemsg" not in back.answers[-1]
    assert back.texts(4) == texts


def test_short_mail_comes_with_the_answer(
    server: ServerProcess, original: Original, member: Callable[..., Wire]
) -> None:
    ann = member(server, "ann")
    with OriginalClient(server.port) as client:
        bob = client.register("bob")
    for text in ("one", "two"):
        ann.chat(bob, text)
        ann.expect(20, errno=0)
    back = original(server, id=bob)
    mail = [json.loads(item)["msg"] for item in back.answers[-1]["offlinemsg"]]
    assert mail == ["one", "two"]
    ann.chat(bob, "three")
    assert back.texts(1) == ["three"]


def test_a_full_mailbox_follows_the_answer(
    server: ServerProcess, original: Original, member: Callable[..., Wire]
) -> None:
    ann = member(server, "ann")
    with OriginalClient(server.port) as client:
        bob = client.register("bob")
    for number in range(40):
        ann.chat(bob, f"text {number}")
    for _ in range(40):
        ann.expect(20, errno=0)
    assert original(server, id=bob).texts(40) == [f"text {number}" for number in range(40)]


def test_many_friends_and_groups_are_cut(
    server: ServerProcess, original: Original, connect: Callable[..., Wire]
) -> None:
    ann = original(server, "ann")
    for number in range(1, 31):
        other = connect(server)
        other.register(f"friend {number:02}")
        ann.send(msgid=7, id=ann.id, friendid=ann.id + number)
    ann.send(msgid=8, id=ann.id, groupname="tea", groupdesc="")
    ann.send(msgid=0)
    ann.until(lambda: ann.answers[-1]["msgid"] == 31, "answer")
    ann.close()
    server.wait_until_offline(ann.id)
    answer = original(server, id=ann.id).answers[-1]
    friends = [json.loads(friend)["name"] for friend in answer["friends"]]
    assert friends == [f"friend {number:02}" for number in range(1, len(friends) + 1)]
    assert 10 < len(friends) < 30
    server.wait_for_log(f"leaves out {30 - len(friends)} of 30 friends, 1 of 1 groups")


# ---------------------------------------------------------------------- cut off midway


def owed(server: ServerProcess, user_id: int) -> int:
    ((count,),) = server.query("SELECT COUNT(*) FROM offlinemessage WHERE userid = ?", user_id)
    return int(count)


@pytest.mark.parametrize("how", ["the server is killed", "the client hangs up"])
def test_a_text_that_was_cut_off_comes_again_whole(
    make_server: Server,
    original: Original,
    member: Callable[..., Wire],
    connect: Callable[..., Wire],
    how: str,
) -> None:
    server = make_server(SLOW)
    ann, bob = member(server, "ann"), original(server, "bob")
    ann.chat(bob.id, "x" * 6000)
    ann.expect(20, errno=0)
    bob.until_shown(1)
    if how == "the server is killed":
        server.kill()
        server.start()
    else:
        bob.close()
        server.wait_until_offline(bob.id)
    assert owed(server, bob.id) == 1
    again = original(server, id=bob.id)
    again.until(lambda: sum(len(m["msg"]) for m in again.shown) >= 6000, "whole text")
    assert "".join(message["msg"] for message in again.shown) == "x" * 6000


def test_what_was_not_written_is_not_delivered(
    make_server: Server, original: Original, member: Callable[..., Wire]
) -> None:
    server = make_server(SLOW)
    ann, bob = member(server, "ann"), original(server, "bob")
    for number in range(60):
        ann.chat(bob.id, f"text {number}")
    for _ in range(60):
        ann.expect(20, errno=0)
    bob.until_shown(3)
    server.kill()
    shown = len(bob.shown)
    server.start()
    assert 60 - owed(server, bob.id) <= shown + 1
    again = original(server, id=bob.id)
    again_texts = [m["msg"] for m in again.until_shown(5)]
    assert int(again_texts[0].split()[1]) <= shown


def test_a_live_message_is_acknowledged_when_it_is_out(
    make_server: Server, original: Original, member: Callable[..., Wire]
) -> None:
    """In ``direct``: messages that wait when the receiver goes away are stored."""
    server = make_server(SLOW + '[chat]\ndelivery = "direct"\n')
    ann, bob = member(server, "ann"), original(server, "bob")
    for number in range(6):
        ann.chat(bob.id, f"text {number}")
    bob.until_shown(2)
    bob.close()
    acks = [ann.expect(20, errno=0) for _ in range(6)]
    stored = ["seq" in ack for ack in acks]
    assert stored == sorted(stored), "in the order of sending"
    assert stored.count(False) >= 2
    assert stored.count(True) >= 3
    again = original(server, id=bob.id)
    missing = 6 - stored.count(False)
    mail = [json.loads(item)["msg"] for item in again.answers[-1].get("offlinemsg", [])]
    if len(mail) < missing:
        mail += again.texts(missing - len(mail))
    assert mail == [f"text {number}" for number in range(6 - missing, 6)]
