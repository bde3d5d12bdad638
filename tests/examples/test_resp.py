"""The RESP codec, byte by byte and with a real Redis client."""

from __future__ import annotations

import pytest
import redis

from examples._resp_codec import MAX_SIZE, Error, Null, RespCodec, Value
from muduopy import Buffer
from muduopy.codec import CodecError, FrameTooLargeError
from tests.examples.examplekit import Example

VALUES: list[tuple[Value, bytes]] = [
    ("OK", b"+OK\r\n"),
    (Error("ERR no"), b"-ERR no\r\n"),
    (-7, b":-7\r\n"),
    (b"a\r\nb", b"$4\r\na\r\nb\r\n"),
    (b"", b"$0\r\n\r\n"),
    (Null(), b"$-1\r\n"),
    ([], b"*0\r\n"),
    ([Null(), b"x"], b"*2\r\n$-1\r\n$1\r\nx\r\n"),
    ([b"SET", [1, Null()], "x"], b"*3\r\n$3\r\nSET\r\n*2\r\n:1\r\n$-1\r\n+x\r\n"),
]


@pytest.mark.parametrize(("value", "wire"), VALUES)
def test_values_byte_by_byte(value: Value, wire: bytes) -> None:
    codec, buffer = RespCodec(), Buffer()
    assert codec.encode(value) == wire
    for byte in wire[:-1]:
        buffer.append(bytes([byte]))
        assert codec.decode(buffer) is None
    buffer.append(wire[-1:] + b"+next")
    assert codec.decode(buffer) == value
    assert buffer.retrieve_all() == b"+next"


BROKEN = [
    b"GET\r\n",
    b":x\r\n",
    b"*x\r\n",
    b"+\xff\r\n",
    b"*1\r\n" * 9000,
    b"$3\r\nabcde",  # a wrong length: the next bytes would be read as a value
    b"$-5\r\n",
    b"*-2\r\n",
]


@pytest.mark.parametrize("wire", BROKEN)
def test_bytes_that_are_not_resp(wire: bytes) -> None:
    with pytest.raises(CodecError):
        RespCodec().decode(Buffer(wire))


def test_too_much() -> None:
    with pytest.raises(FrameTooLargeError):
        RespCodec().decode(Buffer(b"$100000\r\n" + bytes(MAX_SIZE)))


def test_a_real_client() -> None:
    with Example("resp", 0) as example:
        client = redis.Redis("127.0.0.1", example.ports[0], protocol=2)
        assert client.ping()
        assert client.get("name") is None
        assert client.set("name", b"muduo\r\n")
        pipeline = client.pipeline(transaction=False)
        for number in range(100):
            pipeline.set(f"key{number}", number)
            pipeline.get(f"key{number}")
        assert pipeline.execute()[-1] == b"99"
        assert client.get("name") == b"muduo\r\n"
        assert (client.delete("name"), client.delete("name")) == (1, 0)
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.flushall()
        client.close()
