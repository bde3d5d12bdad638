"""Everything the client raises on purpose.

    ClientError
    ├── ConnectError            the server could not be reached
    ├── ConnectionLostError     the connection is gone
    ├── NoAnswerError           the server is there, but did not answer in time
    ├── NotLoggedInError        the caller asked for what only a logged-in user can do
    ├── RefusedError            the server answered: no
    ├── TooLargeError           more than fits into one frame; nothing was sent
    └── OutputClosedError       nobody reads what the program prints

``str()`` of each is one line for a person. A RefusedError's text comes from the server: escape
it before it is printed.
"""

from __future__ import annotations


class ClientError(Exception):
    """The root: catches whatever the client raises on purpose."""


class ConnectError(ClientError):
    """The server could not be reached.

    Attributes:
        host: as it was given.
        port: as it was given.
        reason: the operating system's or the resolver's words.
    """

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host = host
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot connect to {self.host}:{self.port}: {self.reason}"


class ConnectionLostError(ClientError):
    """The connection is gone, and with it every answer that was still awaited.

    Attributes:
        reason: why, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"connection to server lost: {self.reason}"


class NoAnswerError(ClientError):
    """A request was sent and not answered in time. It may or may not have been carried out.

    Attributes:
        seconds: how long the answer was awaited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"no answer from the server within {self.seconds:g} s"


class NotLoggedInError(ClientError):
    """The caller asked for what only a logged-in user can do. Nothing was sent."""

    def __str__(self) -> str:
        return "not logged in"


class RefusedError(ClientError):
    """The server answered a request with a failure.

    Attributes:
        errno: the protocol's error number.
        errmsg: the server's words, not escaped.
    """

    def __init__(self, errno: int, errmsg: str) -> None:
        super().__init__(errno, errmsg)
        self.errno = errno
        self.errmsg = errmsg

    def __str__(self) -> str:
        return self.errmsg or f"error {self.errno}"


class TooLargeError(ClientError):
    """A message does not fit into one frame; the server would hang up on it.

    Attributes:
        size: of the encoded message in bytes.
        limit: the most that is sent, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"too long ({self.size} bytes, at most {self.limit})"


class OutputClosedError(ClientError):
    """Nobody reads what the program prints any more (a closed pipe, a terminal that is gone)."""

    def __str__(self) -> str:
        return "output is closed"
