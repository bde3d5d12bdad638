from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.message import RESERVED, TARGET_FIELD, ChatMessage
from chat.protocol import GROUP_CHAT, MAX_ID, MAX_SEQ, ONE_CHAT, MsgType, build_schema, decode
from chat.protocol.fields import Limits
from tests.tiers import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def one(seq: int = 9, extra: dict[str, Any] | None = None) -> ChatMessage:
    return ChatMessage(seq, ONE_CHAT, 1, "ann", 2, "hi", "now", extra)


def test_to_one_in_v2() -> None:
    expected = {"msgid": 6, "id": 1, "name": "ann", "toid": 2, "msg": "hi", "time": "now", "seq": 9}
    assert one().fields(v2=True) == expected
    assert decode(one().frame(v2=True)) == expected


def test_to_one_in_classic() -> None:
    expected = {"msgid": 6, "id": 1, "name": "ann", "toid": 2, "msg": "hi", "time": "now"}
    assert one().fields(v2=False) == expected
    assert decode(one().frame(v2=False)) == expected


def test_to_a_group() -> None:
    message = ChatMessage(9, GROUP_CHAT, 1, "ann", 7, "hi", "now")
    fields = message.fields(v2=True)
    assert (fields["msgid"], fields["groupid"]) == (10, 7)
    assert "toid" not in fields
    assert message.topic == (GROUP_CHAT, 7)
    assert one().topic == (ONE_CHAT, 2)


def test_a_live_message_has_no_seq() -> None:
    assert "seq" not in one(seq=0).fields(v2=True)


def test_extra_fields_are_for_classic_receivers() -> None:
    message = one(extra={"colour": "red"})
    assert message.fields(v2=False)["colour"] == "red"
    assert "colour" not in message.fields(v2=True)


def test_frames_are_encoded_once() -> None:
    message = one()
    for v2 in (True, False):
        assert message.frame(v2) is message.frame(v2)
    assert message.frame(True) != message.frame(False)


def test_a_frame_that_exists_already_goes_to_classic_receivers_only() -> None:
    message = ChatMessage(0, ONE_CHAT, 1, "ann", 2, "hi", "now", None, b"as it came")
    assert message.frame(v2=False) == b"as it came"
    assert decode(message.frame(v2=True))["msg"] == "hi"


def test_a_copy_is_stored_on_its_own() -> None:
    message = one(extra={"a": 1})
    message.frame(True)
    message.receivers = frozenset({1})
    copy = message.copy()
    assert (copy.seq, copy.receivers) == (0, frozenset())
    assert copy.fields(v2=False) == message.fields(v2=False)
    copy.seq = 10
    assert decode(copy.frame(True))["seq"] == 10


def test_repr_has_sender_and_receiver_but_no_text() -> None:
    assert repr(one()) == "<ChatMessage seq=9 1->2 kind=6>"


def test_every_field_of_the_protocol_is_reserved() -> None:
    schema = build_schema(Limits())
    requested = {field[0] for fields in schema.values() for field in fields}
    assert requested - {"groupname", "groupdesc"} <= RESERVED
    assert set(TARGET_FIELD.values()) <= RESERVED


@given(
    kind=st.sampled_from([ONE_CHAT, GROUP_CHAT]),
    seq=st.integers(1, MAX_SEQ),
    ids=st.tuples(st.integers(1, MAX_ID), st.integers(1, MAX_ID)),
    texts=st.tuples(TEXT, TEXT, TEXT),
)
@settings(max_examples=examples(100), deadline=None, database=None)
def test_any_message_survives_encoding(
    kind: int, seq: int, ids: tuple[int, int], texts: tuple[str, str, str]
) -> None:
    message = ChatMessage(seq, kind, ids[0], texts[0], ids[1], texts[1], texts[2])
    for v2 in (True, False):
        frame = message.frame(v2)
        assert decode(frame) == message.fields(v2)
        assert b"\n" not in frame
        assert b"\0" not in frame


@pytest.mark.parametrize("kind", TARGET_FIELD)
def test_kinds_are_message_numbers(kind: int) -> None:
    assert MsgType(kind) in (MsgType.ONE_CHAT_MSG, MsgType.GROUP_CHAT_MSG)
    assert type(kind) is int
