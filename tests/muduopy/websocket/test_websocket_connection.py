"""WebSocketConnection on a server: messages, threads, back-pressure, time, and the end."""

from __future__ import annotations

import gc
import queue
import socket
import threading
import weakref
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from muduopy import State, StateError
from muduopy.websocket import WebSocketConnection, WebSocketLimits, WebSocketServer
from tests.muduopy.netkit import WAIT, ErrorLog, call_in, eventually, reset
from tests.muduopy.websocket.rawpeer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close,
    frame,
    text,
)
from tests.muduopy.websocket.websocketkit import WebSocketMaker, echo

NO_PINGS = {"ping_seconds": 1000.0}


def on_text(callback: Callable[[WebSocketConnection, str, float], object]) -> Any:
    """Configure a server with one text callback."""
    return lambda server: server.set_text_callback(callback)


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 300_000])
def test_echo(run_websockets: WebSocketMaker, length: int) -> None:
    peer, _ = run_websockets(threads=2).accept()
    assert peer.send(frame(TEXT, b"x" * length)).read() == Frame(TEXT, b"x" * length)
    assert peer.send(frame(BINARY, b"\xff" * length)).read() == Frame(BINARY, b"\xff" * length)


def test_fragments_with_pings_between(run_websockets: WebSocketMaker) -> None:
    peer, _ = run_websockets().accept()
    peer.send(frame(TEXT, b"one ", fin=False), frame(PING, b"1"), frame(PONG, b"unasked"))
    assert peer.read() == Frame(PONG, b"1")
    peer.send(frame(CONTINUATION, b"two ", fin=False), frame(PING, b"2"), frame(CONTINUATION, b"!"))
    assert [peer.read(), peer.read()] == [Frame(PONG, b"2"), Frame(TEXT, b"one two !")]


def test_compressed_messages(run_websockets: WebSocketMaker) -> None:
    peer, _ = run_websockets(deflate=True).accept(
        "/", "Sec-WebSocket-Extensions: permessage-deflate"
    )
    long = b"long enough to be compressed; " * 5
    sizes = []
    for _ in range(2):
        peer.send(frame(TEXT, long))
        answer = peer.read()
        assert answer.rsv == 4
        sizes.append(len(answer.payload))
    assert sizes[1] < sizes[0] < len(long)
    assert peer.send(text("short")).read() == Frame(TEXT, b"short")
    assert peer.send(frame(PING, b"p" * 125)).read() == Frame(PONG, b"p" * 125)


