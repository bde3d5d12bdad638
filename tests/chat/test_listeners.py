"""Further addresses: HOST:PORT and HOST:PORT=DIALECT."""

from __future__ import annotations

import pytest

from chat.config import ConfigError
from chat.listeners import parse_listener


@pytest.mark.parametrize(
    ("text", "ip", "port", "dialect"),
    [
        ("127.0.0.1:6001", "127.0.0.1", 6001, ""),
        ("127.0.0.1:6001=reg3", "127.0.0.1", 6001, "reg3"),
        ("[::1]:6001=reg3", "::1", 6001, "reg3"),
        ("0.0.0.0:1=/a=b/mine.toml", "0.0.0.0", 1, "/a=b/mine.toml"),
    ],
)
def test_the_parts_of_a_listener(text: str, ip: str, port: int, dialect: str) -> None:
    listener = parse_listener(text)
    assert (listener.address.ip, listener.address.port) == (ip, port)
    assert listener.dialect == dialect


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("6001", "listen: '6001' is not HOST:PORT"),
        ("", "listen: '' is not HOST:PORT"),
        (":6001", "listen: ':6001' is not HOST:PORT"),
        ("127.0.0.1:6001=", "such as 127.0.0.1:6001=reg3"),
        ("127.0.0.1:0", "PORT: '0' is not a number from 1 to 65535"),
        ("127.0.0.1:reg3", "PORT: 'reg3' is not"),
        ("no.such.host.invalid:6001", "HOST: 'no.such.host.invalid' is not an address"),
    ],
)
def test_mistakes(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_listener(text)
    assert problem in str(raised.value)
