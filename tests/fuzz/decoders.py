"""All decoders of the server on the same bytes of a peer.

``one_input`` raises an exception if a decoder raises another one than its own, or breaks a rule.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from chat.config import ClassicConfig
from chat.connection.proxy_protocol import BadProxyLineError, split_proxy_line
from chat.dialect_files import load_dialects
from chat.protocol import Limits, ProtocolError
from chat.protocol.codec import Message, decode, encode
from chat.protocol.dialects import BraceCutter, DialectGuess, Table
from chat.protocol.fields import Schema, validate
from chat.protocol.frames import FrameDecoder
from chat.protocol.schema import build_schema

MAX_FRAME = 4096


@cache
def tables() -> tuple[Table, ...]:
    return load_dialects(ClassicConfig().dialects).by_name


@cache
def schema() -> Schema:
    return build_schema(Limits())


def one_input(data: bytes) -> None:
    """Decode the bytes in all ways that a connection can."""
    proxy_line(data)
    for braces in (False, True):
        for frame in frames(data, braces=braces):
            message(frame)


def proxy_line(data: bytes) -> None:
    try:
        found = split_proxy_line(data)
    except BadProxyLineError:
        return
    if found is not None:
        assert data.endswith(found[1])


def frames(data: bytes, *, braces: bool) -> list[bytes]:
    """The frames of the bytes. Two halves give the same ones as the whole."""
    whole, halves = decoder(braces), decoder(braces)
    whole.feed(data)
    found = whole.take()
    middle = len(data) // 2
    if data[middle - 1 : middle + 1].count(0) < 2:  # a run of NULs that is cut is two ends
        halves.feed(data[:middle])
        parts = halves.take()
        halves.feed(data[middle:])
        parts += halves.take()
        if not whole.too_large and not halves.too_large:
            assert parts == found, (parts, found)
    return found


def decoder(braces: bool) -> FrameDecoder:
    made = FrameDecoder(MAX_FRAME)
    if braces:
        made.cut_with(BraceCutter())
    return made


def message(frame: bytes) -> None:
    try:
        fields = decode(frame)
    except ProtocolError:
        return
    assert decode(encode(fields)) == fields
    check(fields)
    try:
        check(DialectGuess(tables()).read(fields))
    except ProtocolError:
        return


def check(fields: Message) -> None:
    number: Any = fields.get("msgid")
    row = schema().get(number) if type(number) is int else None
    if row is None:
        return
    try:
        validate(fields, row)
    except ProtocolError:
        return
