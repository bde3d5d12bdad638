"""HttpSession: HTTP on one TcpConnection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from muduopy.callbacks import discard_message
from muduopy.connection_state import State
from muduopy.http.body_source import send_body, send_output
from muduopy.http.body_writer import BodyWriter
from muduopy.http.errors import BadResponseError
from muduopy.http.http_context import HttpContext
from muduopy.http.http_exchange import HttpExchange
from muduopy.http.http_limits import DEFAULT_LIMITS, HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_upload import UploadCallback
from muduopy.http.session_timer import SessionTimer
from muduopy.http.upload_feed import UploadFeed
from muduopy.tcp_connection import TcpConnection

if TYPE_CHECKING:
    from muduopy.buffer import Buffer

log = logging.getLogger(__name__)

HttpCallback: TypeAlias = "Callable[[HttpRequest, HttpResponse], object]"
"""Fills the response to a request; runs in the connection's loop, which it must not block."""


def _keep(session: HttpSession) -> None:
    pass


class HttpSession:
    """Moves bytes between a connection and its HttpContext, and runs the callbacks and the timer.

    HttpServer makes one for each of its connections. A program that has a connection already, and
    finds out by its first bytes that it speaks HTTP, makes one itself:

        session = HttpSession(connection, callback)
        session.start()               # takes what connection.input_buffer has
        ...
        session.gone()                # in the connection callback, when it is down

    The context decides which requests are read, answered and refused. The session does not own the
    connection. It sets the message, half-close and low-water callbacks. ``drain``: any thread;
    constructor and all other methods: the connection's loop thread.

    Attributes:
        connection: the connection, which goes to another owner if a callback upgrades it.
    """

    __slots__ = (
        "_callback",
        "_closing_since",
        "_context",
        "_feed",
        "_is_detached",
        "_limits",
        "_loop",
        "_low_mark",
        "_scheduled",
        "_timer",
        "_upgraded",
        "connection",
    )

    def __init__(
        self,
        connection: TcpConnection,
        callback: HttpCallback,
        limits: HttpLimits = DEFAULT_LIMITS,
        *,
        upload_callback: UploadCallback | None = None,
        upgraded: Callable[[HttpSession], object] = _keep,
    ) -> None:
        """
        ``callback``, ``upload_callback``: as those of HttpServer.
        ``upgraded``: called in the loop when another owner is about to get the connection.
        """
        self.connection = connection
        self._callback = callback
        self._upgraded = upgraded
        self._limits = limits
        self._loop = connection.loop
        self._context = HttpContext(
            limits,
            connection.peer_address,
            connection.loop.poll_return_time,
            offers_bodies=upload_callback is not None,
        )
        self._is_detached = False
        self._scheduled = False
        self._closing_since: float | None = None
        self._timer = SessionTimer(connection.loop, self._on_timer)
        self._feed: UploadFeed | None = None
        if upload_callback is not None:
            self._feed = UploadFeed(self._context, upload_callback, self)
        self._low_mark = limits.max_unsent_bytes

    def __repr__(self) -> str:
        return f"<HttpSession {self.connection.name} {self._context!r}>"

    def start(self) -> None:
        """Take over a connection that is up, and the bytes in its input buffer. Once."""
        connection = self.connection
        # An answer leaves in one piece, so its last segment need not wait for an acknowledgement.
        connection.set_tcp_no_delay(True)
        connection.set_message_callback(self._on_message)
        connection.set_half_close_callback(self._on_end_of_stream)
        connection.set_low_water_callback(self._on_low_water, self._low_mark)
        if connection.input_buffer:
            self._on_message(connection, connection.input_buffer, self._loop.poll_return_time)
        else:
            self._arm_timer()

    def drain(self) -> None:
        """Take no more requests, answer the outstanding ones, then close. Any thread."""
        self._loop.queue_in_loop(self._drain_in_loop)

    def _drain_in_loop(self) -> None:
        self._context.drain(self._loop.poll_return_time)
        self._work()

    def gone(self) -> None:
        """End the session, because the connection is down. Idempotent."""
        self._timer.cancel()
        self._is_detached = True
        self._context.drop_sources()
        if self._feed is not None:
            self._feed.abort("the connection is down")

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

    def _wake(self) -> None:
        """Have the session go on. Any thread."""
        self._loop.queue_in_loop(self._work)

    def _on_finish(self, exchange: HttpExchange, response: HttpResponse) -> None:
        """A deferred response; from any thread, so it comes through the queue."""
        if self._is_down:
            response.drop_source()
            return
        self._answer(exchange, response)
        self._work()

    def _on_timer(self) -> None:
        now = self._loop.poll_return_time
        self._context.expire(now)
        deadline = self._connection_deadline()
        if deadline is not None and deadline <= now:
            if self.connection.output_bytes:
                log.info("%s: the client does not read; closing", self.connection.log_name)
            self.connection.force_close()
            return
        self._work()

    # ------------------------------------------------------------------ work

    @property
    def _is_down(self) -> bool:
        return self._is_detached or self.connection.state is State.DISCONNECTED

    def _work(self) -> None:
        """Serve requests and send answers. After each event."""
        if self._is_down:
            return
        if self._closing_since is None:
            more = self._take_requests()
            exchange = self._context.sending
            if exchange is not None:
                more = self._send_body(exchange) or more
            self._send()
            if exchange is not None:
                self._resume(exchange)
            # If the kernel did not take enough, the low-water callback goes on later.
            if more and self.connection.output_bytes <= self._low_mark:
                self._schedule()
        if not self._is_detached:
            self._arm_timer()

    def _schedule(self) -> None:
        """Go on in the next pass, after the other connections of the loop."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.queue_in_loop(self._on_turn)

    def _take_requests(self) -> bool:
        """Serve requests, up to the limit of one pass. True if there may be more."""
        context, connection = self._context, self.connection
        now = self._loop.poll_return_time
        if self._feed is not None and not self._feed.hand_over_parts(now):
            return False
        for _ in range(self._limits.max_pipelined):
            if connection.output_bytes + context.output_bytes > self._limits.max_unsent_bytes:
                break
            exchange = context.next_request(now)
            if exchange is None:
                return False
            request = exchange.request
            assert request is not None
            if exchange.incomplete and self._feed is not None:
                self._feed.offer(exchange, request, now)
            else:
                self._serve(exchange, request)
        context.hold_back()
        return True

    def _new_response(self, exchange: HttpExchange) -> HttpResponse:
        return HttpResponse(
            finished=lambda done: self._loop.queue_in_loop(lambda: self._on_finish(exchange, done))
        )

    def _serve(self, exchange: HttpExchange, request: HttpRequest) -> None:
        response = self._new_response(exchange)
        try:
            self._callback(request, response)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._answer_failed(exchange, exc)
            return
        self._answer_unless_deferred(exchange, response)

    def _answer_failed(self, exchange: HttpExchange, exc: BaseException) -> None:
        """A callback has raised."""
        self._contain(exc, exchange)
        self._answer(exchange, _server_error())

    def _answer_unless_deferred(self, exchange: HttpExchange, response: HttpResponse) -> None:
        if not response.deferred:
            response.answered()
            self._answer(exchange, response)

    def _contain(self, exc: BaseException, exchange: HttpExchange) -> None:
        request = exchange.request
        assert request is not None
        self._loop.contain(
            exc,
            "%s: the callback for %s %s raised",
            self.connection.log_name,
            request.method,
            request.target,
        )

    def _answer(self, exchange: HttpExchange, response: HttpResponse) -> None:
        now = self._loop.poll_return_time
        try:
            self._context.answer(exchange, response, now)
        except BadResponseError:
            log.exception("%s: answering with %r", self.connection.log_name, response)
            self._context.answer(exchange, _server_error(), now)
        if isinstance(exchange.source, BodyWriter):
            exchange.source.attach(self._wake)

    # ------------------------------------------------------------------ sending

    def _send_body(self, exchange: HttpExchange) -> bool:
        """Send the next parts of a body that a source makes. True if it may make more at once."""
        connection = self.connection
        if self._low_mark:  # from now on the kernel's buffer is large enough
            self._low_mark = 0
            connection.set_low_water_callback(self._on_low_water, 0)
        try:
            return send_body(self._context, connection, self._loop.poll_return_time)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._loop.contain(exc, "%s: the source of a body raised", connection.log_name)
            exchange.drop_source()
            connection.force_close()  # so the client sees that the body is not complete
            return False

    def _resume(self, exchange: HttpExchange) -> None:
        source = exchange.source
        if isinstance(source, BodyWriter) and not self.connection.output_bytes:
            source.resume()

    def _send(self) -> None:
        context, connection = self._context, self.connection
        send_output(context, connection)
        if not context.ended:
            self._read(context.wants_data)
            return
        if context.upgraded is not None:
            self._hand_over(context.upgraded)
            return
        if context.refused:
            log.info("%s: refused: %s", connection.log_name, context.refused)
        self._closing_since = self._loop.poll_return_time
        self._read(True)  # arriving bytes are dropped: see HttpLimits.linger_seconds
        connection.shutdown()

    def _read(self, on: bool) -> None:
        if on is self.connection.is_reading:
            return
        if on:
            self.connection.start_read()
        else:
            self.connection.stop_read()

    def _hand_over(self, exchange: HttpExchange) -> None:
        """Let go of the connection, and have its new owner take it."""
        connection = self.connection
        callback, request = exchange.upgrade, exchange.request
        assert callback is not None
        assert request is not None
        if self._context.peer_finished:  # no new owner could speak with it
            self._closing_since = self._loop.poll_return_time
            connection.shutdown()
            return
        self._is_detached = True
        self._timer.cancel()
        connection.set_message_callback(discard_message)
        connection.set_half_close_callback(None)
        connection.set_low_water_callback(None)
        connection.input_buffer.append(self._context.take_rest())
        self._upgraded(self)
        self._read(True)
        try:
            callback(connection, request)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._contain(exc, exchange)
            connection.force_close()

    # ------------------------------------------------------------------ time

    def _connection_deadline(self) -> float | None:
        connection = self.connection
        if connection.output_bytes:
            return connection.drained_at + self._limits.send_seconds
        if self._closing_since is None:
            return None
        return max(self._closing_since, connection.drained_at) + self._limits.linger_seconds

    def _arm_timer(self) -> None:
        when = self._context.deadline
        limit = self._connection_deadline()
        if limit is not None and (when is None or limit < when):
            when = limit
        self._timer.arm(when)


def _server_error() -> HttpResponse:
    response = HttpResponse()
    response.set_text("500 Internal Server Error\n", 500)
    return response