@pytest.mark.parametrize("deflate", [False, True])
def test_sends_of_other_threads_keep_their_order(
    run_websockets: WebSocketMaker, deflate: bool
) -> None:
    running = run_websockets(deflate=deflate)
    peer, websocket = running.accept("/", "Sec-WebSocket-Extensions: permessage-deflate")
    count, threads = 300, 3

    def send(name: int) -> None:
        for i in range(count):
            websocket.send(f"{name} {i} " + "." * (i % 3) * 40)

    senders = [threading.Thread(target=send, args=[n]) for n in range(threads)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    websocket.close()
    inflater = zlib.decompressobj(wbits=-12)
    seen = []
    while (one := peer.read()).opcode != CLOSE:
        tail = b"\0\0\xff\xff"
        message = inflater.decompress(one.payload + tail) if one.rsv else one.payload
        seen.append(tuple(map(int, message.split()[:2])))
    assert sorted(seen) == [(n, i) for n in range(threads) for i in range(count)]
    for n in range(threads):
        assert [pair for pair in seen if pair[0] == n] == [(n, i) for i in range(count)]


def test_kinds_of_bytes(run_websockets: WebSocketMaker) -> None:
    peer, websocket = run_websockets().accept()
    for data in (b"one", bytearray(b"two"), memoryview(b"three")):
        websocket.send(data)
        assert peer.read() == Frame(BINARY, bytes(data))
    websocket.send_utf8("é".encode())
    assert peer.read() == Frame(TEXT, "é".encode())
    with pytest.raises(TypeError):
        websocket.send(5)  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        websocket.send("\ud800")


def test_pings_of_the_server(run_websockets: WebSocketMaker) -> None:
    pongs: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def configure(server: WebSocketServer) -> None:
        server.set_pong_callback(lambda websocket, payload, when: pongs.put(payload))

    peer, websocket = run_websockets(configure).accept()
    websocket.ping(b"are you there?")
    assert peer.read() == Frame(PING, b"are you there?")
    peer.send(frame(PONG, b"are you there?"))
    assert pongs.get(timeout=WAIT) == b"are you there?"
    with pytest.raises(ValueError, match="126 bytes"):
        websocket.ping(b"x" * 126)


# ---------------------------------------------------------------- what is wrong

WRONG = {
    "no mask": (frame(TEXT, b"x", masked=False), 1002),
    "reserved bits": (frame(TEXT, b"x", rsv=1), 1002),
    "unknown opcode": (frame(3), 1002),
    "continuation": (frame(CONTINUATION, b"x"), 1002),
    "a text in a text": (frame(TEXT, b"x", fin=False) + text("y"), 1002),
    "long ping": (frame(PING, b"x" * 126), 1002),
    "close with one byte": (frame(CLOSE, b"x"), 1002),
    "close with 1005": (close(1005), 1002),
    "close with 999": (close(999), 1002),
    "close with bad UTF-8": (close(1000, b"\xff"), 1007),
    "bad UTF-8": (frame(TEXT, b"\xff"), 1007),
    "too big": (frame(BINARY, bytes(2000)), 1009),
    "too big, in fragments": (frame(TEXT, b"x" * 900, fin=False) * 1 + frame(0, b"x" * 900), 1009),
    "too many fragments": (frame(TEXT, fin=False) + frame(0, fin=False) * 9, 1008),
    "garbage": (b"\xff" * 100, 1002),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n" * 3, 1002),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("bytewise", [False, True])
def test_wrong_frames_get_their_code(
    run_websockets: WebSocketMaker, what: str, bytewise: bool
) -> None:
    data, code = WRONG[what]
    running = run_websockets(limits={"max_message_bytes": 1000, "max_fragments": 8})
    peer, websocket = running.accept()
    peer.send(text("before"))
    if bytewise and len(data) < 200:
        peer.send_bytewise(data)
    else:
        peer.send(data)
    before, last = peer.read_until_close()
    assert before == Frame(TEXT, b"before")
    assert last.code == code
    assert len(last.payload) > 2
    peer.shut()
    assert running.down() is websocket
    assert websocket.close_code == code


def test_kinds_that_have_no_callback(run_websockets: WebSocketMaker) -> None:
    for data in (text("x"), frame(BINARY, b"x")):
        peer, _ = run_websockets(lambda server: None).accept()
        assert peer.send(data).read().code == 1003


def test_callbacks_that_raise(run_websockets: WebSocketMaker, errors: ErrorLog) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    def configure(server: WebSocketServer) -> None:
        server.set_text_callback(fail)
        server.set_binary_callback(fail)
        server.set_pong_callback(fail)

    running = run_websockets(configure)
    for one in (text("x"), frame(BINARY, b"x"), frame(PONG)):
        peer, _ = running.accept()
        assert peer.send(one).read_until_close()[0].code == 1011
        peer.shut()
        assert running.down().close_code == 1011
    assert errors.exceptions == ["broken"] * 3


def test_a_connection_callback_that_raises(
    run_websockets: WebSocketMaker, errors: ErrorLog
) -> None:
    def fail(websocket: WebSocketConnection) -> None:
        raise RuntimeError("broken")

    running = run_websockets(lambda server: server.set_connection_callback(fail))
    peer = running.peer().open()
    assert peer.read_until_close()[0].code == 1011
    peer.shut()
    eventually(lambda: len(errors.exceptions) == 2)


def test_callbacks_are_checked(run_websockets: WebSocketMaker) -> None:
    running = run_websockets()
    with pytest.raises(StateError, match="before start"):
        running.server.set_text_callback(lambda *_: None)
    with pytest.raises(ValueError, match="max_message_bytes"):
        WebSocketLimits(max_message_bytes=124)
    with pytest.raises(ValueError, match="ping_seconds"):
        WebSocketLimits(ping_seconds=float("nan"))


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1014, 3000, 4999])
def test_the_peer_closes(run_websockets: WebSocketMaker, code: int) -> None:
    running = run_websockets()
    peer, websocket = running.accept()
    answer, *rest = peer.send(text("a"), close(code, b"bye"), text("b")).read_until_close()
    assert answer == Frame(TEXT, b"a")
    assert [one.code for one in rest] == [code]
    peer.shut()
    assert running.down() is websocket
    assert (websocket.close_code, websocket.close_reason) == (code, "bye")
    assert websocket.state is State.DISCONNECTED


