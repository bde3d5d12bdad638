"""Clones of the original against a real server: each family, new and returning."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.chatkit import WAIT, ServerProcess, Wire, free_port
from tests.e2e.clonekit import BY_NAME, FAMILIES, Clone, Family

Clones = Callable[[str], Clone]


@pytest.fixture
def ack5_port() -> int:
    return free_port()


@pytest.fixture
def server(make_server: Callable[..., ServerProcess], ack5_port: int) -> ServerProcess:
    return make_server("", "--listen", f"127.0.0.1:{ack5_port}=ack5")


@pytest.fixture
def clones(server: ServerProcess, ack5_port: int) -> Iterator[Clones]:
    """Connects a client of a family; those of ack5 have an address of their own."""
    made: list[Clone] = []

    def make(family: str) -> Clone:
        port = ack5_port if family == "ack5" else server.port
        made.append(Clone(BY_NAME[family], port))
        return made[-1]

    yield make
    for clone in made:
        clone.close()


def new_user(clones: Clones, family: str, name: str) -> Clone:
    clone = clones(family)
    clone.register(name)
    clone.log_in()
    return clone


def back_again(clones: Clones, former: Clone) -> Clone:
    """The same user and program, on a new connection."""
    clone = clones(former.family.name)
    clone.id, clone.name = former.id, former.name
    return clone


def wait_for_memory(server: ServerProcess, user_id: int, remembered: str | None) -> None:
    """Wait until the account's dialect is stored."""
    pause = threading.Event()  # no event tells a stranger: look again and again
    found: object = None
    for _ in range(int(WAIT / 0.01)):
        [(found,)] = server.query("SELECT dialect FROM user WHERE id = ?", user_id)
        if found == remembered:
            return
        pause.wait(0.01)
    raise AssertionError(f"{found!r} is remembered, not {remembered!r}")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_new_user_and_again_when_it_returns(
    server: ServerProcess, clones: Clones, family: Family
) -> None:
    wang = new_user(clones, "tutorial", "wang")
    wang.create_group("wang's")
    li = clones(family.name)
    li.register("li")
    li.log_in()
    li.add_friend(wang)
    li.create_group("li's")
    li.join_group(1)
    wang.join_group(2)
    li.chat(wang, "hello 你好 {}")
    wang.expect_chat(li, "hello 你好 {}")
    wang.chat(li, 'to you "}" \\')
    li.expect_chat(wang, 'to you "}" \\')
    li.group_chat(1, "all of you")
    wang.expect_group_chat(li, 1, "all of you")
    wang.group_chat(2, "and you")
    li.expect_group_chat(wang, 2, "and you")
    li.log_out()
    li.close()
    wait_for_memory(server, li.id, family.remembered)

    wang.chat(li, "while you were away")
    wang.settle()
    li = back_again(clones, li)
    answer = li.log_in()
    friends = [json.loads(friend) for friend in answer["friends"]]
    assert friends == [{"id": wang.id, "name": "wang", "state": "online"}]
    groups = [json.loads(group) for group in answer["groups"]]
    assert [(group["id"], group["groupname"], len(group["users"])) for group in groups] == [
        (1, "wang's", 2),
        (2, "li's", 2),
    ]
    [mail] = [json.loads(message) for message in answer[family.mail]]
    li.check_chat(mail, wang, "while you were away")
    wang.chat(li, "and now")  # before the client has said more than a login
    li.expect_chat(wang, "and now")
    wang.group_chat(1, "all")
    li.expect_group_chat(wang, 1, "all")
    li.chat(wang, "yes")
    wang.expect_chat(li, "yes")
    li.group_chat(2, "yes")
    wang.expect_group_chat(li, 2, "yes")


@pytest.mark.parametrize("delivery", ["stored", "direct"])
def test_all_families_in_one_group(
    make_server: Callable[..., ServerProcess], delivery: str
) -> None:
    port = free_port()
    server = make_server("", "--listen", f"127.0.0.1:{port}=ack5", "--delivery", delivery)
    made: list[Clone] = []

    def clones(family: str) -> Clone:
        made.append(Clone(BY_NAME[family], port if family == "ack5" else server.port))
        return made[-1]

    try:
        _talk_in_one_group(clones)
    finally:
        for clone in made:
            clone.close()


def _talk_in_one_group(clones: Clones) -> None:
    users = [new_user(clones, family.name, family.name) for family in FAMILIES]
    users[0].create_group("all")
    for user in users[1:]:
        user.join_group(1)
    for speaker in users:
        speaker.group_chat(1, f"from {speaker.name}")
        for other in users:
            if other is not speaker:
                other.expect_group_chat(speaker, 1, f"from {speaker.name}")
    # A client of "to" is known by its first message; before that its messages have "toid".
    for speaker in users[1:]:
        speaker.chat(users[0], "hi")
        users[0].expect_chat(speaker, "hi")
    for speaker, other in zip(users, users[1:] + users[:1], strict=True):
        speaker.chat(other, "hi")
        other.expect_chat(speaker, "hi")


