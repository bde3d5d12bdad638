"""The exceptions of the client, in one tree.

    ClientError
    ├── ConnectError            the server could not be reached
    ├── ConnectionLostError     the connection is gone
    ├── NoAnswerError           the server did not answer in time
    ├── NotLoggedInError        the call needs a login
    ├── LoggedInError           a login was requested while a user is logged in
    ├── RefusedError            the server answered with an error
    │   └── TooManyDevicesError the account has no place for this device; another must end
    ├── ReplacedError           another login has taken the account over
    ├── ClosedError             the caller has closed the client
    │   ├── NotStartedError     connect() or start() was not called
    │   └── CallbackFailedError a callback raised SystemExit, which ended the client
    ├── NotConfirmedError       the client was closed before a message was acknowledged
    ├── WithdrawnError          the caller has withdrawn the message
    ├── TooLargeError           the text is too long for the server; nothing was sent
    ├── StoreError              the files of an account cannot be used
    │   └── InUseError          because another program has the account open
    ├── UnreadableInputError    the input is not in the expected encoding
    └── OutputClosedError       the program's output is closed

``str()`` of each is one line for a person. The texts of RefusedError and ReplacedError come from
the server, so escape them before you print them.
"""

from __future__ import annotations

from enum import Enum

from chat.protocol import Message
from client.values import Device

ENDED = "ended"
"""The reason in the BYE_MSG if another device or an operator has ended this login."""


class ClientError(Exception):
    """The root of all errors of the client."""


class ConnectFault(Enum):
    """The reasons why a server cannot be reached, by kind."""

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
        host: the host that the caller has given.
        port: the port that the caller has given.
        reason: the text of the operating system, the resolver or OpenSSL.
        fault: the kind of the reason.
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
    """The connection is lost, so the pending requests get no answer.

    Attributes:
        reason: the cause in a few words.
        announced: the server sent BYE_MSG before it closed; ``reason`` is the word in it.
    """

    def __init__(self, reason: str, *, announced: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.announced = announced

    def __str__(self) -> str:
        return f"connection to server lost: {self.reason}"


class NoAnswerError(ClientError):
    """A request was sent and not answered in time. The server may have executed it.

    Attributes:
        seconds: the time that the client waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"no answer from the server within {self.seconds:g} s"


class NotLoggedInError(ClientError):
    """The call needs a login, and there is none. Nothing was sent."""

    def __str__(self) -> str:
        return "not logged in"


class LoggedInError(ClientError):
    """A login was requested while a user is logged in. Nothing was sent.

    Attributes:
        user_id: the user that is logged in.
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
        errmsg: the text of the server, not escaped.
        answer: the whole answer with its other fields; empty if the client refused by itself.
    """

    def __init__(self, errno: int, errmsg: str, answer: Message | None = None) -> None:
        super().__init__(errno, errmsg)
        self.errno = errno
        self.errmsg = errmsg
        self.answer = answer or {}

    def __str__(self) -> str:
        return self.errmsg or f"error {self.errno}"


class TooManyDevicesError(RefusedError):
    """The account has as many devices as the server allows, and this one is not among them.

    ``login(user, password, end_device=N)`` ends another one.

    Attributes:
        devices: the devices of the account.
    """

    def __init__(
        self, errno: int, errmsg: str, answer: Message, devices: tuple[Device, ...]
    ) -> None:
        super().__init__(errno, errmsg, answer)
        self.devices = devices


class ReplacedError(ClientError):
    """The server has ended the session for good, for instance because of another login.

    The client does not connect again by itself. Example: the account is open in programs A and B;
    B's login ends A's session; if A logged in again at once, it would end B's session, and so on.

    Attributes:
        reason: the word of the server, such as "replaced" or "abuse"; not escaped.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        if self.reason == "replaced":
            return "this account has logged in elsewhere"
        if self.reason == ENDED:
            return "this device was signed out: log in with the password"
        return f"sent away by the server: {self.reason}"


class ClosedError(ClientError):
    """The client was closed."""

    def __str__(self) -> str:
        return "the client is closed"


class NotStartedError(ClosedError):
    """``connect`` or ``start`` has not been called."""

    def __str__(self) -> str:
        return "not connected: call connect() or start() first, or use 'with ChatClient(...)'"


class CallbackFailedError(ClosedError):
    """A callback raised a BaseException that is no Exception, and that ended the client.

    Examples are SystemExit, KeyboardInterrupt and asyncio.CancelledError. They cannot end the
    program from the client's thread, so ``messages()``, ``wait_closed()`` and the ``with`` block
    raise them in the application's threads.

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
        kept: the message is in the file of the outbox, and is sent after the next login.
    """

    def __init__(self, kept: bool) -> None:
        super().__init__(kept)
        self.kept = kept

    def __str__(self) -> str:
        return "not confirmed by the server" + ("; it stays in the outbox" if self.kept else "")


class WithdrawnError(ClientError):
    """A message was withdrawn, and is not sent again.

    Attributes:
        unsure: an earlier copy was sent, and the server may have it.
    """

    def __init__(self, unsure: bool) -> None:
        super().__init__(unsure)
        self.unsure = unsure

    def __str__(self) -> str:
        return "withdrawn" + ("; the server may have it already" if self.unsure else "")


class TooLargeError(ClientError):
    """A text is longer than the server accepts, or a message does not fit in one frame.

    Attributes:
        size: the size of the text in UTF-8, or of the frame, in bytes.
        limit: the largest size, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"too long ({self.size} bytes, at most {self.limit})"


class StoreError(ClientError):
    """The files of an account cannot be read or written, or belong to another account.

    Attributes:
        path: the file or folder.
        reason: the cause in a few words.
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class InUseError(StoreError):
    """Another program has the account open. Two programs would end each other's sessions."""

    def __init__(self, path: object) -> None:
        super().__init__(path, "is in use by another program")


class UnreadableInputError(ClientError):
    """A line of the input is not in the encoding of the locale. It is skipped.

    Attributes:
        encoding: the expected encoding.
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
    """The program's output is closed: a pipe without a reader, or a terminal that is gone."""

    def __str__(self) -> str:
        return "output is closed"
