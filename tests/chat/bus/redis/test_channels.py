"""Names of channels, and answers."""

from __future__ import annotations

import pytest

from chat.bus import Answer, BadPayloadError
from chat.bus.redis.answers import decode_answer, encode_answer
from chat.bus.redis.channels import channel_of, topic_of
from chat.protocol import GROUP_CHAT, ONE_CHAT


def test_channels() -> None:
    assert channel_of((ONE_CHAT, 7)) == b"chat:6:7"
    assert channel_of((GROUP_CHAT, 8)) == b"chat:10:8"
    assert topic_of(b"chat:6:7") == (ONE_CHAT, 7)


@pytest.mark.parametrize(
    "name", [b"", b"chat", b"chat:6", b"chat:6:x", b"chat:6:7:8", b"news:6:7", b"chat:-6:7"]
)
def test_channels_of_other_kinds(name: bytes) -> None:
    assert topic_of(name) is None


def test_an_answer() -> None:
    data = b'["a",5,[1,2]]'
    assert encode_answer(Answer(5, [1, 2])) == data
    assert decode_answer(data) == Answer(5, [1, 2])


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"[]",
        b"7",
        b'["a"]',
        b'["a",5]',
        b'["a",5,[],1]',
        b'["b",5,[]]',
        b'["a","5",[]]',
        b'["a",true,[]]',
        b'["a",5,7]',
        b'["a",5,["x"]]',
        b'["a",5,[0]]',
    ],
)
def test_answers_of_another_form(data: bytes | None) -> None:
    with pytest.raises(BadPayloadError):
        decode_answer(data)