def test_the_bytes_of_a_reg3_client(server: ServerProcess, connect: Callable[..., Wire]) -> None:
    wire = connect(server, v2=False, end=b"\0")

    def play(request: bytes, answer: bytes = b"") -> None:
        wire.write(request)
        while len(wire.rest) < len(answer):
            assert wire.fill()
        assert wire.rest == answer
        wire.rest = b""

    ok = b'"errno":0,"error":0,"errnum":0'
    play(b'{"msgid":3,"name":"li","password":"123"}\0', b'{"msgid":4,%b,"id":1}\0' % ok)
    play(
        b'{"id":1,"msgid":1,"password":"123"}\0',
        b'{"msgid":2,%b,"id":1,"name":"li"}\0' % ok,
    )
    play(b'{"groupdesc":"d","groupname":"g","id":1,"msgid":7}\0')
    play(
        b'{"id":1,"msg":"hi","msgid":5,"name":"li","time":"now","to":1}\0',
        b'{"msgid":5,"id":1,"name":"li","toid":1,"to":1,"msg":"hi","time":"now"}\0',
    )
    play(
        b'{"id":1,"msg":"hi","msgid":5,"name":"li","time":"now","to":99}\0',
        b'{"msgid":31,"errno":5,"error":5,"errnum":5,"errmsg":"no such user"}\0',
    )
    play(b'{"id":1,"msgid":10}\0')
    play(
        b'{"id":1,"msgid":1,"password":"wrong"}\0',
        b'{"msgid":2,"errno":1,"error":1,"errnum":1,"errmsg":"id or password is invalid!"}\0',
    )


def test_a_group_chat_of_reg3_is_never_a_join(server: ServerProcess, clones: Clones) -> None:
    """``groupchat:1:hi``, from a client that has said nothing but a login so far."""
    wang = new_user(clones, "tutorial", "wang")
    wang.create_group("wang's")
    li = clones("reg3")
    li.register("li")
    eve = clones("reg3")
    eve.id, eve.name = li.id, "li"
    eve.log_in()
    eve.group_chat(1, "hi")
    error = json.loads(eve.frame())
    assert (error["msgid"], error["errno"]) == (31, 9), "not a member: it was a group chat"
    assert server.query("SELECT COUNT(*) FROM groupuser") == [(1,)]


def test_texts_and_answers_that_are_too_long_for_one_read(
    server: ServerProcess, clones: Clones
) -> None:
    """In frames of 1,023 bytes, also where a field is sent under two names."""
    wang = new_user(clones, "tutorial", "wang")
    wang.create_group("all")
    readers = [new_user(clones, name, name) for name in ("reg3", "reg3-to", "unterminated")]
    for reader in readers:
        reader.join_group(1)
        reader.chat(wang, "here I am")
        wang.expect_chat(reader, "here I am")
    text = "你好" * 700
    wang.group_chat(1, text)
    for reader in readers:
        got = ""
        while len(got) < len(text):
            frame = reader.frame()
            assert len(frame) <= 1023
            message = json.loads(frame)
            assert message["msgid"] == reader.family.number["group_chat"]
            got += message["msg"]
        assert got == text
    away = readers[0]
    away.log_out()
    away.close()
    for number in range(4):
        wang.chat(away, f"{number}" * 400)
    wang.settle()
    back = back_again(clones, away)
    assert len(json.dumps(back.log_in())) < 1023
    for number in range(4):
        back.expect_chat(wang, f"{number}" * 400)


def test_a_wrong_password_is_answered_under_the_remembered_number(
    server: ServerProcess, clones: Clones
) -> None:
    """Else a client of ack5 waits for ever, at whatever address."""
    li = new_user(clones, "ack5", "li")
    li.log_out()
    wait_for_memory(server, li.id, "ack5")
    with contextlib.closing(Clone(BY_NAME["ack5"], server.port, li.id, "li")) as elsewhere:
        elsewhere.send("login", id=li.id, password="wrong")
        assert elsewhere.receive("login_ack")["errno"] == 1
        elsewhere.log_in()


def test_a_number_of_no_table(server: ServerProcess, clones: Clones) -> None:
    li = new_user(clones, "tutorial", "li")
    for _ in range(2):
        li.write(b'{"msgid":1012,"id":1,"toid":1,"msg":"secret"}\0')
        error = json.loads(li.frame())
        assert (error["msgid"], error["errno"]) == (31, 4)
    li.settle()
    lines = [line for line in server.log if "msgid 1012" in line]
    assert len(lines) == 1, server.log
    assert "127.0.0.1 #1: msgid 1012 with id, toid, msg fits no table" in lines[0]
    assert "docs/dialects.md" in lines[0]
    assert "secret" not in lines[0]


