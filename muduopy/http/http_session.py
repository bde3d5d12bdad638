"""HttpSession: HTTP on one TcpConnection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from muduopy.connection_state import State
from muduopy.http.errors import BadResponseError
from muduopy.http.http_context import HttpContext
from muduopy.http.http_exchange import HttpExchange
from muduopy.http.http_limits import HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.tcp_connection import TcpConnection

if TYPE_CHECKING:
    from muduopy.buffer import Buffer
    from muduopy.timer_queue import Timer

log = logging.getLogger(__name__)

HttpCallback: TypeAlias = "Callable[[HttpRequest, HttpResponse], object]"
"""Fills the response to a request; runs in the connection's loop, which it must not block."""


class HttpSession:
    """Moves bytes between a connection and its HttpContext, and runs the callback and the timer.

    The context decides which requests are read, answered and refused. The session does not own the
    connection; call ``gone`` when that is down. ``drain``: any thread; constructor and all other
    methods: the connection's loop thread.
    """

    __slots__ = (
        "_callback",
        "_closing_since",
        "_connection",
        "_context",
        "_limits",
        "_loop",
        "_scheduled",
        "_timer",
    )

    def __init__(
        self, connection: TcpConnection, callback: HttpCallback, limits: HttpLimits
    ) -> None:
        """Take over a connection that is up."""
        self._connection = connection
        self._callback = callback
        self._limits = limits
        self._loop = connection.loop
        self._context = HttpContext(
            limits, connection.peer_address, connection.loop.poll_return_time
        )
        self._scheduled = False
        self._closing_since: float | None = None
        self._timer: Timer | None = None
        # An answer leaves in one piece, so its last segment need not wait for an acknowledgement.
        connection.set_tcp_no_delay(True)
        connection.set_message_callback(self._on_message)
        connection.set_half_close_callback(self._on_end_of_stream)
        connection.set_low_water_callback(self._on_low_water, limits.max_unsent_bytes)
        self._arm_timer()

    def __repr__(self) -> str:
        return f"<HttpSession {self._connection.name} {self._context!r}>"

    def drain(self) -> None:
        """Take no more requests, answer the outstanding ones, then close. Any thread."""
        self._loop.queue_in_loop(self._drain_in_loop)

    def _drain_in_loop(self) -> None:
        self._context.drain(self._loop.poll_return_time)
        self._work()

    def gone(self) -> None:
        """End the session, because the connection is down."""
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None

    # ------------------------------------------------------------------ events

    def _on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        self._context.receive(buffer.retrieve_all(), when)
        self._work()

    def _on_end_of_stream(self, connection: TcpConnection) -> None:
        # The peer may have closed, or only finished sending. Sending the answers finds out.
        self._context.receive(b"", self._loop.poll_return_time)
        self._work()

    def _on_low_water(self, connection: TcpConnection, waiting: int) -> None:
        self._work()

    def _on_turn(self) -> None:
        self._scheduled = False
        self._work()

    def _on_finish(self, exchange: HttpExchange, response: HttpResponse) -> None:
        """A deferred response; from any thread, so it comes through the queue."""
        if self._is_down:
            return
        self._answer(exchange, response)
        self._work()

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.poll_return_time
        self._context.expire(now)
        deadline = self._connection_deadline()
        if deadline is not None and deadline <= now:
            if self._connection.output_bytes:
                log.info("%s: the client does not read; closing", self._connection.name)
            self._connection.force_close()
            return
        self._work()

    # ------------------------------------------------------------------ work

    @property
    def _is_down(self) -> bool:
        return self._connection.state is State.DISCONNECTED

    def _work(self) -> None:
        """Serve requests and send answers. After each event."""
        if self._is_down:
            return
        if self._closing_since is None:
            more = self._take_requests()
            self._send()
            # If the kernel did not take enough, the low-water callback goes on later.
            if more and self._connection.output_bytes <= self._limits.max_unsent_bytes:
                self._schedule()
        self._arm_timer()

    def _schedule(self) -> None:
        """Go on in the next pass, after the other connections of the loop."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.queue_in_loop(self._on_turn)

    def _take_requests(self) -> bool:
        """Serve requests, up to the limit of one pass. True if there may be more."""
        context, connection = self._context, self._connection
        now = self._loop.poll_return_time
        for _ in range(self._limits.max_pipelined):
            if connection.output_bytes + context.output_bytes > self._limits.max_unsent_bytes:
                break
            exchange = context.next_request(now)
            if exchange is None:
                return False
            self._serve(exchange)
        context.hold_back()
        return True

    def _serve(self, exchange: HttpExchange) -> None:
        request = exchange.request
        assert request is not None
        response = HttpResponse(
            finished=lambda done: self._loop.queue_in_loop(lambda: self._on_finish(exchange, done))
        )
        try:
            self._callback(request, response)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._loop.contain(
                exc,
                "%s: the callback for %s %s raised",
                self._connection.name,
                request.method,
                request.target,
            )
            self._answer(exchange, _server_error())
            return
        if not response.deferred:
            response.answered()
            self._answer(exchange, response)

    def _answer(self, exchange: HttpExchange, response: HttpResponse) -> None:
        now = self._loop.poll_return_time
        try:
            self._context.answer(exchange, response, now)
        except BadResponseError:
            log.exception("%s: answering with %r", self._connection.name, response)
            self._context.answer(exchange, _server_error(), now)

    def _send(self) -> None:
        context, connection = self._context, self._connection
        if data := context.take_output():
            connection.send(data)
        if not context.ended:
            self._read(context.wants_data)
            return
        if context.refused:
            log.info("%s: refused: %s", connection.name, context.refused)
        self._closing_since = self._loop.poll_return_time
        self._read(True)  # arriving bytes are dropped: see HttpLimits.linger_seconds
        connection.shutdown()

    def _read(self, on: bool) -> None:
        if on is self._connection.is_reading:
            return
        if on:
            self._connection.start_read()
        else:
            self._connection.stop_read()

    # ------------------------------------------------------------------ time

    def _connection_deadline(self) -> float | None:
        connection = self._connection
        if connection.output_bytes:
            return connection.drained_at + self._limits.send_seconds
        if self._closing_since is None:
            return None
        return max(self._closing_since, connection.drained_at) + self._limits.linger_seconds

    def _arm_timer(self) -> None:
        """Have the timer run at the next deadline, or before it.

        A timer that would run too early stays as it is, because a needless run costs less than a
        move of the timer with every request.
        """
        deadlines = (self._context.deadline, self._connection_deadline())
        when = min((time for time in deadlines if time is not None), default=None)
        if when is None or (self._timer is not None and self._timer.when <= when):
            return
        if self._timer is not None:
            self._loop.cancel(self._timer)
        self._timer = self._loop.run_at(when, self._on_timer)


def _server_error() -> HttpResponse:
    response = HttpResponse()
    response.set_text("500 Internal Server Error\n", 500)
    return response
