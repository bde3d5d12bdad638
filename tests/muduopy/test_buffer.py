"""Buffer, compared with plain bytes, and its copies."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from muduopy import Buffer
from tests.tiers import examples

CHUNKS = st.binary(max_size=40) | st.text("\r\nab", max_size=8).map(str.encode)
WRAPPED: list[Callable[[bytes], bytes | bytearray | memoryview]] = [bytes, bytearray, memoryview]
BITS = (8, 16, 32, 64)
INTEGERS = st.sampled_from(BITS).flatmap(
    lambda bits: st.tuples(
        st.just(bits), st.integers(min_value=-(1 << (bits - 1)), max_value=(1 << (bits - 1)) - 1)
    )
)


class BufferMachine(RuleBasedStateMachine):
    """Two buffers, for ``swap``, each with the bytes that it should hold."""

    @initialize(data=CHUNKS)
    def begin(self, data: bytes) -> None:
        self.buffer, self.model = Buffer(data), data
        self.other, self.other_model = Buffer(), b""

    @rule(data=CHUNKS, wrap=st.sampled_from(WRAPPED))
    def append(self, data: bytes, wrap: Callable[[bytes], bytes]) -> None:
        self.buffer.append(wrap(data))
        self.model += data

    @rule(data=CHUNKS)
    def append_what_changes_afterwards(self, data: bytes) -> None:
        mine = bytearray(data)
        self.buffer.append(mine)
        mine[:] = b"x" * len(mine)
        self.model += data

    @rule(data=CHUNKS)
    def prepend(self, data: bytes) -> None:
        self.buffer.prepend(data)
        self.model = data + self.model

    @rule(where=st.floats(0, 1))
    def retrieve(self, where: float) -> None:
        count = round(where * len(self.model))
        self.buffer.retrieve(count)
        self.model = self.model[count:]

    @rule(where=st.floats(0, 1))
    def retrieve_as_bytes(self, where: float) -> None:
        count = round(where * len(self.model))
        taken = self.buffer.retrieve_as_bytes(count)
        assert (type(taken), taken) == (bytes, self.model[:count])
        self.model = self.model[count:]

    @rule()
    def retrieve_all(self) -> None:
        taken = self.buffer.retrieve_all()
        assert (type(taken), taken) == (bytes, self.model)
        self.model = b""

    @rule(extra=st.integers(1, 5))
    def more_than_there_is_changes_nothing(self, extra: int) -> None:
        for method in (self.buffer.peek, self.buffer.retrieve, self.buffer.retrieve_as_bytes):
            with pytest.raises(ValueError, match="bytes requested"):
                method(len(self.model) + extra)
            with pytest.raises(ValueError, match="bytes requested"):
                method(-extra)

    @rule(where=st.floats(0, 1))
    def peek(self, where: float) -> None:
        count = round(where * len(self.model))
        seen = self.buffer.peek(count)
        assert (type(seen), seen) == (bytes, self.model[:count])

    @rule(
        what=st.binary(min_size=1, max_size=2) | st.sampled_from([b"\r\n", b"a"]),
        start=st.floats(0, 1.2),
    )
    def find(self, what: bytes, start: float) -> None:
        begin = round(start * len(self.model))
        assert self.buffer.find(what, begin) == self.model.find(what, begin)
        assert self.buffer.find_crlf(begin) == self.model.find(b"\r\n", begin)
        assert self.buffer.find_eol(begin) == self.model.find(b"\n", begin)

    @rule(number=INTEGERS)
    def append_integer(self, number: tuple[int, int]) -> None:
        bits, value = number
        getattr(self.buffer, f"append_int{bits}")(value)
        self.model += value.to_bytes(bits // 8, "big", signed=True)

    @rule(number=INTEGERS)
    def prepend_integer(self, number: tuple[int, int]) -> None:
        bits, value = number
        getattr(self.buffer, f"prepend_int{bits}")(value)
        self.model = value.to_bytes(bits // 8, "big", signed=True) + self.model

    @rule(bits=st.sampled_from(BITS), take=st.booleans())
    def read_integer(self, bits: int, take: bool) -> None:
        size = bits // 8
        method = getattr(self.buffer, f"{'read' if take else 'peek'}_int{bits}")
        if len(self.model) < size:
            with pytest.raises(ValueError, match=f"{size} bytes requested"):
                method()
            return
        assert method() == int.from_bytes(self.model[:size], "big", signed=True)
        if take:
            self.model = self.model[size:]

    @rule(data=CHUNKS)
    def swap(self, data: bytes) -> None:
        self.other.append(data)
        self.other_model += data
        self.buffer.swap(self.other)
        self.model, self.other_model = self.other_model, self.model

    @invariant()
    def is_what_it_should_be(self) -> None:
        for buffer, model in ((self.buffer, self.model), (self.other, self.other_model)):
            assert len(buffer) == buffer.readable_bytes == len(model)
            assert buffer.peek() == model
            assert bool(buffer) == bool(model)
            assert repr(buffer) == f"<Buffer {len(model)} bytes>"


TestBuffer = BufferMachine.TestCase
TestBuffer.settings = settings(
    max_examples=examples(150), stateful_step_count=30, deadline=None, database=None
)


def test_a_message_passes_through_uncopied() -> None:
    message = bytes(1000)
    buffer = Buffer()
    buffer.append(message)
    assert buffer.retrieve_all() is message


@pytest.mark.parametrize("bits", BITS)
def test_an_integer_out_of_range_changes_nothing(bits: int) -> None:
    buffer = Buffer(b"abc")
    for method in ("append", "prepend"):
        with pytest.raises(struct.error):
            getattr(buffer, f"{method}_int{bits}")(1 << (bits - 1))
    assert buffer.peek() == b"abc"


@pytest.mark.parametrize("split", range(len(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") + 1))
def test_a_request_split_anywhere_has_the_same_lines(split: int) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    buffer = Buffer()
    lines = []
    for part in (request[:split], request[split:]):
        buffer.append(part)
        while (end := buffer.find_crlf()) >= 0:
            lines.append(buffer.retrieve_as_bytes(end))
            buffer.retrieve(2)
    assert lines == [b"GET / HTTP/1.1", b"Host: x", b""]
    assert not buffer


def test_write_to_drops_the_bytes_that_the_socket_took() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.settimeout(10)
        data = bytes(range(256)) * 4096
        buffer = Buffer(data[:100])
        buffer.append(data[100:])
        received = bytearray()
        while buffer:
            before = len(buffer)
            sent = buffer.write_to(left)
            assert sent > 0
            assert len(buffer) == before - sent
            while len(received) < len(data) - len(buffer):
                received += right.recv(1 << 20)
        assert received == data


def test_write_to_leaves_everything_when_the_socket_takes_nothing() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                left.send(bytes(64 * 1024))
        for buffer in (Buffer(b"abc"), Buffer(b"a")):
            buffer.append(b"d")  # the bytearray could not grow if a view of it were left
            before = buffer.peek()
            with pytest.raises(BlockingIOError):
                buffer.write_to(left)
            buffer.append(b"e")
            assert buffer.retrieve_all() == before + b"e"


def test_write_to_raises_the_error_of_send() -> None:
    left, right = socket.socketpair()
    with left:
        right.close()
        buffer = Buffer(b"abc")
        with pytest.raises(BrokenPipeError):
            buffer.write_to(left)
        assert buffer.peek() == b"abc"


def test_the_names_of_muduo() -> None:
    buffer = Buffer(b"hello world")
    assert buffer.retrieve_as_string(6) == b"hello "
    assert buffer.retrieve_all_as_string() == b"world"
    assert not buffer


@pytest.mark.parametrize("data", [5, [1, 2], "text", None])
@pytest.mark.parametrize("before", [b"", b"x"])
def test_appends_bytes_only(before: bytes, data: object) -> None:
    buffer = Buffer(before)
    with pytest.raises(TypeError):
        buffer.append(data)  # type: ignore[arg-type]
    assert buffer.peek() == before