def test_a_table_that_is_switched_off_is_named(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server('[classic]\ndialects = ["tutorial"]\n')
    with contextlib.closing(Clone(BY_NAME["reg3"], server.port)) as li:
        li.send("register", name="li", password="123")
        error = json.loads(li.frame())
        assert (error["msgid"], error["errno"]) == (31, 4)
    server.wait_for_log('is register in the table reg3: add "reg3" to classic.dialects')


def test_a_table_of_one_s_own_needs_a_file_only(
    make_server: Callable[..., ServerProcess], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("my tables") / "ninth.toml"
    path.write_text(
        "[numbers]\nlogin = 51\nlogin_ack = 52\nregister = 53\nregister_ack = 54\nchat = 55\n"
        '[request]\nmsgid = "msgId"\n[answer]\nmsgid = "msgId"\nid = "userid"\n'
        '[message]\nmsgid = "msgId"\nname = "from"\n',
        encoding="utf-8",
    )
    server = make_server(f'[classic]\ndialects = ["tutorial", "{path}"]\n')
    with Wire(server.port, v2=False, end=b"\0") as wire:
        exchanges: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({"msgId": 53, "name": "li", "password": "123"}, {"msgId": 54, "userid": 1}),
            ({"msgId": 51, "id": 1, "password": "123"}, {"msgId": 52, "userid": 1, "name": "li"}),
            (
                {"msgId": 55, "id": 1, "toid": 1, "msg": "hi", "time": "now"},
                {"msgId": 55, "id": 1, "from": "li", "toid": 1, "msg": "hi", "time": "now"},
            ),
        ]
        for request, answer in exchanges:
            wire.send(**request)
            got = wire.receive()
            assert got is not None
            assert {key: got.get(key) for key in answer} == answer
            assert "msgid" not in got
    wait_for_memory(server, 1, "ninth")


# ---------------------------------------------------------------------- frames without an end


def test_pieces_of_a_frame_without_terminator(clones: Clones) -> None:
    li = clones("unterminated")
    for piece in (b'{"msgid":4,"name":"li }{","pass', b'word":"1', b'23"}'):
        li.write(piece)
    answer = li.receive("register_ack")
    assert (answer["errno"], answer["id"]) == (0, 1)


def test_byte_by_byte(clones: Clones) -> None:
    li = clones("unterminated")
    for byte in b'{"msgid":4,"name":"li","password":"123"}':
        li.write(bytes([byte]))
    assert li.receive("register_ack")["id"] == 1


def test_two_at_once(clones: Clones) -> None:
    li = clones("unterminated")
    li.write(
        b'{"msgid":4,"name":"li","password":"123"}{"msgid":1,"id":1,"password":"123"}'
        b'{"msgid":6,"id":1,"to":1,"msg":"}{","time":"now"}'
    )
    assert li.receive("register_ack")["id"] == 1
    assert li.receive("login_ack")["name"] == "li"
    assert li.receive("chat")["msg"] == "}{"


def test_what_was_said_just_before_the_end_is_served(server: ServerProcess, clones: Clones) -> None:
    wang = new_user(clones, "tutorial", "wang")
    li = new_user(clones, "unterminated", "li")
    li.chat(wang, "goodbye")
    li.close()
    wang.expect_chat(li, "goodbye")


def test_a_terminator_in_some_frames_only(clones: Clones) -> None:
    li = clones("unterminated")
    li.write(b'{"msgid":4,"name":"li","password":"123"}\0')
    assert li.receive("register_ack")["id"] == 1
    li.write(b'{"msgid":1,"id":1,"password":"123"}')
    assert li.receive("login_ack")["name"] == "li"
    li.write(b'{"msgid":6,"id":1,"to":1,"msg":"hi","time":"now"}\0')
    assert li.receive("chat")["to"] == 1


def test_the_last_of_several_alone_has_a_terminator(clones: Clones) -> None:
    li = clones("unterminated")
    li.write(b'{"msgid":4,"name":"li","password":"123"}\0')
    assert li.receive("register_ack")["id"] == 1
    li.write(b'{"msgid":1,"id":1,"password":"123"}')
    assert li.receive("login_ack")["name"] == "li"
    first = b'{"msgid":6,"id":1,"to":1,"msg":"one","time":"now"}'
    li.write(first + first.replace(b"one", b"two") + b"\0")
    assert [li.receive("chat")["msg"] for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("family", ["tutorial", "reg3"])
def test_a_client_that_sends_its_whole_buffer(clones: Clones, family: str) -> None:
    """``send(fd, buffer, 1024, 0)``: the bytes behind the first NUL are NULs."""
    li = clones(family)
    li.family = replace(li.family, end=b"\0" * 960)
    li.register("li")
    for _ in range(4):
        li.log_in()
        li.chat(li, "hi")
        li.expect_chat(li, "hi")
        li.log_out()


def test_a_late_line_feed_after_a_whole_object(server: ServerProcess) -> None:
    """A v2 client that writes the end of its line separately keeps its dialect."""
    with Wire(server.port) as wire:
        wire.write(b'{"msgid":4,"v":2,"name":"li","password":"secret-1"}')
        assert wire.expect(5, errno=0)["id"] == 1  # ended by a line feed
        wire.write(b"\n")
        wire.id = 1
        wire.login(1)
        wire.nothing()
