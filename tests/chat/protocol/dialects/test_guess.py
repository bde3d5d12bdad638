"""DialectGuess: the tables of a connection, by numbers and fields together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.protocol import Limits, Message, ProtocolError, build_schema, validate
from chat.protocol.dialects import TUTORIAL, DialectGuess, NoTableError, Table, parse_table
from chat.protocol.dialects.table import REQUESTS
from tests.chat.protocol.dialects.dialectkit import (
    BY_NAME,
    FAMILIES,
    NEW_USER,
    SHIPPED,
    names_of,
    new_guess,
)

SCHEMA = build_schema(Limits(password_min=0))


def sent_by(table: Table, request: str, **fields: Any) -> Message:
    """The request as a client of the table sends it."""
    number = next(n for n, kind in table.requests.items() if kind == REQUESTS[request])
    first = {field: name for name, field in reversed(list(table.fields.items()))}
    named = {first[field]: value for field, value in {**NEW_USER[request], **fields}.items()}
    return {table.number_names[0]: number, **named}


# ---------------------------------------------------------------------- narrowing


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("request_name", NEW_USER)
def test_each_request_of_each_family_as_the_first_one(family: str, request_name: str) -> None:
    guess = new_guess()
    read = guess.read(sent_by(BY_NAME[family], request_name))
    expected = {"msgid": REQUESTS[request_name], **NEW_USER[request_name]}
    assert read == expected
    assert BY_NAME[family] in guess.tables


AMBIGUOUS = [
    (
        {"msgid": 1, "id": 1, "password": "x"},
        1,
        "tutorial reg3 ack5 logout11 to errnum unterminated",
    ),
    ({"msgid": 1, "id": 1, "passwd": "x"}, 1, "passwd"),
    ({"msgid": 3, "name": "li", "password": "x"}, 4, "reg3 ack5"),
    ({"msgid": 3, "id": 1}, 3, "tutorial logout11 to errnum passwd unterminated"),
    ({"msgid": 4, "name": "li", "password": "x"}, 4, "tutorial logout11 to errnum unterminated"),
    ({"msgid": 2, "id": 1}, 3, "ack5"),
    ({"msgid": 5, "id": 1, "toid": 2, "msg": "hi"}, 6, "reg3"),
    ({"msgid": 5, "id": 1, "to": 2, "msg": "hi"}, 6, "reg3"),
    (
        {"msgid": 6, "id": 1, "toid": 2, "msg": "hi"},
        6,
        "tutorial ack5 logout11 errnum passwd unterminated",
    ),
    ({"msgid": 6, "id": 1, "to": 2, "msg": "hi"}, 6, "to unterminated"),
    ({"msgid": 6, "id": 1, "friendid": 2}, 7, "reg3"),
    (
        {"msgid": 7, "id": 1, "friendid": 2},
        7,
        "tutorial ack5 logout11 to errnum passwd unterminated",
    ),
    ({"msgid": 7, "id": 1, "groupname": "g", "groupdesc": ""}, 8, "reg3"),
    ({"msgid": 8, "id": 1, "groupid": 39}, 9, "reg3"),
    ({"msgid": 9, "id": 1, "groupid": 39, "msg": "hi"}, 10, "reg3"),
    (
        {"msgid": 9, "id": 1, "groupid": 39},
        9,
        "tutorial ack5 logout11 to errnum passwd unterminated",
    ),
    ({"msgid": 10, "id": 1}, 3, "reg3"),
    (
        {"msgid": 10, "id": 1, "groupid": 39, "msg": "hi"},
        10,
        "tutorial ack5 logout11 to errnum passwd unterminated",
    ),
    ({"msgid": 11, "id": 1}, 3, "logout11"),
    ({"msgid": 1000, "id": 1, "password": "x"}, 1, "thousand"),
    ({"msgid": 1009, "id": 1, "groupid": 39, "msg": "hi"}, 10, "thousand"),
    ({"msgid": 26}, 26, "tutorial errnum"),
]


@pytest.mark.parametrize(("message", "kind", "left"), AMBIGUOUS)
def test_a_frame_excludes_tables(message: Message, kind: int, left: str) -> None:
    guess = new_guess()
    assert guess.read(message)["msgid"] == kind
    assert names_of(guess.tables) == left


def test_frames_narrow_together() -> None:
    guess = new_guess()
    guess.read({"msgid": 3, "name": "li", "password": "x"})
    guess.read({"msgid": 1, "id": 1, "password": "x"})
    assert names_of(guess.tables) == "reg3 ack5"
    guess.read({"msgid": 6, "id": 1, "toid": 2, "msg": "hi"})
    assert names_of(guess.tables) == "ack5"
    with pytest.raises(NoTableError):
        guess.read({"msgid": 5, "id": 1, "toid": 2, "msg": "hi"})
    assert names_of(guess.tables) == "ack5"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"msgid": 77},
        {"msgid": "9", "id": 1, "groupid": 3},
        {"msgid": True, "id": 1, "password": "x"},
        {"msgid": [9]},
        {"msgid": 9, "id": 1, "groupid": 3, "msg": "hi", "toid": 4},
        {"msgid": 9, "id": 1, "groupid": 3, "password": "x"},
        {"msgid": 3, "id": 1, "msg": "bye"},
        {"msgid": 1003, "id": 1},
        {"msgid": 6, "id": 1, "to": 2, "toid": 3, "msg": "hi", "groupid": 1},
    ],
)
def test_a_request_that_fits_no_table_changes_nothing(message: Message) -> None:
    guess = new_guess()
    try:
        read = guess.read(message)
    except NoTableError:
        pass
    else:
        with pytest.raises(ProtocolError):
            validate(read, SCHEMA[read["msgid"]])
    assert guess.tables == SHIPPED.used


def test_a_join_with_a_text_is_not_a_join() -> None:
    """Also in another table: the tutorial's client has sent too much to be a reg3."""
    guess = new_guess()
    guess.read({"msgid": 6, "id": 1, "toid": 2, "msg": "hi"})
    with pytest.raises(NoTableError):
        guess.read({"msgid": 9, "id": 1, "groupid": 39, "msg": "hi"})


