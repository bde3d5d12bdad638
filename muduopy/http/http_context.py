"""HttpContext: the state of one HTTP connection.

    READING ──last request read, refused, drain, end of stream──▶ ENDING ──all answered──▶ ENDED

Requests are handed out as they become complete, and may be answered in any order. The answers leave
in the order of the requests. While answers are outstanding, a further request is handed out only
if:

* it is safe (GET or HEAD, mainly), and so are the outstanding ones. A client that sends POST and
  then GET without waiting means that order, so an unsafe request runs alone.
* fewer than ``max_pipelined`` requests are outstanding.

While no request can be handed out, ``wants_data`` is False: the owner should not read from the
socket, and the time-out of the next request does not run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from enum import Enum

from muduopy.address import Address
from muduopy.http.errors import BadRequestError
from muduopy.http.http_exchange import HttpExchange
from muduopy.http.http_limits import HttpLimits
from muduopy.http.http_response import HttpResponse


class Phase(Enum):
    READING = "reading"
    ENDING = "ending"
    ENDED = "ended"


def http_date() -> str:
    """The present time in HTTP's format."""
    return formatdate(usegmt=True)


class HttpContext:
    """Bytes in, requests out; responses in, bytes out. Pure: no socket; times are arguments.

    Thread contract: none; one owner. ``now`` is seconds of one clock that never goes back.

    Attributes:
        wants_data: more bytes are needed before anything else can happen.
        refused: the reason why the last request was refused; "" if it was not.
    """

    __slots__ = (
        "_date",
        "_held",
        "_idle_since",
        "_limits",
        "_output",
        "_outstanding",
        "_peer",
        "_peer_finished",
        "_phase",
        "_receiving",
        "refused",
        "wants_data",
    )

    def __init__(
        self, limits: HttpLimits, peer: Address, now: float, date: Callable[[], str] = http_date
    ) -> None:
        """``date``: returns the text of an answer's Date field."""
        self.wants_data = True
        self.refused = ""
        self._limits = limits
        self._peer = peer
        self._date = date
        self._phase = Phase.READING
        self._idle_since = now
        self._receiving = HttpExchange(limits, peer)
        self._held: HttpExchange | None = None  # complete, and waiting for earlier answers
        self._outstanding: deque[HttpExchange] = deque()  # handed out, and not in the output yet
        self._output: list[bytes] = []
        self._peer_finished = False

    def __repr__(self) -> str:
        return f"<HttpContext {self._phase.value} outstanding={len(self._outstanding)}>"

    @property
    def ended(self) -> bool:
        """Close the connection when the output has been sent."""
        return self._phase is Phase.ENDED

    @property
    def output_bytes(self) -> int:
        """Number of bytes that ``take_output`` would return."""
        return sum(map(len, self._output))

    def take_output(self) -> bytes:
        """Take the bytes that are ready to be sent."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    # ------------------------------------------------------------------ requests

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes that arrived; ``b""`` for the end of the stream.

        Bytes after the last request are dropped.
        """
        if self._phase is not Phase.READING:
            return
        self._peer_finished = self._peer_finished or not data
        self._receiving.feed(data, now)

    def next_request(self, now: float) -> HttpExchange | None:
        """Hand out the next request, if it may run now. Call it until it returns None.

        A bad request gets an error answer here, which ends the connection.
        """
        if self._held is None and not self._read_next(now):
            return None
        held = self._held
        if held is None or (self._outstanding and not held.is_safe):
            return None
        self._held = None
        held.handed_out = now
        self._outstanding.append(held)
        return held

    def hold_back(self) -> None:
        """Note that the owner takes no requests for a while, so no time-out of a request runs."""
        self.wants_data = False

    def drain(self, now: float) -> None:
        """Read no more requests; end when the outstanding ones are answered."""
        self._held = None
        if self._phase is Phase.READING:
            self._end()
        if self._outstanding:
            self._outstanding[-1].is_last = True
        self._flush(now)

    def _read_next(self, now: float) -> bool:
        """Read the next request into ``_held``. False if there is none."""
        if self._phase is not Phase.READING:
            return False
        if not self._may_overlap():
            self.wants_data = False
            return False
        exchange = self._receiving
        try:
            complete = exchange.parse(now)
        except BadRequestError as exc:
            self._refuse(exc.status, exc.reason, now)
            return False
        if not complete:
            self._starve(now)
            return False
        self.wants_data = False
        self._held = exchange
        if exchange.is_last:
            self._end()
        else:
            self._receiving = HttpExchange(self._limits, self._peer)
            if leftover := exchange.leftover():
                self._receiving.feed(leftover, now)
            if self._peer_finished:
                self._receiving.feed(b"", now)
        return True

    def _may_overlap(self) -> bool:
        outstanding = self._outstanding
        if len(outstanding) >= self._limits.max_pipelined:
            return False
        return not outstanding or outstanding[-1].is_safe

    def _starve(self, now: float) -> None:
        if self._receiving.peer_has_left:
            self._end()
            self._flush(now)
            return
        if not self.wants_data:
            self.wants_data = True
            if self._receiving.started is not None:  # reading has paused, and with it the clock
                self._receiving.started = now
        self._allow_body(now)

    def _allow_body(self, now: float) -> None:
        # Not before earlier answers: the client would take "100 Continue" for one of them.
        if not self._outstanding and self._receiving.expects_continue:
            self._output.append(self._receiving.let_continue())
            self._receiving.started = now  # the client's time begins now

    def _refuse(self, status: int, reason: str, now: float) -> None:
        """Answer with an error, after the answers to earlier requests, and end."""
        exchange = self._receiving
        exchange.refuse(status, reason, self._date())
        self.refused = f"{status}: {reason}"
        self._outstanding.append(exchange)
        self._end()
        self._flush(now)

    # ------------------------------------------------------------------ responses

    def answer(self, exchange: HttpExchange, response: HttpResponse, now: float) -> None:
        """Take the answer to a request that was handed out. A second answer is ignored.

        Raises BadResponseError; the context is unchanged then.
        """
        if exchange.answer is not None:
            return
        exchange.respond(response, self._date())
        self._flush(now)

    def _flush(self, now: float) -> None:
        """Move answers into the output, up to the first request without one."""
        outstanding = self._outstanding
        while outstanding and (answer := outstanding[0].answer) is not None:
            self._output.append(answer)
            self._idle_since = now
            if outstanding.popleft().is_last:
                outstanding.clear()
                self._held = None
                self._phase = Phase.ENDED
                return
        if outstanding or self._held is not None:
            return
        if self._phase is Phase.ENDING:
            self._phase = Phase.ENDED
        elif self._phase is Phase.READING:
            self._allow_body(now)

    def _end(self) -> None:
        self._phase = Phase.ENDING
        self.wants_data = False

    # ------------------------------------------------------------------ time

    @property
    def deadline(self) -> float | None:
        """The time at which ``expire`` must be called, if nothing else happens before."""
        if self._phase is Phase.ENDED:
            return None
        unanswered = self._outstanding[0].handed_out if self._outstanding else None
        candidates = [] if unanswered is None else [unanswered + self._limits.answer_seconds]
        if self.wants_data and not self._receiving.expects_continue:
            if self._receiving.started is not None:
                candidates.append(self._receiving.started + self._limits.request_seconds)
            elif unanswered is None:
                candidates.append(self._idle_since + self._limits.idle_seconds)
        return min(candidates, default=None)

    def expire(self, now: float) -> None:
        """End a request or an answer that has taken too long."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        if (
            self._outstanding
            and self._outstanding[0].handed_out + (self._limits.answer_seconds) <= now
        ):
            # The first outstanding request has no answer: with one it would have been removed.
            self._outstanding[0].refuse(503, "there was no answer in time", self._date())
            self.refused = "503: no answer in time"
            self._flush(now)
        elif self._receiving.started is not None:
            self._refuse(408, "the request was not complete in time", now)
        else:
            self.drain(now)
