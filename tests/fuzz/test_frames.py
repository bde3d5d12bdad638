"""The frames of the fuzzer: from a seed, for all messages, and good for the decoders."""

from __future__ import annotations

import json
import random

import pytest

from chat.config import ClassicConfig
from chat.dialect_files import load_dialects
from chat.protocol import Limits, MsgType, ProtocolError
from chat.protocol.fields import validate
from chat.protocol.schema import build_schema
from tests.fuzz.decoders import one_input
from tests.fuzz.frames import ENDS, FrameMaker
from tests.tiers import examples

PASSWORD = "secret-1"
USER = 7


def maker(seed: int) -> FrameMaker:
    return FrameMaker(random.Random(seed), Limits(), PASSWORD)


def test_a_seed_gives_the_same_frames() -> None:
    first, second, other = maker(1), maker(1), maker(2)
    frames = [first.frame(None, USER) for _ in range(100)]
    assert frames == [second.frame(None, USER) for _ in range(100)]
    assert frames != [other.frame(None, USER) for _ in range(100)]


def test_every_message_is_made_and_most_are_correct() -> None:
    schema = build_schema(Limits())
    made, correct = set(), 0
    source = maker(1)
    for _ in range(2000):
        request = source.request(USER)
        made.add(request["msgid"])
        try:
            validate(request, schema[request["msgid"]])
        except ProtocolError:
            continue
        correct += 1
    assert made == schema.keys()
    assert correct > 1500


@pytest.mark.parametrize("table", load_dialects(ClassicConfig().dialects).by_name, ids=str)
def test_a_request_has_the_numbers_of_its_dialect(table: object) -> None:
    from chat.protocol.dialects import Table

    assert isinstance(table, Table)
    source = maker(1)
    login = source.login(USER, PASSWORD, table)
    assert table.requests[login[table.number_names[0]]] == MsgType.LOGIN_MSG
    for _ in range(50):
        assert source.request(USER, table)[table.number_names[0]] in table.requests


def test_pieces_are_the_whole() -> None:
    source = maker(1)
    for _ in range(200):
        data = source.frame(None, USER)
        assert b"".join(source.pieces(data)) == data


def test_the_decoders_take_everything() -> None:
    source = maker(1)
    tables = (None, *load_dialects(ClassicConfig().dialects).by_name)
    correct = 0
    for number in range(examples(5000)):
        end = list(ENDS.values())[number % len(ENDS)]
        frames = [source.frame(tables[number % len(tables)], USER) for _ in range(3)]
        one_input(end.join(frames) + end)
        try:
            correct += type(json.loads(frames[0])) is dict
        except (ValueError, RecursionError):
            continue
    assert correct
