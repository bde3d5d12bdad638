"""PeerLabel: the name of a connection in log lines: the address of its peer, and its number."""

from __future__ import annotations


class PeerLabel(str):
    """A text such as ``203.0.113.7 #42``. A value; any thread.

    Give it as the first argument of a log line about the connection. The log then has the two
    parts as fields of their own, and limits the lines about one peer.

    Attributes:
        peer: the host; behind a balancer the one that the balancer has announced.
        number: of the connection, unique in the process; 0: the line is about a host without a
            connection, and the text is the host alone.
    """

    __slots__ = ("number", "peer")

    peer: str
    number: int

    def __new__(cls, peer: str, number: int = 0) -> PeerLabel:
        self = super().__new__(cls, f"{peer} #{number}" if number else peer)
        self.peer = peer
        self.number = number
        return self


def label_of(args: object) -> PeerLabel | None:
    """The label among the arguments of a log record. Any thread."""
    if isinstance(args, tuple) and args and isinstance(args[0], PeerLabel):
        return args[0]
    return None
