"""Long texts in parts: no text is lost, each part fits, and characters stay whole."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.config_values import MIN_CLASSIC_FRAME
from chat.protocol import MAX_ID, Limits, encode
from chat.protocol.classic_split import MAX_SEQUENCE, json_size, split_message, split_text
from tests.tiers import examples

LIMITS = Limits()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
NASTY = st.text(st.sampled_from('x"\\\n\x01\x7f你é\u0301\u200d👍🏽🇩🇪\r'), max_size=2000)


def longest(characters: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=characters) | st.sampled_from(
        ["\x01" * characters, "👍" * characters, '"' * characters]
    )


FIELDS = st.fixed_dictionaries(
    {
        "msgid": st.sampled_from([6, 10]),
        "id": st.just(MAX_ID),
        "name": longest(LIMITS.name),
        "toid": st.just(MAX_ID),
        "msg": TEXT | NASTY,
        "time": longest(LIMITS.classic_time),
    }
)


@settings(max_examples=examples(60), deadline=None)
@given(FIELDS, st.sampled_from([MIN_CLASSIC_FRAME, 1023, 4095]))
def test_every_message_fits(fields: dict[str, Any], limit: int) -> None:
    frames = split_message(fields, limit)
    parts = [json.loads(frame) for frame in frames]
    assert all(len(frame) <= limit for frame in frames)
    assert "".join(part["msg"] for part in parts) == fields["msg"]
    for part in parts:
        assert {**part, "msg": ""} == {**fields, "msg": ""}
    if len(encode(fields)) <= limit:
        assert len(frames) == 1


@settings(max_examples=examples(40), deadline=None)
@given(FIELDS)
def test_every_message_fits_where_all_is_sent_twice(fields: dict[str, Any]) -> None:
    """As in a dialect with other names beside the tutorial's."""

    def twice(message: dict[str, Any]) -> bytes:
        return encode({**message, **{f"{key}2": value for key, value in message.items()}})

    frames = split_message(fields, 1023, twice)
    assert all(len(frame) <= 1023 for frame in frames)
    assert "".join(json.loads(frame)["msg"] for frame in frames) == fields["msg"]


@settings(max_examples=examples(60), deadline=None)
@given(TEXT | NASTY, st.integers(32, 200))
def test_every_part_is_full(text: str, room: int) -> None:
    """Except for sequences that stay together. Otherwise a text would need more messages."""
    parts = split_text(text, room)
    assert "".join(parts) == text
    assert all(json_size(part) <= room for part in parts)
    for part, following in pairwise(parts):
        assert json_size(part + following[: MAX_SEQUENCE + 1]) > room


@pytest.mark.parametrize(
    "sequence",
    [
        "e\u0301",
        "👍🏽",
        "🇩🇪",
        "👩‍👩‍👧‍👦",
        "❤️",
        "🏴\U000e0067\U000e0062\U000e007f",
        "\u1112\u1161\u11ab",
        "\r\n",
        "नी",
    ],
)
@pytest.mark.parametrize("before", range(7))
def test_a_visible_character_is_not_divided(sequence: str, before: int) -> None:
    text = "x" * before + sequence * 40
    parts = split_text(text, 64)
    assert len(parts) > 1
    for part in parts[:-1]:
        assert part.lstrip("x").replace(sequence, "") == "", parts


def test_endless_sequences_are_divided() -> None:
    text = "e" + "\u0301" * 5000
    parts = split_text(text, 100)
    assert "".join(parts) == text
    assert all(json_size(part) <= 100 for part in parts)


def test_an_empty_text() -> None:
    assert split_text("", 100) == [""]


@given(TEXT | NASTY)
def test_the_size_in_json(text: str) -> None:
    assert json_size(text) == len(encode({"": text})) - len(encode({"": ""}))
    assert json.loads(encode({"": text})) == {"": text}
