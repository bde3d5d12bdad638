"""Moves the bytes of a body from its source, a generator or a BodyWriter, to the connection."""

from __future__ import annotations

from muduopy.http.body_writer import BodyWriter
from muduopy.http.http_context import HttpContext
from muduopy.http.http_exchange import HttpExchange
from muduopy.tcp_connection import TcpConnection

PIECE_BYTES = 64 * 1024
"""A source is asked for parts until there are so many bytes to send."""

PIECES = 16
"""Pieces of a body that are made in one pass of the loop, before the other connections' turn."""

MAX_PARTS = 1000
"""Most parts of a piece, as they may be small."""


def send_output(context: HttpContext, connection: TcpConnection) -> None:
    """Send everything that is ready. Loop thread."""
    for segment in context.take_output():
        if isinstance(segment, bytes):
            connection.send(segment)
        else:
            connection.send_file(segment)


def send_body(context: HttpContext, connection: TcpConnection, now: float) -> bool:
    """Have the source of the ``sending`` exchange make the next parts, and send them.

    It pauses as soon as the kernel does not take everything. True if the source may make more at
    once, in the next pass. Raises BadResponseError, and the exceptions of the source. Loop thread.
    """
    more = True
    for _ in range(PIECES):
        exchange = context.sending
        if not more or exchange is None or connection.output_bytes:
            break
        more = _make_piece(exchange, context, now)
        send_output(context, connection)
    return more


def _make_piece(exchange: HttpExchange, context: HttpContext, now: float) -> bool:
    """True if the source may make more at once."""
    source = exchange.source
    assert source is not None
    if isinstance(source, BodyWriter):
        parts, finished = source.take()
        for part in parts:
            context.add_body(exchange, part)
        if finished:
            source.close()
            context.end_body(exchange, now)
        return finished
    for count, part in enumerate(source, 1):
        context.add_body(exchange, part)
        if context.output_bytes >= PIECE_BYTES or count == MAX_PARTS:
            return True
    context.end_body(exchange, now)
    return True
