"""Bad input affects only its sender."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.chatkit import PASSWORD, ServerProcess, Wire

Connect = Callable[..., Wire]
Make = Callable[..., ServerProcess]


@pytest.fixture
def talk(server: ServerProcess, member: Connect) -> Iterator[None]:
    """Two people who notice nothing of what the test does to the server."""
    ann, bob = member(server, "ann"), member(server, "bob")
    yield
    ann.chat(bob.id, "still there?")
    ann.expect(20, errno=0)
    bob.expect(6, msg="still there?")


NOT_MESSAGES = {
    "text": b"this is not JSON",
    "half": b'{"msgid":26',
    "array": b"[1,2]",
    "string": b'"msgid"',
    "number": b"26",
    "null": b"null",
    "NaN": b'{"msgid":26,"x":NaN}',
    "Infinity": b'{"msgid":26,"x":-Infinity}',
    "deep": b'{"msgid":26,"x":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "very deep": b'{"msgid":26,"x":' + b"[" * 30000 + b"]" * 30000 + b"}",
    "invalid UTF-8": b'{"msgid":26,"rid":"\xff\xfe"}',
    "overlong UTF-8": b'{"msgid":26,"rid":"\xc0\x80"}',
    "surrogate": b'{"msgid":26,"rid":"\\ud800"}',
    "control character": b'{"msgid":26,"rid":"\x07"}',
    "no msgid": b'{"rid":"1"}',
    "unknown msgid": b'{"msgid":77}',
    "negative msgid": b'{"msgid":-1}',
    "an answer": b'{"msgid":2,"errno":0,"id":1}',
    "string msgid": b'{"msgid":"26"}',
    "float msgid": b'{"msgid":26.0}',
    "true msgid": b'{"msgid":true}',
    "huge msgid": b'{"msgid":99999999999999999999999999}',
}


@pytest.mark.parametrize("name", NOT_MESSAGES)
def test_what_is_no_message(server: ServerProcess, talk: None, connect: Connect, name: str) -> None:
    wire = connect(server)
    wire.login(wire.register("eve"))
    wire.write(NOT_MESSAGES[name] + b"\n")
    wire.expect(31, errno=4)
    wire.send(msgid=26, rid="on we go")
    wire.expect(27, rid="on we go")


LONG = "x" * 17000
WRONG: list[tuple[int, dict[str, Any]]] = [
    (5, {"msgid": 4}),
    (5, {"msgid": 4, "name": "x", "password": "short"}),
    (5, {"msgid": 4, "name": "", "password": PASSWORD}),
    (5, {"msgid": 4, "name": "x" * 51, "password": PASSWORD}),
    (5, {"msgid": 4, "name": "a\u202eb", "password": PASSWORD}),
    (5, {"msgid": 4, "name": " a", "password": PASSWORD}),
    (5, {"msgid": 4, "name": ["x"], "password": PASSWORD}),
    (5, {"msgid": 4, "name": "x", "password": "p" * 129}),
    (2, {"msgid": 1, "id": 1}),
    (2, {"msgid": 1, "id": "1", "password": PASSWORD}),
    (2, {"msgid": 1, "id": 1.5, "password": PASSWORD}),
    (2, {"msgid": 1, "id": True, "password": PASSWORD}),
    (2, {"msgid": 1, "id": 2**31, "password": PASSWORD}),
    (2, {"msgid": 1, "id": 2**70, "password": PASSWORD}),
    (2, {"msgid": 1, "id": 1, "password": 5}),
    (20, {"msgid": 6, "toid": 1, "msg": 5}),
    (20, {"msgid": 6, "toid": "1", "msg": "x"}),
    (20, {"msgid": 6, "toid": 0, "msg": "x"}),
    (20, {"msgid": 6, "msg": "x"}),
    (20, {"msgid": 6, "toid": 1}),
    (20, {"msgid": 6, "toid": 1, "msg": LONG}),
    (20, {"msgid": 6, "toid": 1, "msg": "字" * 6000}),
    (20, {"msgid": 6, "toid": 1, "msg": "x", "mid": "m" * 65}),
    (20, {"msgid": 6, "toid": 1, "msg": "x", "mid": 7}),
    (20, {"msgid": 6, "toid": 1, "msg": {"a": 1}}),
    (20, {"msgid": 10, "groupid": -1, "msg": "x"}),
    (20, {"msgid": 10, "msg": "x"}),
    (22, {"msgid": 7}),
    (22, {"msgid": 7, "friendid": "2"}),
    (23, {"msgid": 8, "groupname": "x"}),
    (23, {"msgid": 8, "groupname": "x" * 51, "groupdesc": ""}),
    (23, {"msgid": 8, "groupname": "x", "groupdesc": "d" * 201}),
    (24, {"msgid": 9}),
    (24, {"msgid": 9, "groupid": [1]}),
    (31, {"msgid": 21}),
    (31, {"msgid": 21, "seqs": 5}),
    (31, {"msgid": 21, "seqs": ["5"]}),
    (31, {"msgid": 21, "seqs": [0]}),
    (31, {"msgid": 21, "seqs": [2**60]}),
    (31, {"msgid": 21, "seqs": list(range(1, 1002))}),
    (27, {"msgid": 26, "rid": 5}),
    (27, {"msgid": 26, "rid": "r" * 65}),
]


def test_wrong_fields(server: ServerProcess, talk: None, connect: Connect) -> None:
    eve = connect(server)
    eve.login(eve.register("eve"))
    for ack, request in WRONG:
        # A connection without a login may not talk for long.
        wire = connect(server) if request["msgid"] in (1, 4) else eve
        me = {} if request["msgid"] in (1, 4, 21, 26) else {"id": eve.id}
        version = {"v": 2} if request["msgid"] in (1, 4) else {}
        wire.send(**version, **me, **request)
        message = wire.receive()
        assert message is not None, request
        assert (message["msgid"], message["errno"]) == (ack, 4), (request, message)
        wire.nothing()  # a good one in between, so that they do not count as abuse


def test_a_line_of_a_megabyte(server: ServerProcess, talk: None, connect: Connect) -> None:
    wire = connect(server)
    before = server.resident_kib
    try:
        wire.write(b"x" * (1 << 20) + b"\n")
    except ConnectionError:
        pass  # it did not wait for all of it
    wire.expect(31, errno=7)
    wire.expect_end()
    assert server.resident_kib - before < 8 * 1024


def test_a_frame_split_at_every_byte(server: ServerProcess, talk: None, connect: Connect) -> None:
    wire = connect(server)
    for byte in '{"msgid":26,"rid":"你好"}\r\n'.encode():
        wire.write(bytes((byte,)))
    wire.expect(27, rid="你好")
    for end in (b"\n", b"\r\n", b"\0", b"\n\n\r\n\0"):
        wire.write(b'{"msgid":26}' + end)
        wire.expect(27)


def test_five_hundred_frames_in_one_segment(
    server: ServerProcess, talk: None, connect: Connect
) -> None:
    wire = connect(server)
    wire.login(wire.register("eve"))
    pings = [json.dumps({"msgid": 26, "rid": str(number)}) for number in range(500)]
    wire.write("\n".join(pings).encode() + b"\n")
    assert [wire.expect(27)["rid"] for _ in range(500)] == [str(number) for number in range(500)]


def test_fifty_bad_requests_in_a_row(server: ServerProcess, talk: None, connect: Connect) -> None:
    wire = connect(server)
    wire.login(wire.register("eve"))
    wire.write(b"rubbish\n" * 60)
    for _ in range(50):
        wire.expect(31, errno=4)
    wire.expect(32, reason="abuse", reconnect=False)
    wire.expect_end()


def test_guessing_passwords(server: ServerProcess, talk: None, connect: Connect) -> None:
    wire = connect(server)
    user_id = wire.register("eve")
    for _ in range(9):
        wire.send(msgid=1, v=2, id=user_id, password="wrong guess")
        wire.expect(2, errno=1, errmsg="id or password is invalid!")
    wire.send(msgid=1, v=2, id=99, password="wrong guess")
    wire.expect(2, errno=1, errmsg="id or password is invalid!")  # tells nothing of who exists
    wire.expect(32, reason="abuse")
    wire.expect_end()
    other = connect(server)
    other.send(msgid=1, v=2, id=user_id, password="wrong guess")
    other.expect(2, errno=1)
    other.send(msgid=1, v=2, id=user_id, password=PASSWORD)
    assert 0 < other.expect(2, errno=6)["retry_after"] <= 61
    other.send(msgid=26)
    other.expect(27)


def test_silence(make_server: Make, connect: Connect) -> None:
    server = make_server("[server]\nlogin_seconds = 1\nheartbeat = 1\n")
    silent, beating = connect(server), connect(server)
    beating.login(beating.register("ann"))
    lazy = connect(server)
    lazy.login(lazy.register("lazy"))
    waiting = {silent, lazy}
    while waiting:
        beating.nothing()
        waiting -= {wire for wire in waiting if _ended(wire, v2=wire is lazy)}
    beating.nothing()


def _ended(wire: Wire, *, v2: bool) -> bool:
    """Has the server closed it for silence? Looks for a tenth of a second."""
    wire.socket.settimeout(0.1)
    try:
        if v2:
            wire.expect(32, reason="idle", reconnect=True)
        wire.expect_end()
    except TimeoutError:
        return False
    return True


def test_half_a_frame_a_reset_and_nothing_at_all(
    server: ServerProcess, talk: None, connect: Connect
) -> None:
    for _ in range(20):
        for data in (b"", b'{"msgid":26', b'{"msgid":26}\n'):
            wire = connect(server)
            wire.write(data)
            linger = b"\1\0\0\0\0\0\0\0"
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            wire.close()


def test_random_bytes_leave_memory_alone(
    server: ServerProcess, talk: None, connect: Connect
) -> None:
    def shoot() -> None:
        wire = connect(server)
        try:
            for _ in range(20):
                wire.write(os.urandom(20_000))
        except ConnectionError:
            pass
        wire.close()

    shoot()
    before = server.resident_kib
    for _ in range(30):
        shoot()
    assert server.resident_kib - before < 16 * 1024


def test_too_many_connections(make_server: Make, connect: Connect) -> None:
    server = make_server("[server]\nmax_connections = 3\n")
    wires = [connect(server) for _ in range(3)]
    for number, wire in enumerate(wires):
        wire.login(wire.register(f"user-{number}"))
    refused = connect(server)
    assert refused.expect(31, errno=6)["retry_after"] > 0
    refused.expect_end()
    wires[0].close()
    for _ in range(1000):  # until the server has noticed that there is room again
        wire = connect(server)
        try:
            wire.send(msgid=26)
            answer = wire.receive()
        except BrokenPipeError:
            continue
        if answer is not None and answer["msgid"] == 27:
            return
    raise AssertionError("no room was made")
