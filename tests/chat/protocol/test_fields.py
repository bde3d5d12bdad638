"""The field tables: the required fields of each request, and each check at its borders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.protocol import (
    ACK_OF,
    MAX_ID,
    MAX_SEQ,
    ErrNo,
    Limits,
    MsgType,
    ProtocolError,
    build_schema,
    decode,
    validate,
)
from chat.protocol.errors import ALREADY_ONLINE, WRONG_PASSWORD
from chat.protocol.fields import Check, Field, at_most_bytes, message_numbers
from chat.protocol.names import plain_name
from tests.tiers import examples

SCHEMA = build_schema(Limits())

GOOD: dict[MsgType, dict[str, Any]] = {
    MsgType.LOGIN_MSG: {"id": 1, "password": "secret"},
    MsgType.LOGINOUT_MSG: {"id": 1},
    MsgType.REG_MSG: {"name": "zhang san", "password": "secret"},
    MsgType.ONE_CHAT_MSG: {"id": 1, "toid": 2, "msg": "hello"},
    MsgType.ADD_FRIEND_MSG: {"id": 1, "friendid": 2},
    MsgType.CREATE_GROUP_MSG: {"id": 1, "groupname": "g", "groupdesc": ""},
    MsgType.ADD_GROUP_MSG: {"id": 1, "groupid": 3},
    MsgType.GROUP_CHAT_MSG: {"id": 1, "groupid": 3, "msg": ""},
    MsgType.DELIVERED_MSG: {"seqs": [1, 2]},
    MsgType.PING_MSG: {},
}

OPTIONAL: dict[MsgType, dict[str, Any]] = {
    MsgType.LOGIN_MSG: {"v": 2, "token": "t", "device": "d"},
    MsgType.REG_MSG: {"v": 2},
    MsgType.ONE_CHAT_MSG: {"mid": "m", "time": "2026-01-01 00:00:00"},
    MsgType.GROUP_CHAT_MSG: {"mid": "m", "time": "any text"},
}

WRONG: list[Any] = [
    *(True, False, 0, -1, 1.0, 2**31, 2**64),
    *([], [True], {}, ["x"], [1] * 2000, "x" * 20_000),
]

FIELDS = [(kind, name) for kind in GOOD for name in [*GOOD[kind], *OPTIONAL.get(kind, {}), "rid"]]


def refused(kind: MsgType, message: dict[str, Any]) -> str:
    with pytest.raises(ProtocolError) as caught:
        validate(message, SCHEMA[kind])
    assert caught.value.errno is ErrNo.BAD_REQUEST
    return caught.value.errmsg


def test_every_request_has_a_row() -> None:
    assert set(GOOD) <= set(SCHEMA)


@pytest.mark.parametrize("kind", GOOD)
def test_good_requests_pass(kind: MsgType) -> None:
    validate(GOOD[kind], SCHEMA[kind])
    validate(GOOD[kind] | OPTIONAL.get(kind, {}) | {"rid": "r" * 64}, SCHEMA[kind])
    validate(GOOD[kind] | {"msgid": int(kind), "unknown": [{}]}, SCHEMA[kind])


REPLACEABLE = {
    (MsgType.LOGIN_MSG, "password"),  # by a token
    (MsgType.LOGIN_MSG, "id"),  # by a name
    (MsgType.ADD_FRIEND_MSG, "friendid"),  # by a name
}
"""Fields that another one may stand in for."""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in GOOD for name in GOOD[kind]])
def test_each_required_field(kind: MsgType, name: str) -> None:
    message = {key: value for key, value in GOOD[kind].items() if key != name}
    if (kind, name) in REPLACEABLE:
        validate(message, SCHEMA[kind])
    else:
        assert refused(kind, message) == f"{name}: is missing"


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:12])
@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_wrong_types_and_sizes(kind: MsgType, name: str, wrong: object) -> None:
    message = GOOD[kind] | {name: wrong}
    if name == "seqs" and wrong == []:
        validate(message, SCHEMA[kind])
    else:
        assert refused(kind, message).startswith(f"{name}: must")


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_null_is_the_same_as_absent(kind: MsgType, name: str) -> None:
    message = GOOD[kind] | {name: None}
    if name in GOOD[kind] and (kind, name) not in REPLACEABLE:
        assert refused(kind, message) == f"{name}: is missing"
    else:
        validate(message, SCHEMA[kind])


@given(
    kind=st.sampled_from(sorted(GOOD)),
    values=st.dictionaries(
        st.sampled_from(sorted({name for fields in GOOD.values() for name in fields})),
        st.none() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text()),
    ),
)
@settings(max_examples=examples(300), deadline=None, database=None)
def test_validate_raises_nothing_else(kind: MsgType, values: dict[str, Any]) -> None:
    try:
        validate(values, SCHEMA[kind])
    except ProtocolError as exc:
        assert exc.errno is ErrNo.BAD_REQUEST


def accepts(field: Field, value: object) -> bool:
    try:
        validate({field.name: value}, (field,))
    except ProtocolError as exc:
        assert exc.errno is ErrNo.BAD_REQUEST
        assert exc.errmsg.startswith(f"{field.name}: must")
        return False
    return True


def holds(check: Check, value: object) -> bool:
    problem = check(value)
    assert problem is None or problem.startswith("must")
    return problem is None


def test_ids() -> None:
    for good in (1, 2, MAX_ID):
        validate({"id": good}, SCHEMA[MsgType.LOGINOUT_MSG])
    for bad in (0, -1, MAX_ID + 1, True, 1.0, "1", [1]):
        problem = refused(MsgType.LOGINOUT_MSG, {"id": bad})
        assert problem == f"id: must be an integer from 1 to {MAX_ID}"


def test_strings_count_characters() -> None:
    field = Field("x", str, 2, 4)
    assert [accepts(field, "字" * count) for count in (1, 2, 4, 5)] == [False, True, True, False]
    assert not accepts(field, b"abc")
    assert not accepts(field, ["a", "b", "c"])


def test_message_text_counts_bytes() -> None:
    check = at_most_bytes(12)
    assert holds(check, "")
    assert holds(check, "x" * 12)
    assert not holds(check, "x" * 13)
    assert holds(check, "字" * 4)
    assert not holds(check, "字" * 5)
    assert holds(check, "\U0001f600" * 3)
    assert not holds(check, "\U0001f600" * 3 + "x")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 40))
@settings(deadline=None, database=None)
def test_bytes_are_those_of_utf8(value: str, maximum: int) -> None:
    assert holds(at_most_bytes(maximum), value) == (len(value.encode()) <= maximum)


@pytest.mark.parametrize(
    "name", ["a", "zhang san", "张三", "Ünï", "a-b_c.d", "\U0001f600", "x" * 50, "محمد", "!"]
)
def test_names(name: str) -> None:
    assert holds(plain_name(50), name)
    validate({"name": name, "password": "secret"}, SCHEMA[MsgType.REG_MSG])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 51,
        " a",
        "a ",
        " ",
        "\u3000a",
        "a\nb",
        "a\0b",
        "a\x7fb",
        "a\x85b",
        "a\u200bb",
        "a\u202eb",
        "\ufeffa",
        "a\u2028b",
        "a\u2029b",
        "a\ue000b",
        "a\ud800b",
        "a\uffffb",
        7,
        None,
        b"a",
    ],
)
def test_no_names(name: object) -> None:
    assert refused(MsgType.REG_MSG, {"name": name, "password": "secret"}).startswith("name: ")
    group = {"id": 1, "groupname": name, "groupdesc": ""}
    assert refused(MsgType.CREATE_GROUP_MSG, group).startswith("groupname: ")


def test_seq_lists() -> None:
    field = Field("seqs", list, 0, 3, message_numbers)
    for good in ([], [1], [1, MAX_SEQ, 1]):
        assert accepts(field, good)
    bad: list[object] = [[0], [-1], [MAX_SEQ + 1], [True], [1.0], ["1"], [[1]], [None], [1] * 4]
    for value in (*bad, (1,), {}, "1", 1):
        assert not accepts(field, value)


def test_limits_are_configurable() -> None:
    schema = build_schema(Limits(name=3, password_min=1, text_bytes=2))
    validate({"name": "abc", "password": "p"}, schema[MsgType.REG_MSG])
    with pytest.raises(ProtocolError, match="name"):
        validate({"name": "abcd", "password": "p"}, schema[MsgType.REG_MSG])
    with pytest.raises(ProtocolError, match="msg"):
        validate({"id": 1, "toid": 2, "msg": "abc"}, schema[MsgType.ONE_CHAT_MSG])


def test_the_default_limits_are_the_documented_ones() -> None:
    limits = Limits()
    assert (limits.name, limits.password_min, limits.password_max) == (50, 6, 128)
    assert (limits.group_name, limits.group_desc, limits.opaque) == (50, 200, 64)
    assert (limits.text_bytes, limits.classic_time) == (16 * 1024, 40)
    assert (MAX_ID, MAX_SEQ) == (2**31 - 1, 2**53 - 1)


def test_the_largest_seq_is_the_last_that_a_double_tells_from_the_next() -> None:
    """JavaScript reads numbers as doubles: 2^53 and 2^53 + 1 become the same one."""
    largest, after, second_after = (float(MAX_SEQ + number) for number in range(3))
    assert largest != after == second_after


def test_the_field_is_named_in_the_message() -> None:
    frame = b'{"id":1,"toid":true,"msg":"x"}'
    problem = refused(MsgType.ONE_CHAT_MSG, decode(frame))
    assert problem == f"toid: must be an integer from 1 to {MAX_ID}"


# ---------------------------------------------------------------------- numbers on the wire


def test_message_numbers() -> None:
    original = (
        "LOGIN_MSG LOGIN_MSG_ACK LOGINOUT_MSG REG_MSG REG_MSG_ACK ONE_CHAT_MSG ADD_FRIEND_MSG"
    )
    original += " CREATE_GROUP_MSG ADD_GROUP_MSG GROUP_CHAT_MSG"
    assert [MsgType(number).name for number in range(1, 11)] == original.split()
    ours = "CHAT_ACK DELIVERED_MSG ADD_FRIEND_ACK CREATE_GROUP_ACK ADD_GROUP_ACK LOGINOUT_ACK"
    ours += " PING_MSG PONG_MSG"
    assert [MsgType(number).name for number in range(20, 28)] == ours.split()
    assert (MsgType.ERROR_MSG, MsgType.BYE_MSG) == (31, 32)


def test_error_numbers_and_the_originals_texts() -> None:
    assert [errno.value for errno in ErrNo] == [*range(14)]
    assert (ErrNo.REFUSED, ErrNo.ALREADY_ONLINE, ErrNo.EXISTS) == (1, 2, 10)
    assert WRONG_PASSWORD == "id or password is invalid!"
    assert ALREADY_ONLINE == "this account is using, input another!"


def test_every_request_has_its_answer() -> None:
    unanswered = {MsgType.DELIVERED_MSG, MsgType.TYPING_MSG}
    assert set(ACK_OF) == set(SCHEMA) - unanswered
    assert ACK_OF[MsgType.ONE_CHAT_MSG] is ACK_OF[MsgType.GROUP_CHAT_MSG] is MsgType.CHAT_ACK
    assert {int(kind): int(ack) for kind, ack in ACK_OF.items()}.items() >= {
        1: 2,
        3: 25,
        4: 5,
        6: 20,
        7: 22,
        8: 23,
        9: 24,
        10: 20,
        26: 27,
    }.items()
