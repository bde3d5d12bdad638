"""AnswerQueue: the requests that were handed out, and the output of their answers."""

from __future__ import annotations

from collections import deque

from muduopy.http.http_exchange import HttpExchange, Segment

LARGE = 32 * 1024
"""A segment of so many bytes is sent by a call of its own, which costs less than a copy."""


class AnswerQueue:
    """Answers become complete in any order, and leave in the order of the requests.

    Pure; one owner, the HttpContext.

    Attributes:
        exchanges: the requests whose answers are not in the output yet, oldest first.
        output_bytes: the number of bytes that ``take_output`` would return.
        left_last: the exchange that was the last one of the connection, when its answer has left.
    """

    __slots__ = ("_output", "exchanges", "left_last", "output_bytes")

    def __init__(self) -> None:
        self.exchanges: deque[HttpExchange] = deque()
        self.output_bytes = 0
        self.left_last: HttpExchange | None = None
        self._output: list[Segment] = []

    def take_output(self) -> list[Segment]:
        """Take what is ready to be sent. Small neighbours are joined."""
        output, self._output = self._output, []
        self.output_bytes = 0
        if len(output) < 2:
            return output
        joined: list[Segment] = []
        run: list[bytes] = []
        for segment in output:
            if isinstance(segment, bytes) and len(segment) < LARGE:
                run.append(segment)
                continue
            if run:
                joined.append(b"".join(run))
                run = []
            joined.append(segment)
        if run:
            joined.append(b"".join(run))
        return joined

    def add_output(self, segment: Segment) -> None:
        """Append to the output, behind the answers that have left the queue."""
        self._output.append(segment)
        self.output_bytes += len(segment)

    def flush(self) -> bool:
        """Move answers into the output, up to the first one that is not complete.

        True if one became complete. After the last one of the connection, nothing else leaves.
        """
        exchanges = self.exchanges
        moved = False
        while exchanges:
            exchange = exchanges[0]
            for segment in exchange.output:
                self.add_output(segment)
            exchange.output.clear()
            if not exchange.done:
                break
            moved = True
            exchanges.popleft()
            if exchange.is_last or exchange.upgrade is not None:
                self.left_last = exchange
                self.drop_sources()
                exchanges.clear()
        return moved

    @property
    def sending(self) -> HttpExchange | None:
        """The exchange whose source makes the next bytes of the output."""
        exchanges = self.exchanges
        return exchanges[0] if exchanges and exchanges[0].source is not None else None

    def drop_sources(self) -> None:
        """Nothing takes the rest of any body."""
        for exchange in self.exchanges:
            exchange.drop_source()