def test_a_close_without_a_code(run_websockets: WebSocketMaker) -> None:
    running = run_websockets()
    peer, _ = running.accept()
    assert peer.send(frame(CLOSE)).read_until_close() == [Frame(CLOSE, b"")]
    peer.shut()
    assert running.down().close_code == 1005


def test_the_server_closes(run_websockets: WebSocketMaker) -> None:
    running = run_websockets()
    peer, websocket = running.accept()
    websocket.send("before")
    websocket.close(4000, "enough")
    websocket.send("after")
    websocket.close(4001)
    assert peer.read() == Frame(TEXT, b"before")
    assert peer.read() == Frame(CLOSE, (4000).to_bytes(2, "big") + b"enough")
    peer.send(text("dropped"), frame(PING), close(4000))
    assert peer.at_end()
    peer.shut()
    assert running.down().close_code == 4000
    with pytest.raises(ValueError, match="close code 1006"):
        websocket.close(1006)


def test_both_close_at_once(run_websockets: WebSocketMaker) -> None:
    """The peer's Close is under way when the server sends its own: neither answers the other's."""
    running = run_websockets()
    for _ in range(20):
        peer, websocket = running.accept()
        closer = threading.Thread(target=websocket.close, args=[4001])
        closer.start()
        peer.send(close(4002))
        closer.join()
        frames = peer.read_until_close()
        assert len(frames) == 1
        assert frames[0].code in (4001, 4002)
        peer.shut()
        assert running.down().close_code == 4002


def test_a_close_in_a_callback(run_websockets: WebSocketMaker) -> None:
    seen = []

    def hear(websocket: WebSocketConnection, message: str, when: float) -> None:
        seen.append(message)
        websocket.close(4000)
        websocket.send("late")

    peer, _ = run_websockets(on_text(hear)).accept()
    frames = peer.send(text("one"), text("two"), close(1000)).read_until_close()
    assert [one.code for one in frames] == [4000]
    assert seen == ["one"]


