"""The two ends of a session that the supervisor treats in different ways."""

from __future__ import annotations

from client.errors import ClientError


class SessionLostError(Exception):
    """The connection has ended, and another attempt may succeed.

    Attributes:
        cause: the reason, for the application.
        at_least: the least pause before that attempt, in seconds.
    """

    def __init__(self, cause: ClientError, at_least: float = 0.0) -> None:
        super().__init__(cause)
        self.cause = cause
        self.at_least = at_least


class SessionStoppedError(Exception):
    """The connection has ended, and another attempt would end in the same way.

    The client goes into the state STOPPED. Only the application can start another attempt.

    Attributes:
        cause: the reason, for the application.
    """

    def __init__(self, cause: ClientError) -> None:
        super().__init__(cause)
        self.cause = cause