def test_a_request_that_lacks_something_is_refused_as_itself() -> None:
    guess = new_guess()
    assert guess.read({"msgid": 1, "id": "1", "password": "x"})["msgid"] == 1
    assert guess.read({"msgid": 4, "name": "li"})["msgid"] == 4
    assert guess.tables == SHIPPED.used


def test_a_request_that_the_schema_refuses_excludes_no_table() -> None:
    guess = new_guess()
    read = guess.read({"msgid": 1, "id": 1, "name": 1, "password": "x"})
    with pytest.raises(ProtocolError, match="name"):
        validate(read, SCHEMA[1])
    guess.read({"msgid": 6, "id": 1, "toid": 2, "msg": "hi", "time": 5})
    assert guess.tables == SHIPPED.used


def test_a_request_of_very_many_fields_fits_nowhere() -> None:
    many = {f"x{number}": 0 for number in range(61)}
    join = {"msgid": 9, "id": 1, "groupid": 39}
    assert new_guess().read({**join, **many})["groupid"] == 39
    with pytest.raises(NoTableError):
        new_guess().read({**join, **many, "one more": 0})


def test_null_is_absent() -> None:
    guess = new_guess()
    read = guess.read({"msgid": 9, "id": 1, "groupid": 39, "msg": None})
    assert read == {"msgid": 9, "id": 1, "groupid": 39}


def test_the_same_field_under_two_names() -> None:
    guess = new_guess("reg3")
    twice = {"msgid": 5, "id": 1, "toid": 2, "to": 2, "msg": "hi"}
    assert guess.read(twice) == {"msgid": 6, "id": 1, "toid": 2, "msg": "hi"}
    with pytest.raises(NoTableError):
        guess.read({**twice, "to": 3})


