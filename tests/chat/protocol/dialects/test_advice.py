"""The log line about a request that fits no table."""

from __future__ import annotations

import pytest

from chat.protocol import Message
from chat.protocol.dialects import DialectGuess, advice
from tests.chat.protocol.dialects.dialectkit import SHIPPED, new_guess


def said(message: Message, guess: DialectGuess) -> str:
    return advice(message, guess, SHIPPED.by_name)


def test_a_table_that_is_not_used() -> None:
    message = {"msgid": 3, "name": "li", "password": "123"}
    assert said(message, new_guess("tutorial")) == (
        'msgid 3 with name, password is register in the table reg3: add "reg3" to classic.dialects'
    )


def test_a_table_that_was_ruled_out() -> None:
    guess = new_guess("tutorial", "reg3")
    guess.read({"msgid": 6, "id": 1, "toid": 2, "msg": "hi"})
    line = said({"msgid": 9, "id": 1, "groupid": 39, "msg": "hi"}, guess)
    assert line.startswith("msgid 9 with id, groupid, msg is group_chat in the table reg3, but ")
    assert "fits only tutorial;" in line
    assert "--listen ADDRESS=reg3" in line


@pytest.mark.parametrize(
    ("message", "kind", "nearest"),
    [
        ({"msgid": 1011, "id": 1, "groupid": 39, "msg": "hi"}, "group_chat", "thousand"),
        ({"msgid": 12, "id": 1, "groupid": 39, "msg": "hi"}, "group_chat", "tutorial"),
        ({"msgid": 12, "id": 1, "to": 39, "msg": "hi"}, "chat", "to"),
        ({"msgid": 20, "id": 1}, "logout", "logout11"),
        ({"msgid": 0, "id": 1, "passwd": "x"}, "login", "passwd"),
    ],
)
def test_the_nearest(message: Message, kind: str, nearest: str) -> None:
    line = said(message, new_guess())
    assert f"fits no table. By its fields it is {kind}, and {nearest} is the nearest" in line
    assert "classic.dialects" in line


@pytest.mark.parametrize(
    ("message", "begin"),
    [
        (
            {"msgid": 1012, "hello": 1},
            "msgid 1012 with hello fits no table; the nearest is thousand",
        ),
        ({"msgid": 77}, "msgid 77 with nothing fits no table; the nearest is tutorial"),
        ({"msgid": "x"}, "a request without msgid with nothing fits no table; the nearest is"),
    ],
)
def test_messages_that_are_no_requests(message: Message, begin: str) -> None:
    assert said(message, new_guess()).startswith(begin)


@pytest.mark.parametrize("number", [10**400, -(10**400), 2**31])
def test_a_very_large_number(number: int) -> None:
    line = said({"msgid": number, "id": 1, "friendid": 2}, new_guess())
    assert line.startswith("a very large msgid with id, friendid fits no table.")


def test_a_stranger_cannot_write_into_the_log() -> None:
    names = ["a\nERROR all is lost", "x" * 500, "\x1b[2J", *[f"f{n}" for n in range(1000)]]
    line = said({"msgid": 77, **dict.fromkeys(names, "secret")}, new_guess())
    assert line.isprintable()
    assert len(line) < 250
    assert "secret" not in line
    assert "(a name), (a name), (a name), f0" in line
