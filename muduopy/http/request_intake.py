"""RequestIntake: makes exchanges from the bytes of a connection, one after the other."""

from __future__ import annotations

from muduopy.address import Address
from muduopy.http.errors import BadRequestError
from muduopy.http.http_exchange import HttpExchange
from muduopy.http.http_limits import HttpLimits
from muduopy.http.request_reader import RequestReader


class RequestIntake:
    """Reads one request at a time, with its body unless the owner takes that in parts.

    It has the limits in size. Pure; one owner, the HttpContext.

    Attributes:
        reader: has the bytes, and the time at which the present request began.
        exchange: the request that is being read.
    """

    __slots__ = ("_limits", "_offers_bodies", "_peer", "exchange", "reader")

    def __init__(self, limits: HttpLimits, peer: Address, *, offers_bodies: bool) -> None:
        self.reader = RequestReader(limits.max_header_bytes)
        self.exchange = HttpExchange()
        self._limits = limits
        self._peer = peer
        self._offers_bodies = offers_bodies

    def read(self, now: float) -> HttpExchange | None:
        """The next request, complete, or ``incomplete`` to be offered. None: more data is needed.

        Raises BadRequestError; ``exchange`` is the bad one then.
        """
        exchange, reader = self.exchange, self.reader
        if exchange.head is None:
            head = reader.read_head()
            if head is None:
                return None
            exchange.begin(head)
            if head.length and self._offers_bodies:
                exchange.complete(self._peer, now)
                exchange.incomplete = True
                return exchange
            self._check_length(head.length)
        while part := reader.read_part():
            self._check_length(exchange.add(part))
        if part is None:
            return None
        exchange.complete(self._peer, now)
        self._begin_next(now)
        return exchange

    def collect(self) -> None:
        """Read the body of the incomplete request after all. Raises BadRequestError."""
        exchange = self.exchange
        exchange.incomplete = False
        exchange.request = None
        assert exchange.head is not None
        self._check_length(exchange.head.length)

    def read_part(self, now: float) -> bytes | None:
        """The next part of the incomplete request's body; ``b""`` at its end, once.

        None: more data is needed. Raises BadRequestError.
        """
        part = self.reader.read_part()
        if part is not None:
            self.reader.started = now  # the client is not slow
        if part == b"":
            self.exchange.incomplete = False
            self._begin_next(now)
        return part

    def let_continue(self, now: float) -> bool:
        """Whether the client waits for "100 Continue". True once: then it has to be sent."""
        if not self.exchange.expects_continue or self.reader.in_body:
            return False
        self.exchange.continued = True
        self.reader.started = now  # the client's time begins now
        return True

    def pause_ended(self, now: float) -> None:
        """Reading has paused, and so has the clock of the request."""
        if self.reader.started is not None:
            self.reader.started = now

    @property
    def waits_since(self) -> float | None:
        """The time since which the client has to send the rest of a request."""
        if self.exchange.expects_continue and not self.reader.in_body:
            return None
        return self.reader.started

    def _check_length(self, length: int) -> None:
        if length > self._limits.max_body_bytes:
            raise BadRequestError(413, "the body is too large")

    def _begin_next(self, now: float) -> None:
        if not self.exchange.is_last:
            self.exchange = HttpExchange()
            self.reader.next(now)