def test_a_peer_that_does_not_answer_the_close(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(limits={"close_seconds": 0.05})
    peer, websocket = running.accept()
    websocket.close()
    assert peer.read().code == 1000
    assert running.down().close_code == 1000
    assert peer.at_end()


def test_a_peer_that_keeps_the_connection_open(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(limits={"close_seconds": 0.05})
    peer, _ = running.accept()
    assert peer.send(frame(TEXT, b"\xff")).read().code == 1007
    assert running.down().close_code == 1007


def test_an_end_without_a_close(run_websockets: WebSocketMaker) -> None:
    running = run_websockets()
    peer, _ = running.accept()
    peer.socket.shutdown(socket.SHUT_WR)
    assert running.down().close_code == 1006
    peer, _ = running.accept()
    peer.file.close()
    reset(peer.socket)
    assert running.down().close_code == 1006


def test_force_close(run_websockets: WebSocketMaker) -> None:
    seen = []

    def hear(websocket: WebSocketConnection, message: str, when: float) -> None:
        seen.append(message)
        websocket.force_close()

    running = run_websockets(on_text(hear))
    peer, _ = running.accept()
    peer.send(text("one"), text("two"))
    assert running.down().close_code == 1006
    assert seen == ["one"]


def test_stop_says_goodbye(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(threads=1)
    peer, _ = running.accept()
    slow = running.peer().send(b"GET")
    running.call(lambda: None)
    stopped = threading.Thread(target=running.stop)
    stopped.start()
    assert peer.read().code == 1001
    peer.send(close(1001))
    assert peer.at_end()
    slow.file.read()
    peer.shut()
    slow.shut()
    stopped.join()


def test_the_memory_is_freed(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(limits=NO_PINGS)
    peer, websocket = running.accept()
    dead = weakref.WeakSet[object]([websocket, websocket.connection])
    gc.disable()
    try:
        peer.send(text("x")).read()
        peer.send(close(1000)).read_until_close()
        peer.shut()
        assert running.down() is websocket
        del websocket
        eventually(lambda: running.call(lambda: not dead))
    finally:
        gc.enable()


# ---------------------------------------------------------------- time


def test_a_silent_peer_gets_a_ping_and_then_the_end(run_websockets: WebSocketMaker) -> None:
    limits = {"ping_seconds": 0.05, "pong_seconds": 0.05, "close_seconds": 0.05}
    running = run_websockets(limits=limits)
    peer, _ = running.accept()
    for _ in range(3):
        assert peer.read() == Frame(PING, b"")
        peer.send(frame(PONG))
    assert running.down().close_code == 1011


def test_a_message_that_takes_too_long(run_websockets: WebSocketMaker) -> None:
    limits = {"message_seconds": 0.2, **NO_PINGS}
    for begin in (frame(TEXT, b"x", fin=False), frame(TEXT, b"x" * 100)[:20], b"\x81"):
        running = run_websockets(limits=limits)
        peer, _ = running.accept()
        peer.send(text("whole"), begin)
        assert peer.read() == Frame(TEXT, b"whole")
        assert peer.read().code == 1008


def test_pings_do_not_extend_the_time_of_a_message(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(limits={"message_seconds": 0.2, **NO_PINGS})
    peer, _ = running.accept()
    peer.send(frame(TEXT, b"x", fin=False))
    answer = Frame(PONG, b"")
    while answer.opcode == PONG:
        answer = peer.send(frame(PING)).read()
    assert answer.code == 1008


# ---------------------------------------------------------------- back-pressure


def test_stop_read_and_start_read(run_websockets: WebSocketMaker) -> None:
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()

    def hear(websocket: WebSocketConnection, message: str, when: float) -> None:
        heard.put(message)
        websocket.stop_read()

    running = run_websockets(on_text(hear))
    peer, websocket = running.accept()
    peer.send(*[text(str(i)) for i in range(3)])
    for i in range(3):
        assert heard.get(timeout=WAIT) == str(i)
        call_in(websocket.loop, lambda: None)
        assert heard.empty()
        websocket.start_read()
    websocket.stop_read()
    websocket.close()
    assert peer.read().code == 1000
    peer.send(close(1000))
    assert peer.at_end()


def test_no_time_out_runs_while_reading_is_stopped(run_websockets: WebSocketMaker) -> None:
    limits = {"ping_seconds": 0.02, "pong_seconds": 0.02, "message_seconds": 0.02}
    passed = threading.Event()
    running = run_websockets(limits=limits)
    peer, websocket = running.accept()
    websocket.stop_read()
    websocket.loop.run_after(0.3, passed.set)
    assert passed.wait(WAIT)
    assert running.downs.empty()
    peer.shut()
    websocket.start_read()
    assert running.down() is websocket


def test_water_marks(run_websockets: WebSocketMaker) -> None:
    seen: queue.SimpleQueue[tuple[str, WebSocketConnection]] = queue.SimpleQueue()

    def configure(server: WebSocketServer) -> None:
        server.set_high_water_callback(lambda one, waiting: seen.put(("high", one)), 1 << 20)
        server.set_low_water_callback(lambda one, waiting: seen.put(("low", one)), 0)
        server.set_write_complete_callback(lambda one: seen.put(("written", one)))

    running = run_websockets(configure)
    peer, websocket = running.accept()
    assert seen.get(timeout=WAIT) == ("written", websocket)  # the answer to the handshake
    websocket.send(bytes(20_000_000))
    assert seen.get(timeout=WAIT) == ("high", websocket)
    assert call_in(websocket.loop, lambda: websocket.output_bytes) >= 1 << 20
    assert len(peer.read().payload) == 20_000_000
    assert {seen.get(timeout=WAIT)[0], seen.get(timeout=WAIT)[0]} == {"low", "written"}


def test_pongs_do_not_fill_the_memory(run_websockets: WebSocketMaker) -> None:
    """A peer that sends Pings and reads nothing."""
    running = run_websockets(limits=NO_PINGS)
    peer, websocket = running.accept()
    websocket.send(bytes(20_000_000))
    waiting = call_in(websocket.loop, lambda: websocket.output_bytes)
    assert waiting > 1_000_000
    peer.send(*[frame(PING, b"x" * 125) for _ in range(5000)], text("end"))
    eventually(
        lambda: call_in(websocket.loop, lambda: websocket.connection.bytes_received) > 5000 * 131
    )
    now_waiting = call_in(websocket.loop, lambda: websocket.output_bytes)
    assert now_waiting - waiting < 20_000


def test_repr_and_names(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(echo)
    _, websocket = running.accept()
    assert websocket.name in repr(websocket)
    assert str(running.server.address) in repr(running.server)
    assert websocket.peer_address == websocket.connection.peer_address
    assert not websocket.closing
    assert websocket.connected