def test_the_tutorial_s_name_in_place_of_the_table_s() -> None:
    guess = new_guess("to")
    with pytest.raises(NoTableError):
        guess.read({"msgid": 6, "id": 1, "toid": 9, "to": 2, "msg": "hi"})
    own = DialectGuess([parse_table("own", '[request]\nid = "userid"\n')])
    read = own.read({"msgid": 6, "userid": 1, "id": 77, "toid": 2, "msg": "hi", "mood": "good"})
    assert read == {"msgid": 6, "id": 1, "toid": 2, "msg": "hi", "mood": "good"}


def test_messages_of_the_tutorial_pass_as_they_are() -> None:
    guess = new_guess()
    for request in ("login", "chat", "chat", "group_chat", "join_group"):
        message = sent_by(TUTORIAL, request)
        assert guess.read(message) is message
    assert BY_NAME["reg3"] not in guess.tables


def test_where_the_tables_disagree_the_one_in_use_decides() -> None:
    turned = parse_table("turned", "[numbers]\nlogin = 4\nregister = 1\n")
    both = {"msgid": 4, "id": 1, "name": "li", "password": "x"}
    assert DialectGuess([TUTORIAL, turned]).read(both)["msgid"] == 4
    guess = DialectGuess([turned, TUTORIAL])
    assert guess.read(both)["msgid"] == 1
    assert guess.tables == (turned,)


def test_a_number_under_another_name() -> None:
    own = parse_table("own", '[request]\nmsgid = "msgId"\n')
    guess = DialectGuess([TUTORIAL, own])
    assert guess.read({"msgId": 3, "id": 1}) == {"msgid": 3, "id": 1}
    assert guess.tables == (own,)


# ---------------------------------------------------------------------- the table in use


LOGIN = {"msgid": 1, "id": 1, "password": "x"}


@pytest.mark.parametrize(
    ("remembered", "default", "used"),
    [
        (None, None, "tutorial"),
        ("reg3", None, "reg3"),
        ("reg3?", None, "reg3"),
        (None, "ack5", "ack5"),
        ("reg3", "ack5", "reg3"),
        ("reg3?", "ack5", "ack5"),
        ("thousand", None, "tutorial"),
        ("a table that is gone", None, "tutorial"),
        ("thousand", "ack5", "ack5"),
        (None, "thousand", "tutorial"),
    ],
)
def test_the_choice_among_several_tables(
    remembered: str | None, default: str | None, used: str
) -> None:
    guess = new_guess(default=default)
    guess.read(LOGIN)
    guess.recall(remembered)
    assert guess.table.name == used


def test_an_address_adds_its_table() -> None:
    guess = new_guess("tutorial", default="reg3")
    assert (guess.table.name, names_of(guess.tables)) == ("reg3", "tutorial reg3")


def test_a_client_without_terminator() -> None:
    guess = new_guess()
    guess.ends_with_brace()
    assert guess.table.name == "unterminated"
    guess.read({"msgid": 3, "name": "li", "password": "x"})
    assert guess.table.name == "reg3"


def test_a_wrong_choice_is_given_up() -> None:
    guess = new_guess()
    guess.read(LOGIN)
    guess.recall("reg3")
    guess.read({"msgid": 6, "id": 1, "toid": 2, "msg": "hi"})
    assert guess.table.name == "tutorial"
    assert guess.memory("reg3") == "tutorial?"


# ---------------------------------------------------------------------- the remembered table


