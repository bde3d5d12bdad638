"""HttpHeaders, HttpLimits, HttpResponse and the exceptions, without a server."""

from __future__ import annotations

import dataclasses
import math
from http import HTTPStatus
from typing import Any

import pytest

from muduopy import MuduoError, StateError
from muduopy.http import (
    BadRequestError,
    BadResponseError,
    HttpError,
    HttpHeaders,
    HttpLimits,
    HttpResponse,
)


def test_headers_ignore_case_and_keep_repetitions() -> None:
    headers = HttpHeaders([("Accept", "a"), ("HOST", "h"), ("accept", "b, C")])
    assert headers["ACCEPT"] == "a, b, C"
    assert headers.get_all("Accept") == ["a", "b, C"]
    assert headers.tokens("accept") == ["a", "b", "c"]
    assert list(headers) == ["accept", "host"]
    assert len(headers) == 2
    assert "Host" in headers
    assert 5 not in headers  # type: ignore[comparison-overlap]
    assert repr(headers) == "HttpHeaders({'accept': ['a', 'b, C'], 'host': ['h']})"


def test_headers_that_are_not_there() -> None:
    headers = HttpHeaders()
    assert headers.get("x") is None
    assert headers.get_all("x") == headers.tokens("x") == []
    with pytest.raises(KeyError):
        headers["x"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_header_bytes", 0),
        ("max_body_bytes", -1),
        ("max_pipelined", 0),
        ("idle_seconds", 0.0),
        ("request_seconds", math.nan),
        ("linger_seconds", -1.0),
    ],
)
def test_impossible_limits(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        HttpLimits(**{name: value})  # type: ignore[arg-type]


def test_limits_are_frozen_and_may_be_infinite() -> None:
    limits = HttpLimits(answer_seconds=math.inf, max_body_bytes=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.max_pipelined = 3  # type: ignore[misc]


def test_response_headers() -> None:
    response = HttpResponse()
    response.add_header("Set-Cookie", "a")
    response.add_header("Set-Cookie", "b")
    response.set_header("X", "1")
    response.set_header("x", "2")
    assert response.headers == [("Set-Cookie", "a"), ("Set-Cookie", "b"), ("x", "2")]


def test_response_text() -> None:
    response = HttpResponse()
    response.set_text("grüß", 201)
    assert (response.status, response.body) == (201, "grüß".encode())
    assert response.headers == [("Content-Type", "text/plain; charset=utf-8")]
    assert repr(response) == "<HttpResponse 201 6 bytes>"


@pytest.mark.parametrize("body", [[104, 105], "text", None, 2, ("a",), {1: 2}])
def test_a_body_of_another_type_is_refused_at_once(body: Any) -> None:
    with pytest.raises(TypeError, match="bytes"):
        HttpResponse(200, body)
    response = HttpResponse(200, b"before")
    with pytest.raises(TypeError, match="bytes"):
        response.body = body
    assert repr(response) == "<HttpResponse 200 6 bytes>"


@pytest.mark.parametrize("body", [bytearray(b"hi"), memoryview(b"hi")])
def test_bodies_like_bytes_become_bytes(body: Any) -> None:
    assert HttpResponse(200, body).body == b"hi"
    assert type(HttpResponse(200, body).body) is bytes


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (100, ValueError),
        (1000, ValueError),
        ("200", TypeError),
        (None, TypeError),
        (2e2, TypeError),
    ],
)
def test_an_impossible_status_is_refused_at_once(status: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="status"):
        HttpResponse(status)
    with pytest.raises(error, match="status"):
        HttpResponse().set_text("text", status)


def test_a_status_of_the_standard_library() -> None:
    assert repr(HttpResponse(HTTPStatus.CREATED)) == "<HttpResponse 201 0 bytes>"


@pytest.mark.parametrize(("name", "value"), [("X", 5), (b"X", "5"), ("X", None)])
def test_header_fields_of_other_types_are_refused_at_once(name: Any, value: Any) -> None:
    response = HttpResponse()
    with pytest.raises(TypeError, match="str"):
        response.set_header(name, value)
    with pytest.raises(TypeError, match="str"):
        response.add_header(name, value)
    assert not response.headers


def test_defer_comes_too_late_after_the_answer() -> None:
    response = HttpResponse()
    response.answered()
    with pytest.raises(StateError, match="in the callback"):
        response.defer()


def test_finish_needs_defer() -> None:
    told: list[HttpResponse] = []
    response = HttpResponse(finished=told.append)
    with pytest.raises(StateError):
        response.finish()
    assert not told
    response.defer()
    assert response.deferred
    response.finish()
    assert told == [response]
    assert repr(response) == "<HttpResponse 200 0 bytes deferred>"


def test_finish_without_a_server_is_harmless() -> None:
    response = HttpResponse()
    response.defer()
    response.finish()


def test_errors_word_themselves() -> None:
    assert str(BadRequestError(413, "too much")) == "413: too much"
    assert str(BadResponseError("no")) == "a response that cannot be sent: no"
    assert issubclass(HttpError, MuduoError)
