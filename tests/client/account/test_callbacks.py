"""A callback that raises SystemExit or the like ends the client."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from client import ChatClient, State, Timing
from client.errors import CallbackFailedError, ClosedError, NotStartedError
from tests.client.fake_server import WAIT, FakeServer, one_chat

NOT_EXCEPTIONS = [SystemExit(7), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
QUICK = Timing(answer=WAIT, login=WAIT, patience=WAIT, chat_acks=0.1, goodbye=0.5)


def raising(exc: BaseException) -> Callable[..., None]:
    def callback(*_: object) -> None:
        raise exc

    return callback


def through_message(server: FakeServer, exc: BaseException) -> ChatClient:
    client = ChatClient("127.0.0.1", server.port, timing=QUICK, on_message=raising(exc))
    client.connect()
    client.login(1, "secret")
    server.send(one_chat(1, "hi"))
    return client


def through_presence(server: FakeServer, exc: BaseException) -> ChatClient:
    client = ChatClient("127.0.0.1", server.port, timing=QUICK, on_presence=raising(exc))
    client.connect()
    client.login(1, "secret")
    server.send({"msgid": 28, "id": 2, "state": "online"})
    return client


def through_state(server: FakeServer, exc: BaseException) -> ChatClient:
    client = ChatClient("127.0.0.1", server.port, timing=QUICK, on_state=raising(exc))
    client.start()
    return client


def through_sending(server: FakeServer, exc: BaseException) -> ChatClient:
    client = ChatClient("127.0.0.1", server.port, timing=QUICK)
    client.connect()
    client.login(1, "secret")
    client.send(2, "hi").add_done_callback(raising(exc))
    return client


def through_login(server: FakeServer, exc: BaseException) -> ChatClient:
    client = ChatClient("127.0.0.1", server.port, timing=QUICK)
    client.connect()
    client.login_soon(1, "secret").add_done_callback(raising(exc))
    return client


WAYS = [through_message, through_presence, through_state, through_sending, through_login]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("exc", NOT_EXCEPTIONS, ids=repr)
def test_it_ends_the_client(
    server: FakeServer, way: Callable[..., ChatClient], exc: BaseException
) -> None:
    client = way(server, exc)
    try:
        with pytest.raises(type(exc)):
            assert client.wait_closed(WAIT)
        assert client.state is State.CLOSED
        assert isinstance(client.status.error, CallbackFailedError)
        assert client.status.error.raised is exc
        with pytest.raises(CallbackFailedError, match="ended the client"):
            client.send(2, "too late")
        with pytest.raises(ClosedError):
            client.history(user_id=2)
        with pytest.raises(type(exc)):
            next(client._stream)
    finally:
        client.close()


def test_the_message_comes_again(server: FakeServer) -> None:
    """The callback did not take care of it."""
    client = through_message(server, SystemExit(1))
    with pytest.raises(SystemExit):
        client.wait_closed(WAIT)
    client.close()
    assert server.received_nothing_more(21)


def test_the_with_block_raises_it(server: FakeServer) -> None:
    on_message = raising(SystemExit(7))
    with (
        pytest.raises(SystemExit),
        ChatClient("127.0.0.1", server.port, timing=QUICK, on_message=on_message) as client,
    ):
        client.login(1, "secret")
        server.send(one_chat(1, "hi"))
        with client._shared.changed:
            client._shared.changed.wait_for(lambda: client.state is State.CLOSED, WAIT)


def test_sys_exit_in_a_program(server: FakeServer) -> None:
    code = (
        "import sys; from client import ChatClient\n"
        "with ChatClient('127.0.0.1', int(sys.argv[1]), on_message=lambda m: sys.exit(7)) as c:\n"
        "    c.login(1, 'secret'); print(flush=True); c.wait_closed()"
    )
    command = [sys.executable, "-c", code, str(server.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        try:
            program.stdout.readline()
            server.send(one_chat(1, "hi"))
            assert program.wait(WAIT) == 7
        finally:
            program.kill()


@pytest.mark.parametrize("method", ["login", "login_soon"])
def test_a_login_before_connect_fails_at_once(server: FakeServer, method: str) -> None:
    client = ChatClient("127.0.0.1", server.port)
    with pytest.raises(NotStartedError, match=r"call connect\(\)"):
        getattr(client, method)(1, "secret")
    assert client.user_id is None
    client.connect()
    assert client.login(1, "secret").name == client.name == "alice"
    assert client.user_id == 1
    client.close()


@pytest.mark.parametrize("text", [None, 5, b"bytes", ["x"], "\ud800"])
def test_another_type_than_text_is_a_value_error(server: FakeServer, text: Any) -> None:
    with ChatClient("127.0.0.1", server.port) as client:
        client.login(1, "secret")
        with pytest.raises(ValueError, match=r"is no text|surrogates"):
            client.send(2, text)
        with pytest.raises(ValueError, match="is no id"):
            client.send_group("7", "hi")  # type: ignore[arg-type]


async def _never_awaited(_: object) -> None:
    pass


class _AsyncObject:
    async def __call__(self, _: object) -> None:
        pass


@pytest.mark.parametrize("name", ["on_message", "on_presence", "on_state"])
@pytest.mark.parametrize(
    ("callback", "why"),
    [(5, "5 is no function"), (_never_awaited, "async def"), (_AsyncObject(), "async def")],
)
def test_a_callback_that_could_do_nothing_is_refused(name: str, callback: Any, why: str) -> None:
    """It would get each message, which would count as received."""
    with pytest.raises(ValueError, match=f"{name}: .*{why}"):
        ChatClient("127.0.0.1", 1, **{name: callback})
