"""URLs of Redis, and the error at the start when Redis refuses the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from chat.bus import BusRefusedError
from chat.bus.redis.url import RedisAddress, check_redis, parse_redis_url
from tests.chat.rediskit import PASSWORD, RedisServer


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", RedisAddress((("host", 6379),))),
        ("redis://host:1/0", RedisAddress((("host", 1),))),
        ("redis://[::1]:1", RedisAddress((("::1", 1),))),
        ("redis://:p%40w@host", RedisAddress((("host", 6379),), None, "p@w")),
        ("redis://ann@host", RedisAddress((("host", 6379),), "ann", "spare")),
        ("redis://ann:p%3A%2F@host:2", RedisAddress((("host", 2),), "ann", "p:/")),
        ("rediss://host", RedisAddress((("host", 6379),), tls=True)),
        ("rediss://host?ca=/x.pem", RedisAddress((("host", 6379),), tls=True, ca="/x.pem")),
        ("redis+cluster://a:1,b", RedisAddress((("a", 1), ("b", 6379)), cluster=True)),
        (
            "rediss+cluster://me:pw@a:1,[::2]:3/0",
            RedisAddress((("a", 1), ("::2", 3)), "me", "pw", tls=True, cluster=True),
        ),
    ],
)
def test_urls(url: str, address: RedisAddress) -> None:
    assert parse_redis_url(url, "spare" if address.password == "spare" else "") == address


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis:///0",
        "http://host",
        "redis://host/db",
        "redis://host:x",
        "redis://host:70000",
        "redis://a,b",
        "redis+cluster://a,,b",
        "redis://host?x=1",
        "redis://host?ca=x",
        "redis://[::1",
        "",
    ],
)
def test_impossible_urls(url: str) -> None:
    with pytest.raises(ValueError):
        parse_redis_url(url, "secret")


def test_the_password_is_not_shown() -> None:
    address = parse_redis_url("redis://ann:hidden@host")
    assert "hidden" not in f"{address} {address!r}"


def address_of(server: RedisServer, password: str, user: str | None = None) -> RedisAddress:
    return RedisAddress((("127.0.0.1", server.port),), user, password)


def test_redis_is_there(server: RedisServer) -> None:
    check_redis(address_of(server, PASSWORD))
    check_redis(address_of(server, PASSWORD, "default"))


@pytest.mark.parametrize(("user", "password"), [(None, "wrong"), ("ann", PASSWORD), (None, "")])
def test_a_wrong_login(server: RedisServer, user: str | None, password: str) -> None:
    with pytest.raises(BusRefusedError) as refused:
        check_redis(address_of(server, password, user))
    assert str(refused.value) == f"127.0.0.1:{server.port}: wrong user or password"


def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(BusRefusedError, match=r"^no-such-host\.invalid:1: "):
        check_redis(RedisAddress((("no-such-host.invalid", 1),)))


def test_no_server_answers(caplog: pytest.LogCaptureFixture) -> None:
    """It may come: that is no reason not to start."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        check_redis(RedisAddress((reserved.getsockname(),)))
    assert "does not answer yet" in caplog.text


def test_something_else_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                peer.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(BusRefusedError, match="Protocol"):
            check_redis(RedisAddress((listener.getsockname(),)))
        thread.join()


def test_a_cluster_is_asked_until_one_answers(server: RedisServer) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        check_redis(
            RedisAddress((reserved.getsockname(), ("127.0.0.1", server.port)), None, PASSWORD)
        )
        with pytest.raises(BusRefusedError):
            check_redis(
                RedisAddress((reserved.getsockname(), ("127.0.0.1", server.port)), None, "x")
            )
