"""HttpContext: the state of one HTTP connection.

    READING ──last request read, refused, drain, end of stream──▶ ENDING ──all answered──▶ ENDED

Requests are handed out as they become complete, and may be answered in any order; the answers leave
in the order of the requests. Which requests are handed out while others wait for their answers:

* only safe ones (GET and HEAD, in the main), and only behind safe ones: a client that sends POST
  and then GET without waiting means that order. Others wait until all before them is answered.
* ``max_pipelined`` of them at the most.

What is not looked at for this reason should not be read from the socket either; ``wants_data``
says so, and the time-out of a request that is not read does not run.
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
    """Now, as HTTP writes it."""
    return formatdate(usegmt=True)


class HttpContext:
    """Bytes in, requests out; responses in, bytes out. Pure: no socket; times are arguments.

    Thread contract: none; one owner. ``now`` is seconds of one clock that never goes back.

    Attributes:
        wants_data: nothing can be done before more bytes have come.
        refused: why the last request was not served, "" if that did not happen.
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
        """``date``: gives the text of the answers' Date field."""
        self.wants_data = True
        self.refused = ""
        self._limits = limits
        self._peer = peer
        self._date = date
        self._phase = Phase.READING
        self._idle_since = now
        self._receiving = HttpExchange(limits, peer)
        self._held: HttpExchange | None = None  # complete, but must wait for those before it
        self._outstanding: deque[HttpExchange] = deque()  # handed out and not in the output yet
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
        """How much ``take_output`` would return."""
        return sum(map(len, self._output))

    def take_output(self) -> bytes:
        """What is to be sent next."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    # ------------------------------------------------------------------ requests

    def receive(self, data: bytes, now: float) -> None:
        """Bytes came; ``b""`` for the end of the stream. Dropped after the last request."""
        if self._phase is not Phase.READING:
            return
        self._peer_finished = self._peer_finished or not data
        self._receiving.feed(data, now)

    def next_request(self, now: float) -> HttpExchange | None:
        """Hand out a request that can be worked on now; call until it returns None.

        What is wrong with a request is answered here, and ends the connection.
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
        """The owner will not look for requests for a while, for its own reasons."""
        self.wants_data = False

    def drain(self, now: float) -> None:
        """Read no more requests; end as soon as those handed out are answered."""
        self._held = None
        if self._phase is Phase.READING:
            self._end()
        if self._outstanding:
            self._outstanding[-1].is_last = True
        self._flush(now)

    def _read_next(self, now: float) -> bool:
        """Whether there is a new request, in ``_held``."""
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
            if self._receiving.started is not None:  # nobody read on meanwhile
                self._receiving.started = now
        self._allow_body(now)

    def _allow_body(self, now: float) -> None:
        # Before the answers to earlier requests it would be taken for one of them.
        if not self._outstanding and self._receiving.expects_continue:
            self._output.append(self._receiving.let_continue())
            self._receiving.started = now  # it is the client's turn from now on

    def _refuse(self, status: int, reason: str, now: float) -> None:
        """In its turn, after the answers to those before it."""
        exchange = self._receiving
        exchange.refuse(status, reason, self._date())
        self.refused = f"{status}: {reason}"
        self._outstanding.append(exchange)
        self._end()
        self._flush(now)

    # ------------------------------------------------------------------ responses

    def answer(self, exchange: HttpExchange, response: HttpResponse, now: float) -> None:
        """Take the answer to a request that was handed out; a second one is ignored.

        Raises BadResponseError, and nothing has changed.
        """
        if exchange.answer is not None:
            return
        exchange.respond(response, self._date())
        self._flush(now)

    def _flush(self, now: float) -> None:
        """Put into the output what is at its turn."""
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
        """When ``expire`` will have something to do, if nothing else happens before."""
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
        """Give up what has taken too long."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        if (
            self._outstanding
            and self._outstanding[0].handed_out + (self._limits.answer_seconds) <= now
        ):
            # The first has no answer yet, else it would not be there any more.
            self._outstanding[0].refuse(503, "there was no answer in time", self._date())
            self.refused = "503: no answer in time"
            self._flush(now)
        elif self._receiving.started is not None:
            self._refuse(408, "the request was not complete in time", now)
        else:
            self.drain(now)
