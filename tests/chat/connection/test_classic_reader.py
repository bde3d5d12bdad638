"""ClassicReader: which connections have one, and frames without terminator. Real connections."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from chat.config import ClassicConfig
from chat.connection.framing import LineFramer
from chat.dialect_files import load_dialects
from chat.protocol import MAX_FRAME, Limits, MsgType
from chat.protocol.dialects import TUTORIAL
from chat.protocol.frames import LineCutter
from muduopy import InetAddress
from tests.chat.nodekit import PASSWORD, Client, Node

DIALECTS = load_dialects(ClassicConfig().dialects)
TABLES = DIALECTS.used
JOIN_WITH_TEXT = b'{"msgid":9,"id":1,"groupid":1,"msg":"hi"}'
NUL = b"\0"


def framer_of(client: Client) -> LineFramer:
    framer = client.connection.framer
    assert isinstance(framer, LineFramer)
    return framer


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(tables=TABLES)


def answer(client: Client, frame: bytes) -> dict[str, object]:
    """Send this, and return the messages that come."""
    client.write(frame)
    return client.next()


def register(name: str, end: bytes) -> bytes:
    return b'{"msgid":4,"name":"%b","password":"123"}' % name.encode() + end


# ---------------------------------------------------------------------- which have one


def test_one_that_ends_its_lines_has_none(node: Node) -> None:
    client = node.connect(v2=False)
    assert client.connection.reader is not None
    assert answer(client, register("ann", b"\n"))["errno"] == 0
    assert client.connection.reader is None
    assert client.connection.classic_output.table is TUTORIAL


@pytest.mark.parametrize("end", [b"\n", NUL])
def test_v2_has_none(node: Node, end: bytes) -> None:
    client = node.connect()
    asked = b'{"msgid":1,"v":2,"id":1,"password":"wrong"}' + end
    client._decoder.terminator = end
    assert answer(client, asked)["errno"] == 1
    assert client.connection.v2
    assert client.connection.reader is None


def test_v_in_another_dialect_s_message_means_nothing(node: Node) -> None:
    client = node.connect(v2=False)
    asked = b'{"msgid":3,"v":2,"name":"ann","password":"123"}\0'
    assert answer(client, asked)["msgid"] == 4
    assert not client.connection.v2


def test_one_whose_requests_can_only_be_the_tutorial_s_has_none(node: Node) -> None:
    """Then a message costs one look at an attribute."""
    client = node.connect(v2=False)
    assert answer(client, b'{"msgid":26}\0') == {"msgid": 27}
    assert client.connection.reader is None


def test_a_clone_keeps_it(node: Node) -> None:
    client = node.connect(v2=False)
    answer(client, register("ann", NUL))
    reader = client.connection.reader
    assert reader is not None
    assert reader.guess is not None
    assert reader.guess.table is TUTORIAL


def test_with_the_tutorial_s_table_alone_requests_are_still_looked_at(
    make_node: Callable[..., Node],
) -> None:
    node = make_node(tables=(TUTORIAL,))
    client = node.connect(v2=False)
    answer(client, register("ann", NUL))
    answer(client, b'{"msgid":1,"id":1,"password":"123"}\0')
    refused = answer(client, JOIN_WITH_TEXT + NUL)
    assert (refused["msgid"], refused["errno"]) == (31, 4)


def test_an_address_has_a_table(make_node: Callable[..., Node]) -> None:
    ack5 = DIALECTS.named("ack5")
    node = make_node(tables=(TUTORIAL,), also=[(InetAddress.loopback(0), ack5)])
    client = node.connect(v2=False, place=1)
    node.user("ann")
    asked = b'{"msgid":1,"id":1,"password":"%b"}\0' % PASSWORD.encode()
    assert answer(client, asked)["msgid"] == 5
    elsewhere = node.connect(v2=False)
    refused = answer(elsewhere, b'{"msgid":3,"name":"bob","password":"123"}\0')
    assert refused["msgid"] == 31


def test_a_memory_that_cannot_be_stored(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "chat.service.service")
    node.user("ann")
    client = node.connect(v2=False)
    asked = b'{"msgid":1,"id":1,"password":"%b"}\0' % PASSWORD.encode()
    assert answer(client, asked)["errno"] == 0
    node.database.broken = True
    client.write(b'{"msgid":5,"id":1,"toid":99,"msg":"hi"}\0')
    node.until(lambda: any("was not stored" in line for line in caplog.messages))
    node.database.broken = False


# ---------------------------------------------------------------------- frames without an end


def test_no_terminator_at_all(node: Node) -> None:
    client = node.connect(v2=False)
    client._decoder.terminator = NUL
    begun = time.monotonic()
    client.write(register("ann", b""))
    assert client.next()["errno"] == 0
    assert time.monotonic() - begun >= 0.05
    assert framer_of(client).terminator == NUL


def test_known_clients_are_not_kept_waiting(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    client = node.connect(v2=False)
    client.write(register("ann", b""))
    client.next()
    monkeypatch.setattr("chat.connection.classic_reader.UNFINISHED_SECONDS", 3600.0)
    assert answer(client, b'{"msgid":1,"id":1,"password":"123"}')["errno"] == 0


def test_what_is_not_whole_waits(node: Node) -> None:
    client = node.connect(v2=False)
    client.write(b'{"msgid":4,"name":"ann","pass')
    reader = client.connection.reader
    assert reader is not None
    node.until(lambda: reader._braces is not None)
    node.passes.settle()
    client.poll()
    assert client.inbox == []
    assert answer(client, b'word":"123"}')["errno"] == 0


def test_one_that_ends_its_lines_is_not_cut_at_braces(node: Node) -> None:
    client = node.connect(v2=False)
    answer(client, register("ann", b"\n"))
    client.write(register("bob", b""))
    reader = client.connection.reader
    assert reader is None
    node.passes.settle()
    assert client.connection.framer.held
    assert answer(client, b"\n")["id"] == 2


def test_a_line_feed_that_comes_late_decides(node: Node) -> None:
    """A client that writes the end of its first line separately, and slowly."""
    client = node.connect(v2=False)
    client.write(register("ann", b""))
    client.until(lambda: client.inbox)
    assert framer_of(client).terminator == NUL
    client.inbox.clear()
    client.write(b"\n" + register("bob", b"\n"))
    got = bytearray()
    client.sock.setblocking(False)

    def answered() -> bool:
        try:
            got.extend(client.sock.recv(1 << 16))
        except BlockingIOError:
            pass
        return b"}" in got

    node.until(answered)
    assert got.endswith(b'"id":2}\n')
    assert client.connection.reader is None
    assert isinstance(framer_of(client).cutter, LineCutter)


def test_half_a_connection_is_not_waited_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.connection.classic_reader.UNFINISHED_SECONDS", 3600.0)
    client = node.connect(v2=False)
    client.write(b'{"msgid":26,"rid":"last"}')
    client.sock.shutdown(1)
    assert client.ended() == [{"msgid": 27, "rid": "last"}]


def test_garbage_without_end_is_refused_like_any_other(node: Node) -> None:
    client = node.connect(v2=False)
    assert answer(client, b"}")["errno"] == 4
    assert answer(client, b'{"msgid":}')["errno"] == 4
    assert answer(client, register("ann", b""))["errno"] == 0


def test_a_frame_that_never_ends_costs_its_bytes_once(make_node: Callable[..., Node]) -> None:
    """64 KiB in pieces: four times the bytes take about four times the time."""

    node = make_node(tables=TABLES, limits=Limits(guest_frame=MAX_FRAME, guest_rate=10**6))

    def seconds(size: int) -> float:
        client = node.connect(v2=False)
        client.write(b'{"a":"')
        reader = client.connection.reader
        assert reader is not None
        node.until(lambda: reader._braces is not None)
        decoder = client.connection.framer
        begun = time.thread_time()
        for _ in range(6, size, 512):
            client.connection.flow.arrived(b"x" * 512)
            node.service.take_turn(client.connection, 32)
        took = time.thread_time() - begun
        assert decoder.held > size - 512
        client.close()
        return took

    seconds(1024)
    few, many = min(seconds(15_000) for _ in range(3)), min(seconds(60_000) for _ in range(3))
    assert many < 10 * few


def test_a_frame_that_is_too_large(make_node: Callable[..., Node]) -> None:
    node = make_node(tables=TABLES, limits=Limits(guest_frame=1000))
    client = node.connect(v2=False)
    client.write(b'{"a":"' + b"x" * 500)
    reader = client.connection.reader
    assert reader is not None
    node.until(lambda: reader._braces is not None)
    client.write(b"x" * 600)
    [error] = client.ended()
    assert (error["msgid"], error["errno"]) == (int(MsgType.ERROR_MSG), 7)


def test_its_answers_have_both_names(node: Node) -> None:
    client = node.connect(v2=False)
    answer(client, register("ann", b""))
    error = answer(client, b'{"msgid":6,"id":1,"to":99,"msg":"hi"}')
    assert error["errmsg"] == error["errormsg"] == "not logged in"


def test_the_log_is_not_flooded(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """Ten lines a minute about one host, and one about a connection."""
    caplog.set_level(logging.WARNING, "chat.service.service")
    for number in range(100, 115):
        client = node.connect(v2=False)
        for _ in range(2):
            assert answer(client, b'{"msgid":%d}\0' % number)["errno"] == 4
        client.leave()
    told = [line for line in caplog.messages if "fits no table" in line]
    assert len(told) == 10
    assert len(set(told)) == 10
