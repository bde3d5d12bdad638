"""Context, Request and Route: the arguments of handlers, and the entries of the handler table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from chat.config import ClassicConfig
from chat.connection.connection import ClientConnection
from chat.delivery.codec import MessageBus
from chat.delivery.delivery import Delivery
from chat.limits.keyed_buckets import KeyedBuckets
from chat.login.authentication import Authentication
from chat.login.friend_notices import FriendNotices
from chat.login.login import Login
from chat.login.login_flow import LoginFlow
from chat.login.login_limits import LoginLimits
from chat.login.passwords import Passwords
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.login.visibility import Visibility
from chat.names.lookalikes import Lookalikes
from chat.process.clock import Clock
from chat.protocol import Limits, Message
from chat.storage import Database
from chat.storage.tables import OPEN

if TYPE_CHECKING:
    from chat.connection.classic_reader import ClassicReader


Connection = ClientConnection[Login]

MessageT = TypeVar("MessageT")
"""The type of the request, one of chat.protocol.requests."""

ASK_NOTICES = 3
"""Notices in an hour for each key. A sender can take its request back and send it again."""


TYPING_RATE, TYPING_BURST = 1, 10
"""TYPING_MSG of an account: in a second, and at once. A client sends one every few seconds while
its user types."""


def _new_typing() -> KeyedBuckets:
    return KeyedBuckets(TYPING_RATE, TYPING_BURST)


def _new_ask_notices() -> KeyedBuckets:
    return KeyedBuckets(ASK_NOTICES / 3600, ASK_NOTICES)


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the server that handlers use. Each can be used by any thread.

    ``ask_notices``: limits the notices of invitations, by group and receiver, and of requests to be
    a friend, by sender and receiver. ``typing``: limits TYPING_MSG, by user. ``group_join``: the
    join mode of a new group that names none. ``approve_friends``: a user becomes a friend when it
    agrees. ``directory``: users find others by the first letters of a name. ``search``: users may
    search their messages.
    """

    database: Database
    bus: MessageBus
    logins: LoginRegistry
    delivery: Delivery
    authentication: Authentication
    login_flow: LoginFlow
    login_limits: LoginLimits
    reconciliation: Reconciliation
    lookalikes: Lookalikes
    passwords: Passwords
    clock: Clock
    node: str
    heartbeat: int
    registration: str
    visibility: Visibility
    friend_notices: FriendNotices
    ask_notices: KeyedBuckets = field(default_factory=_new_ask_notices)
    typing: KeyedBuckets = field(default_factory=_new_typing)
    approve_friends: bool = False
    group_join: str = OPEN
    directory: bool = False
    search: bool = True
    limits: Limits = field(default_factory=Limits)
    classic: ClassicConfig = field(default_factory=ClassicConfig)


class LongAnswer(NamedTuple):
    """The fields of an answer; a worker has encoded most of them.

    Attributes:
        fields: the others.
        encoded: a JSON object that is not empty.
    """

    fields: Message
    encoded: bytes


@dataclass(frozen=True, slots=True)
class Request(Generic[MessageT]):
    """A request for a worker. Its values are copied in the loop.

    Attributes:
        message: the decoded and checked fields.
        connection: for a new Login. A worker may read ``closed`` and ``finishing``, as hints; the
            other attributes belong to the connection's loop.
        login: None before a login.
        v2: False for a classic client, which gets few of the answers.
        peer: the address of the client, without the port.
        frame_limit: bytes of the longest frame for the client; 0: there is no limit.
        reader: gets the dialect that is stored with the account.
        dialect: the dialect to store with a new account.
    """

    message: MessageT
    connection: Connection
    login: Login | None
    v2: bool
    peer: str
    frame_limit: int = 0
    reader: ClassicReader | None = None
    dialect: str | None = None

    @property
    def user_id(self) -> int:
        """The sender of the request. Only for routes with a login."""
        assert self.login is not None
        return self.login.user_id

    @property
    def current(self) -> Login:
        """The login of the sender. Only for routes with a login."""
        assert self.login is not None
        return self.login

    @property
    def name(self) -> str:
        """The name of the sender. Only for routes with a login."""
        assert self.login is not None
        return self.login.name


class Waiting(Enum):
    """The result of a loop handler that has not served the request."""

    WAIT = "until the chat messages before it are settled"


WAIT = Waiting.WAIT


class Where(Enum):
    """The thread that serves a request."""

    LOOP = "loop"
    """At once, in the connection's loop. The handler must not block."""

    WORKER = "worker"
    """On a pool of workers. Later frames of the connection wait."""


LoopHandler = Callable[[Context, Connection, Any, bytes], "Waiting | None"]
"""Gets the message and its frame. WAIT: the frame is served later, and nothing was done."""

WorkerHandler = Callable[[Context, Request[Any]], Any]
Finish = Callable[[Context, Connection, Any, Any], Message | LongAnswer]
"""In the connection's loop, after a worker handler: makes the fields of the answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """How one ``msgid`` is served.

    Attributes:
        run: the handler: a LoopHandler or a WorkerHandler, by ``where``.
        login: the request needs a login.
        hashes: a request with a password (``password`` or ``old``) runs on the pool for them.
        finish: makes the fields of the answer from the result of a worker. Without it the result is
            the fields.
        abandon: gets the result if the connection went down while the worker ran. Example: A joins
            a group and disconnects; the subscription to the group's topic goes to A's next
            login, or ends.
    """

    run: Callable[..., Any]
    where: Where = Where.WORKER
    login: bool = True
    hashes: bool = False
    finish: Finish | None = None
    abandon: Callable[[Context, Connection, Any], None] | None = None
