"""Requests: typed arguments, and lines of any kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.admin.errors import AdminError
from chat.admin.request import MAX_TEXT, AdminRequest, failure, parse_request, success


def test_a_request() -> None:
    request = parse_request(b'{"command": "user show", "arguments": {"user": "ann"}}', "root")
    assert request == AdminRequest("user show", {"user": "ann"}, "root")
    assert parse_request(b'{"command": "audit"}').arguments == {}


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"x", b"[]", b"{}", b"1", b'{"command": 1}', b'{"command": "a", "arguments": []}'),
        *(b"\xff", b"[" * 100_000, b'{"command": "\xff"}'),
    ],
)
def test_no_request(line: bytes) -> None:
    with pytest.raises(AdminError):
        parse_request(line)


@given(st.binary(max_size=200))
def test_any_bytes(line: bytes) -> None:
    try:
        parse_request(line)
    except AdminError as exc:
        assert str(exc)


def test_arguments() -> None:
    request = AdminRequest("c", {"text": "t", "number": 7, "flag": True, "null": None, "empty": ""})
    assert request.text("text") == "t"
    assert request.number("number") == 7
    assert request.flag("flag")
    assert not request.flag("absent")
    assert request.text("null", "default") == request.text("absent", "default") == "default"
    assert request.number("absent", 3) == 3
    assert request.text("empty", "default") == ""


@pytest.mark.parametrize("value", [None, 1, "", [], {}, "x" * (MAX_TEXT + 1)])
def test_no_text(value: object) -> None:
    with pytest.raises(AdminError, match="name: "):
        AdminRequest("c", {"name": value}).text("name")


@pytest.mark.parametrize("value", [None, "1", -1, True, 1.5, 2**60])
def test_no_number(value: object) -> None:
    with pytest.raises(AdminError, match="name: "):
        AdminRequest("c", {"name": value}).number("name")


def test_no_flag() -> None:
    with pytest.raises(AdminError, match="name: "):
        AdminRequest("c", {"name": 1}).flag("name")


def test_an_answer_is_one_line() -> None:
    for answer in (success({"name": "a\nb\ud800天"}), failure("a\nb")):
        assert b"\n" not in answer
        json.loads(answer)
