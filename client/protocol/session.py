"""Session: an Exchange over a Connection, with heartbeats.

It sends requests and waits for their answers, and hands over the events. It does not connect again.

Three threads use it: the owner's sends requests and messages, the receiver's feeds the
exchange, and the heartbeat's sends PING_MSG. One lock guards the exchange. While it is held,
nothing is sent and no callback runs.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chat.protocol import ErrNo, Message, MsgType
from client.errors import (
    ConnectionLostError,
    NoAnswerError,
    RefusedError,
    TooManyDevicesError,
)
from client.protocol import parsing, parsing_users
from client.protocol.connection import Connection
from client.protocol.events import Event, LoggedIn
from client.protocol.exchange import Exchange
from client.protocol.heartbeat import Heartbeat
from client.protocol.requests import Request, Result
from client.timing import Timing
from client.values import Account

if TYPE_CHECKING:
    from client.protocol.tls import TlsSocket

_SEQS_PER_FRAME = 500
"""The most ``seq`` numbers in one DELIVERED_MSG: half of the server's limit, and 9 KiB at most."""


class Session:
    """The exchange on one connection. It takes the socket over, and closes it.

    ``on_events`` gets the events of one message, in order. ``on_close`` is called once, when the
    connection is closed and after the last event. Both are called on the receiver thread while no
    lock is held, and must return soon.
    """

    def __init__(
        self,
        sock: socket.socket | TlsSocket,
        on_events: Callable[[Sequence[Event]], None],
        on_close: Callable[[], None],
        timing: Timing,
    ) -> None:
        self._timing = timing
        self._on_events = on_events
        self._on_close = on_close
        self._connection = Connection(sock, self._receive, self._closed, timing.send)
        self._heartbeat = Heartbeat(timing.heartbeat, self._beat)
        self._exchange = Exchange()
        self._closed_reason: str | None = None
        # Guards the two above; notified on each message and when the connection is gone.
        self._exchange_changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<Session {self._exchange!r} on {self._connection!r}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def user_id(self) -> int | None:
        """The user that is logged in, or None. Any thread."""
        with self._exchange_changed:
            return self._exchange.user_id

    @property
    def closed_reason(self) -> str | None:
        """The reason of the end; None while the connection is open. Any thread."""
        with self._exchange_changed:
            return self._closed_reason

    def start(self) -> None:
        """Begin to receive and to send heartbeats. Any thread, once."""
        self._connection.start()
        self._heartbeat.start()

    def close(self) -> None:
        """Close the connection and end both threads. Any thread but these; idempotent."""
        self._connection.close()
        self._heartbeat.stop()

    def fail(self, reason: str) -> None:
        """End the connection. Any thread; returns at once, and ``on_close`` follows."""
        self._connection.fail(reason)

    def wait_closed(self, seconds: float) -> bool:
        """Wait until the connection is closed and its last event was handed over. Any thread."""
        with self._exchange_changed:
            return self._exchange_changed.wait_for(lambda: self._closed_reason is not None, seconds)

    def ask(
        self, request: Request[Result], /, *, seconds: float | None = None, **fields: Any
    ) -> Result:
        """Send a request and wait for its answer, at most ``seconds`` if given. Any thread.

        Raises RefusedError, NoAnswerError, ConnectionLostError or NotLoggedInError.
        """
        seconds = self._timing.answer if seconds is None else seconds
        changed, exchange = self._exchange_changed, self._exchange
        with changed:
            message = exchange.request(request, fields)
        rid = message["rid"]
        try:
            self._connection.send_message(message)
            with changed:
                changed.wait_for(
                    lambda: exchange.is_answered(rid) or self._closed_reason is not None,
                    seconds,
                )
        finally:
            with changed:
                answer = exchange.settle(rid)
                lost = self._closed_reason
        if answer is None:
            raise NoAnswerError(seconds) if lost is None else ConnectionLostError(lost)
        if answer.get("errno") != ErrNo.OK or answer.get("msgid") != request.answer:
            raise _refusal(answer)
        return request.read(answer)

    def send_chat(self, message: Message) -> None:
        """Send a chat message. Any thread. Raises ConnectionLostError.

        The answer comes as a ChatAnswer event with the message's ``mid``.
        """
        self._connection.send_message(message)

    def tell_typing(self, fields: Message) -> None:
        """Send a TYPING_MSG. Any thread; does not fail: it may get lost."""
        with self._exchange_changed:
            message = self._exchange.typing(fields)
        if message is not None:
            with contextlib.suppress(ConnectionLostError):
                self._connection.send_message(message)

    def acknowledge(self, seqs: Sequence[int]) -> None:
        """Acknowledge messages that the application has handled. Any thread; does not fail.

        If the connection is lost, the server sends the messages again at the next login.
        """
        chunks = [seqs[i : i + _SEQS_PER_FRAME] for i in range(0, len(seqs), _SEQS_PER_FRAME)]
        with contextlib.suppress(ConnectionLostError):  # on_close reports it
            for chunk in chunks:
                message = {"msgid": int(MsgType.DELIVERED_MSG), "seqs": list(chunk)}
                self._connection.send_message(message)

    def _receive(self, message: Message) -> None:
        """Receiver thread."""
        with self._exchange_changed:
            events, reply = self._exchange.receive(message)
            self._exchange_changed.notify_all()
        for event in events:
            if isinstance(event, LoggedIn):
                self._heartbeat.set_interval(self._interval_for(event.account))
        if events:
            self._on_events(events)
        if reply is not None:
            with contextlib.suppress(ConnectionLostError):  # then this thread ends by itself
                self._connection.send_message(reply)

    def _closed(self, reason: str) -> None:
        """Receiver thread."""
        with self._exchange_changed:
            self._closed_reason = reason
            self._exchange_changed.notify_all()
        self._on_close()

    def _interval_for(self, account: Account) -> float:
        asked = self._timing.heartbeat if account.heartbeat is None else account.heartbeat
        return max(asked, self._timing.shortest_heartbeat)

    def _beat(self) -> None:
        """Heartbeat thread."""
        silent = time.monotonic() - self._connection.last_heard
        # Some servers do not answer PING_MSG before the login.
        patience = self._timing.lost_after_beats * self._heartbeat.interval
        if self.user_id is not None and silent > patience:
            self._connection.fail(f"silent for {silent:.0f} s")
            return
        with contextlib.suppress(ConnectionLostError):  # the receiver thread reports it
            self._connection.send_message({"msgid": int(MsgType.PING_MSG)})


def _refusal(answer: Message) -> RefusedError:
    """The error for a failed request."""
    errno, errmsg = parsing.read_failure(answer)
    if errno == ErrNo.TOO_MANY_DEVICES:
        return TooManyDevicesError(errno, errmsg, answer, parsing_users.read_devices(answer))
    return RefusedError(errno, errmsg, answer)
