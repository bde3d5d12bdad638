"""HttpContext: the state of one HTTP connection.

    READING ──last request read, refused, drain, end of stream──▶ ENDING ──all answered──▶ ENDED

Requests are handed out as they become complete, and may be answered in any order. The answers leave
in the order of the requests. While answers are outstanding, a further request is handed out only
if:

* it is safe (GET or HEAD, mainly), and so are the outstanding ones. A client that sends POST and
  then GET without waiting means that order, so an unsafe request runs alone.
* fewer than ``max_pipelined`` requests are outstanding.
* no outstanding request asks for an upgrade: the bytes after it may be those of another protocol.

While no request can be handed out, ``wants_data`` is False: the owner should not read from the
socket, and the time-out of the next request does not run.

A body in parts: with ``offers_bodies``, a request is handed out ``incomplete``, as soon as its head
has arrived. The owner then either takes the body with ``next_part``, or calls ``collect``, and gets
the request again with its whole body.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from muduopy.address import Address
from muduopy.http.answer_queue import AnswerQueue
from muduopy.http.errors import BadRequestError
from muduopy.http.http_date import http_date
from muduopy.http.http_exchange import HttpExchange, Segment
from muduopy.http.http_limits import HttpLimits
from muduopy.http.http_response import HttpResponse
from muduopy.http.request_intake import RequestIntake


class Phase(Enum):
    READING = "reading"
    ENDING = "ending"
    ENDED = "ended"


# Each answer reads them, and a global name is read faster than an enum member.
_READING = Phase.READING
_ENDED = Phase.ENDED

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpContext:
    """Bytes in, requests out; responses in, bytes out. Pure: no socket; times are arguments.

    Thread contract: none; one owner. ``now`` is seconds of one clock that never goes back.

    Attributes:
        wants_data: more bytes are needed before anything else can happen.
        refused: the reason why the last request was refused; "" if it was not.
    """

    __slots__ = (
        "_answers",
        "_date",
        "_held",
        "_idle_since",
        "_intake",
        "_limits",
        "_outstanding",
        "_phase",
        "_streaming",
        "refused",
        "wants_data",
    )

    def __init__(
        self,
        limits: HttpLimits,
        peer: Address,
        now: float,
        date: Callable[[], str] = http_date,
        *,
        offers_bodies: bool = False,
    ) -> None:
        """``date``: returns the text of an answer's Date field."""
        self.wants_data = True
        self.refused = ""
        self._limits = limits
        self._date = date
        self._phase = _READING
        self._idle_since = now
        self._intake = RequestIntake(limits, peer, offers_bodies=offers_bodies)
        self._streaming: HttpExchange | None = None  # its body is taken in parts
        self._held: HttpExchange | None = None  # complete, and waiting for earlier answers
        self._answers = AnswerQueue()
        self._outstanding = self._answers.exchanges  # handed out, and not in the output yet

    def __repr__(self) -> str:
        return f"<HttpContext {self._phase.value} outstanding={len(self._outstanding)}>"

    @property
    def ended(self) -> bool:
        """Close the connection when the output has been sent, unless it was upgraded."""
        return self._phase is _ENDED

    @property
    def peer_finished(self) -> bool:
        """Whether the peer has finished sending."""
        return self._intake.reader.finished

    @property
    def upgraded(self) -> HttpExchange | None:
        """The last exchange, if it takes the connection over; see ``take_rest``."""
        last = self._answers.left_last
        return last if last is not None and last.upgrade is not None else None

    @property
    def output_bytes(self) -> int:
        """The number of bytes that ``take_output`` would return."""
        return self._answers.output_bytes

    def take_output(self) -> list[Segment]:
        """Take what is ready to be sent. Small neighbours are joined."""
        return self._answers.take_output()

    # ------------------------------------------------------------------ requests

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes that arrived; ``b""`` for the end of the stream.

        Bytes after the last request are dropped.
        """
        if self._phase is _READING:
            self._intake.reader.feed(data, now)

    def next_request(self, now: float) -> HttpExchange | None:
        """Hand out the next request, if it may run now. Call it until it returns None.

        A bad request gets an error answer here, which ends the connection.
        """
        if self._held is None and not self._read_next(now):
            return None
        held = self._held
        if held is None or (self._outstanding and (held.incomplete or not held.is_safe)):
            return None
        self._held = None
        held.handed_out = now
        self._outstanding.append(held)
        if held.incomplete:
            self._streaming = held
        return held

    def collect(self, now: float) -> None:
        """The owner does not take the parts of the incomplete request that it got last."""
        self._outstanding.pop()
        self._streaming = None
        try:
            self._intake.collect()
        except BadRequestError as exc:
            self._refuse(exc, now)

    def next_part(self, now: float) -> bytes | None:
        """The next part of the incomplete request's body; ``b""`` at the end, once.

        None if more data is needed, or if a bad body got an error answer: see ``refused``.
        """
        exchange = self._streaming
        if exchange is None or self._phase is not _READING:
            return None
        try:
            part = self._intake.read_part(now)
        except BadRequestError as exc:
            self._streaming = None
            self._refuse_body(exchange, exc, now)
            return None
        if part is None:
            self._want_data(now)
            self._allow_body(now)
            return None
        exchange.handed_out = now
        if not part:
            self._streaming = None
            if exchange.is_last:
                self._end()
        return part

    def take_rest(self) -> bytes:
        """The bytes after the request that took the connection over. Once."""
        return self._intake.reader.take_rest()

    def hold_back(self) -> None:
        """Note that the owner takes no requests for a while, so no time-out of a request runs."""
        self.wants_data = False

    def drain(self, now: float) -> None:
        """Read no more requests; end when the outstanding ones are answered.

        The body of an outstanding request is still read.
        """
        self._held = None
        if self._streaming is not None:
            self._streaming.is_last = True
            return
        if self._phase is _READING:
            self._end()
        if self._outstanding:
            self._outstanding[-1].is_last = True
        self._flush(now)

    def _read_next(self, now: float) -> bool:
        """Read the next request into ``_held``. False if there is none."""
        if self._phase is not _READING or self._streaming is not None:
            return False
        if not self._may_overlap():
            self.wants_data = False
            return False
        try:
            exchange = self._intake.read(now)
        except BadRequestError as exc:
            self._refuse(exc, now)
            return False
        if exchange is None:
            self._starve(now)
            return False
        self.wants_data = False
        self._held = exchange
        if exchange.is_last and not exchange.incomplete:
            self._end()
        return True

    def _may_overlap(self) -> bool:
        outstanding = self._outstanding
        if len(outstanding) >= self._limits.max_pipelined:
            return False
        return not outstanding or outstanding[-1].is_safe

    def _starve(self, now: float) -> None:
        reader = self._intake.reader
        if reader.finished and reader.started is None:
            self._end()
            self._flush(now)
            return
        self._want_data(now)
        # Not before earlier answers: the client would take "100 Continue" for one of them.
        if not self._outstanding:
            self._allow_body(now)

    def _want_data(self, now: float) -> None:
        if not self.wants_data:
            self.wants_data = True
            self._intake.pause_ended(now)

    def _allow_body(self, now: float) -> None:
        if self._intake.let_continue(now):
            self._answers.add_output(CONTINUE)

    def _refuse(self, error: BadRequestError, now: float) -> None:
        """Answer with an error, after the answers to earlier requests, and end."""
        exchange = self._intake.exchange
        self._outstanding.append(exchange)
        self._refuse_body(exchange, error, now)

    def _refuse_body(self, exchange: HttpExchange, error: BadRequestError, now: float) -> None:
        """Refuse an outstanding request because of its body."""
        self.refused = str(error)
        exchange.refuse(error.status, error.reason, self._date())
        self._end()
        self._flush(now)

    # ------------------------------------------------------------------ responses

    def answer(self, exchange: HttpExchange, response: HttpResponse, now: float) -> None:
        """Take the answer to a request that was handed out. A second answer is ignored.

        Raises BadResponseError; the context is unchanged then.
        """
        if exchange.answered:
            return
        head = exchange.head
        wants_upgrade = response.upgrade_callback is not None and head and head.wants_upgrade
        if wants_upgrade and self._phase is not _READING:
            exchange.refuse(503, "the server stops, or the connection was to end", self._date())
        else:
            if exchange.incomplete:  # nothing reads the rest of the body
                exchange.is_last = True
            exchange.respond(response, self._date())
        if exchange is self._streaming:
            self._streaming = None
            self._end()
        self._flush(now)
        if self._phase is _ENDED:
            exchange.drop_source()  # it was dropped with the exchanges after the last one

    @property
    def sending(self) -> HttpExchange | None:
        """The exchange whose source makes the next bytes of the output."""
        return self._answers.sending

    def add_body(self, exchange: HttpExchange, data: bytes) -> None:
        """Take bytes from the source of the ``sending`` exchange. Raises BadResponseError."""
        self._answers.add_output(exchange.frame(data))

    def end_body(self, exchange: HttpExchange, now: float) -> None:
        """The source of the ``sending`` exchange has ended. Raises BadResponseError."""
        exchange.end_body()
        self._flush(now)

    def drop_sources(self) -> None:
        """The connection is down: nothing takes the rest of any body."""
        self._answers.drop_sources()

    def _flush(self, now: float) -> None:
        """Move answers into the output, up to the first one that is not complete."""
        if self._answers.flush():
            self._idle_since = now
        if self._answers.left_last is not None:
            self._held = None
            self._phase = _ENDED
            self.wants_data = False
        elif self._outstanding or self._held is not None:
            return
        elif self._phase is Phase.ENDING:
            self._phase = _ENDED
        elif self._phase is _READING:
            self._allow_body(now)

    def _end(self) -> None:
        self._phase = Phase.ENDING
        self.wants_data = False

    # ------------------------------------------------------------------ time

    @property
    def deadline(self) -> float | None:
        """The time at which ``expire`` must be called, if nothing else happens before."""
        if self._phase is _ENDED:
            return None
        outstanding = self._outstanding
        candidates = []
        if outstanding and not outstanding[0].answered:
            candidates.append(outstanding[0].handed_out + self._limits.answer_seconds)
        if self.wants_data:
            if self._intake.reader.started is not None:
                if (since := self._intake.waits_since) is not None:
                    candidates.append(since + self._limits.request_seconds)
            elif not outstanding:
                candidates.append(self._idle_since + self._limits.idle_seconds)
        return min(candidates, default=None)

    def expire(self, now: float) -> None:
        """End a request or an answer that has taken too long."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        first = self._outstanding[0] if self._outstanding else None
        if (
            first is not None
            and not first.answered
            and first.handed_out + self._limits.answer_seconds <= now
        ):
            first.refuse(503, "there was no answer in time", self._date())
            self.refused = "503: no answer in time"
            self._streaming = None
            self._flush(now)
        elif self._streaming is not None:
            exchange, self._streaming = self._streaming, None
            late = BadRequestError(408, "the body did not go on in time")
            self._refuse_body(exchange, late, now)
        elif self._intake.reader.started is not None:
            self._refuse(BadRequestError(408, "the request was not complete in time"), now)
        else:
            self.drain(now)
