"""Moves the next bytes of a body from its source to the output of an HttpContext."""

from __future__ import annotations

from muduopy.http.body_writer import BodyWriter
from muduopy.http.http_context import HttpContext
from muduopy.http.http_exchange import HttpExchange

MAX_PARTS = 1000
"""Most parts that a source makes in one pass of the loop, as they may be small."""


def pull(exchange: HttpExchange, context: HttpContext, limit: int, now: float) -> bool:
    """Take about ``limit`` bytes from the source of the ``sending`` exchange.

    True if the source may make more at once. Raises BadResponseError, and the exceptions of the
    source. Loop thread.
    """
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
        if context.output_bytes >= limit or count == MAX_PARTS:
            return True
    context.end_body(exchange, now)
    return True
