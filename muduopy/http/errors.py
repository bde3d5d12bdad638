"""The exceptions of muduopy.http.

MuduoError
└── HttpError
    ├── BadRequestError     the peer's fault; the package turns it into an error answer
    └── BadResponseError    the callback's fault; logged, and answered with 500
"""

from __future__ import annotations

from muduopy.errors import MuduoError


class HttpError(MuduoError):
    """Root of the HTTP server's exceptions."""


class BadRequestError(HttpError):
    """A request that cannot be served. Bytes after it on the connection cannot be read.

    Attributes:
        status: status code of the answer, for instance 413.
        reason: text for a human reader.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


class BadResponseError(HttpError):
    """A response that HTTP cannot express.

    Attributes:
        reason: text for a human reader.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"a response that cannot be sent: {self.reason}"
