"""Everything the client raises on purpose.

    ClientError
    ├── ConnectError            the server could not be reached
    ├── ConnectionLostError     the connection is gone
    ├── NoAnswerError           the server is there, but did not answer in time
    ├── NotLoggedInError        the caller asked for what only a logged-in user can do
    ├── LoggedInError           the caller asked for what only one who is not can do
    ├── RefusedError            the server answered: no
    ├── ReplacedError           another login has taken this session over
    ├── ClosedError             the caller has closed the client
    │   ├── NotStartedError     connect() or start() was not called
    │   └── CallbackFailedError a callback raised SystemExit or the like, which ended the client
    ├── NotConfirmedError       nobody waits for the ack of a message any more
    ├── WithdrawnError          the caller has withdrawn the message
    ├── TooLargeError           a text longer than the server takes; nothing was sent
    ├── StoreError              the files of an account cannot be used
    │   └── InUseError          because another program has the account open
    ├── UnreadableInputError    what was typed is not in the expected encoding
    └── OutputClosedError       nobody reads what the program prints

``str()`` of each is one line for a person. A RefusedError's text comes from the server: escape
it before it is printed.
"""

from __future__ import annotations

from enum import Enum

from chat.protocol import Message


class ClientError(Exception):
    """The root: catches whatever the client raises on purpose."""


class ConnectFault(Enum):
    """Why a server could not be reached, as far as it can be told."""

    REFUSED = "refused"
    TIMED_OUT = "timed out"
    UNKNOWN_NAME = "unknown name"
    UNREACHABLE = "unreachable"
    NOT_TLS = "not tls"
    BAD_CERTIFICATE = "bad certificate"
    OTHER = "other"


class ConnectError(ClientError):
    """The server could not be reached.

    Attributes:
        host: as it was given.
        port: as it was given.
        reason: the operating system's or the resolver's words.
        fault: what kind of reason.
    """

    def __init__(
        self, host: str, port: int, reason: str, fault: ConnectFault = ConnectFault.OTHER
    ) -> None:
        super().__init__(host, port, reason)
        self.fault = fault
        self.host = host
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot connect to {self.host}:{self.port}: {self.reason}"


class ConnectionLostError(ClientError):
    """The connection is gone, and with it every answer that was still awaited.

    Attributes:
        reason: the cause in a few words.
        announced: the server said goodbye before it closed; ``reason`` is its word.
    """

    def __init__(self, reason: str, *, announced: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.announced = announced

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


class LoggedInError(ClientError):
    """The caller asked to log in while somebody is. Nothing was sent.

    Attributes:
        user_id: who is logged in.
    """

    def __init__(self, user_id: int) -> None:
        super().__init__(user_id)
        self.user_id = user_id

    def __str__(self) -> str:
        return f"logged in already, as {self.user_id}"


class RefusedError(ClientError):
    """The server answered a request with a failure.

    Attributes:
        errno: the protocol's error number.
        errmsg: the server's words, not escaped.
        answer: the whole answer, for what else stands in it; empty if there is none.
    """

    def __init__(self, errno: int, errmsg: str, answer: Message | None = None) -> None:
        super().__init__(errno, errmsg)
        self.errno = errno
        self.errmsg = errmsg
        self.answer = answer or {}

    def __str__(self) -> str:
        return self.errmsg or f"error {self.errno}"


class ReplacedError(ClientError):
    """Another login of the same account has taken the session over, or the server sent us away.

    The client does not connect again by itself: two programs would take turns for ever.

    Attributes:
        reason: the server's word for it, such as "replaced" or "abuse"; not escaped.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        if self.reason == "replaced":
            return "this account has logged in elsewhere"
        return f"sent away by the server: {self.reason}"


class ClosedError(ClientError):
    """The client was closed."""

    def __str__(self) -> str:
        return "the client is closed"


class NotStartedError(ClosedError):
    """The client does not connect yet."""

    def __str__(self) -> str:
        return "not connected: call connect() or start() first, or use 'with ChatClient(...)'"


class CallbackFailedError(ClosedError):
    """A callback raised something that is no Exception, and so ended the client.

    Examples are SystemExit, KeyboardInterrupt and asyncio.CancelledError. A thread of the client
    cannot end the program, so ``messages()``, ``wait_closed()`` and the ``with`` block raise the
    callback's exception.

    Attributes:
        raised: the callback's exception.
    """

    def __init__(self, raised: BaseException) -> None:
        super().__init__(raised)
        self.raised = raised

    def __str__(self) -> str:
        return f"a callback ended the client: {self.raised!r}"


class NotConfirmedError(ClientError):
    """The client was closed or the user logged out before the server confirmed a message.

    Attributes:
        kept: it is in the outbox's file, and goes out after this account's next login.
    """

    def __init__(self, kept: bool) -> None:
        super().__init__(kept)
        self.kept = kept

    def __str__(self) -> str:
        what_next = "; it stays in the outbox" if self.kept else ""
        return f"not confirmed by the server{what_next}"


class WithdrawnError(ClientError):
    """A message was withdrawn, and is not sent any more.

    Attributes:
        unsure: it had been sent before, and the server may have it.
    """

    def __init__(self, unsure: bool) -> None:
        super().__init__(unsure)
        self.unsure = unsure

    def __str__(self) -> str:
        return "withdrawn" + ("; the server may have it already" if self.unsure else "")


class TooLargeError(ClientError):
    """A text is longer than the server takes, or its message does not fit into one frame.

    Attributes:
        size: of the text in bytes of UTF-8, or of the frame.
        limit: the most that is sent, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"too long ({self.size} bytes, at most {self.limit})"


class StoreError(ClientError):
    """The files of an account cannot be read or written, or are somebody else's.

    Attributes:
        path: which file or folder.
        reason: why, in a few words.
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class InUseError(StoreError):
    """Another program has opened the account's files. Two of them would replace each other."""

    def __init__(self, path: object) -> None:
        super().__init__(path, "is in use by another program")


class UnreadableInputError(ClientError):
    """A line of a script is not in the encoding that the locale names. It was not used.

    Attributes:
        encoding: the one that was expected.
    """

    def __init__(self, encoding: str) -> None:
        super().__init__(encoding)
        self.encoding = encoding

    def __str__(self) -> str:
        return (
            f"the input is not {self.encoding}: nothing of this line was sent; "
            "set LANG to the input's encoding, LANG=C.UTF-8 for UTF-8"
        )


class OutputClosedError(ClientError):
    """Nobody reads what the program prints any more (a closed pipe, a terminal that is gone)."""

    def __str__(self) -> str:
        return "output is closed"
