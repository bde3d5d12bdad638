"""Random bytes on real connections: a status or a close code, no exception, and others go on."""

from __future__ import annotations

import contextlib
import random

import pytest

from muduopy.websocket.close_code import may_travel
from muduopy.websocket.message_deflate import DeflateParameters, MessageDeflate
from tests.muduopy.netkit import eventually
from tests.muduopy.websocket.rawpeer import (
    CLOSE,
    CONTINUATION,
    TEXT,
    Frame,
    RawPeer,
    frame,
    request,
    text,
)
from tests.muduopy.websocket.websocketkit import RunningWebSockets, WebSocketMaker
from tests.tiers import examples

NO_CODE = 1005

OFFER = "Sec-WebSocket-Extensions: permessage-deflate"


def damaged(data: bytes, source: random.Random) -> bytes:
    """The bytes with some of them changed, removed or repeated."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 3)):
        place = source.randrange(len(changed))
        if source.random() < 0.6:
            changed[place] = source.randrange(256)
        elif source.random() < 0.5:
            del changed[place : place + source.randint(1, 9)]
            changed += b"\0" * (not changed)
        else:
            changed[place:place] = changed[place : place + source.randint(1, 9)]
    return bytes(changed)


def some_frames(source: random.Random) -> bytes:
    """Frames that are right, for the most part, and compressed now and then."""
    codec = MessageDeflate(
        DeflateParameters(
            inflate_bits=15, deflate_bits=15, inflate_forgets=False, deflate_forgets=False
        )
    )
    made = []
    for _ in range(source.randint(1, 6)):
        opcode = source.choice([0, 1, 1, 1, 2, 2, 8, 9, 10])
        payload = source.choice([b"", b"\x03\xe8", "grüße".encode(), source.randbytes(300)])
        if opcode in (1, 2) and source.random() < 0.5:
            made.append(frame(opcode, codec.compress(b"abc" * 50 + payload), rsv=4))
        else:
            made.append(frame(opcode, payload, fin=source.random() < 0.8))
    return b"".join(made)


def finish(peer: RawPeer) -> list[Frame]:
    """Send a Close, and read to the end of the connection."""
    frames = []
    with contextlib.suppress(ConnectionError, EOFError):
        # It ends a message that may be open, so the Close is not taken for payload for ever.
        peer.send(frame(CONTINUATION), frame(CLOSE, b"\x03\xe8"))
    with contextlib.suppress(ConnectionError):
        peer.socket.shutdown(1)
    with contextlib.suppress(ConnectionError, EOFError):
        while True:
            frames.append(peer.read())
    return frames


@pytest.fixture
def running(run_websockets: WebSocketMaker) -> RunningWebSockets:
    return run_websockets(deflate=True, limits={"max_message_bytes": 5000, "max_fragments": 4})


def test_frames(running: RunningWebSockets) -> None:
    good, _ = running.accept()
    for seed in range(examples(300)):
        source = random.Random(seed)
        for data in (
            source.randbytes(source.randint(1, 400)),
            some_frames(source),
            damaged(some_frames(source), source),
        ):
            peer, _ = running.accept("/", OFFER)
            peer.send(data)
            codes = {one.code for one in finish(peer) if one.opcode == CLOSE}
            assert all(code == NO_CODE or may_travel(code) for code in codes), (seed, codes)
            peer.shut()
        assert good.send(text("still here")).read() == Frame(TEXT, b"still here")
    good.shut()
    eventually(lambda: running.call(lambda: not running.server.tcp_server.connections))


def test_requests(running: RunningWebSockets) -> None:
    head = request("/x?y", OFFER, "Origin: http://test", "Cookie: a=b")
    for seed in range(examples(500)):
        peer = running.peer().send(damaged(head, random.Random(seed)) + b"\r\n\r\n")
        status = peer.read_head().status
        assert status in (101, 400, 403, 405, 426, 431, 505), (seed, status)
        peer.shut()