@pytest.mark.parametrize(
    ("default", "known", "frames", "memory"),
    [
        (None, None, [LOGIN], None),
        (None, None, [{"msgid": 4, "name": "li", "password": "x"}], None),
        (None, None, [{"msgid": 3, "name": "li", "password": "x"}], "reg3?"),
        (None, "reg3?", [{"msgid": 3, "name": "li", "password": "x"}], None),
        (None, "reg3?", [LOGIN], None),
        (None, "reg3", [LOGIN], None),
        (None, "reg3?", [{"msgid": 10, "id": 1}], "reg3"),
        (None, "reg3", [{"msgid": 10, "id": 1}], None),
        (None, "reg3", [{"msgid": 2, "id": 1}], "ack5"),
        ("ack5", None, [LOGIN], "ack5"),
        ("ack5", "reg3?", [LOGIN], "ack5"),
        ("ack5", "reg3", [LOGIN], None),
        (None, None, [{"msgid": 4, "name": "li", "passwd": "x"}], "passwd"),
    ],
)
def test_memory(
    default: str | None, known: str | None, frames: list[Message], memory: str | None
) -> None:
    guess = new_guess(default=default)
    for frame in frames:
        guess.read(frame)
    guess.recall(known)
    assert guess.memory(known) == memory
    if memory is not None:
        guess.recall(memory)
        assert guess.memory(memory) is None


def test_a_name_fits_its_column() -> None:
    """32 characters."""
    own = parse_table("x" * 30, "[numbers]\nlogin = 50\n")
    other = parse_table("other", "[numbers]\nlogin = 50\nlogout = 51\n")
    guess = DialectGuess([TUTORIAL, own, other])
    guess.read({"msgid": 50, "id": 1, "password": "x"})
    memory = guess.memory(None)
    assert memory == "x" * 30 + "?"
    assert len(memory) < 32


# ---------------------------------------------------------------------- garbage


TELLING = set("password toid msg friendid groupid groupname groupdesc".split())
NAMES = ["id", "name", *sorted(TELLING)]
fields: st.SearchStrategy[Message] = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from([1, 2, "x", None, True, [], {}]) for name in [*NAMES, "passwd", "to"]
    },
)
numbers = st.integers(0, 12) | st.integers(999, 1010) | st.sampled_from([26, 40, "1", None, 77])


def is_refused_later(read: Message) -> bool:
    """A login and a new friend pass the schema without these, as in v2 others may replace them."""
    replaceable = {REQUESTS["login"]: ("id", "password"), REQUESTS["add_friend"]: ("friendid",)}
    return any(read.get(name) is None for name in replaceable.get(read["msgid"], ()))


@example([(1, {"id": 1})], None)
@example([(1, {"id": 1, "name": 1, "passwd": "x"})], None)
@example([(3, {"name": "x", "password": "x"}), (1, {"id": 1})], "ack5")
@given(st.lists(st.tuples(numbers, fields), max_size=6), st.sampled_from([None, "reg3", "ack5"]))
def test_nothing_is_served_as_something_else(
    frames: list[tuple[Any, Message]], default: str | None
) -> None:
    guess = new_guess(default=default)
    for number, its_fields in frames:
        message: Message = {**its_fields, "msgid": number}
        before = guess.tables
        try:
            read = guess.read(message)
            validate(read, SCHEMA[read["msgid"]])
        except ProtocolError:
            assert guess.tables == before
            continue
        if is_refused_later(read):
            assert guess.tables == before
            continue
        # It is served. So each table that is left has this number for this request, and the
        # request has the fields of its kind and of no other.
        for table in guess.tables:
            assert table.requests[number] == read["msgid"]
        given_fields = {
            table.fields[name]
            for table in guess.tables
            for name, value in message.items()
            if value is not None and name in table.fields
        }
        kind = next((name for name, n in REQUESTS.items() if n == read["msgid"]), None)
        if kind is None:  # a request that the original has not got
            continue
        own = set(NEW_USER[kind])
        assert own & TELLING <= given_fields
        if kind not in ("chat", "group_chat"):
            assert not (given_fields - own) & TELLING


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.none())))
def test_any_object(message: Message) -> None:
    guess = new_guess()
    try:
        guess.read(message)
    except NoTableError:
        assert guess.tables == SHIPPED.used
