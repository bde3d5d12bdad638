"""Bus: tells the nodes that hold a receiver that there is mail.

The bus only wakes. What it announces is in the database already, so it may lose, repeat or
delay anything: the system gets slower, never wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chat.message import ChatMessage, Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT

if TYPE_CHECKING:
    from chat.connection.session import Session


class BusRefusedError(Exception):
    """The bus is there and will not have us, or is something else, or its name does not exist."""


class Wake(NamedTuple):
    """An announcement on a topic.

    ``contiguous``: nothing was missed on this topic since the wake before, so the message
    may be pushed as it is. Otherwise it is only a hint to look into the mailbox.
    """

    message: ChatMessage
    contiguous: bool


OnWakes = Callable[[Sequence[Wake]], object]

PRESENCE = "presence"
"""A notice to a friend: these users came or went."""

TAKEN = "taken"
"""A notice to whoever has a session of this user: another node has the user now."""


MEMBERS = "members"
"""A notice to whoever has members of this group: somebody has joined or left."""


class Notice(NamedTuple):
    """Something that nodes tell each other on a user's or a group's topic. It may get lost.

    Attributes:
        target: whose topic; a group's for MEMBERS, else a user's.
    """

    target: int
    what: str
    ids: tuple[int, ...]

    @property
    def topic(self) -> Topic:
        return (GROUP_CHAT if self.what == MEMBERS else ONE_CHAT, self.target)


OnNotices = Callable[[Sequence[Notice]], object]


class Forward(NamedTuple):
    """A live message (``direct``) for receivers at other nodes.

    Attributes:
        generation: of the sender's login; ``mid``: under which it is stored, by whoever has to
            after all, so that two cannot.
        tag: the caller's own.
    """

    message: ChatMessage
    receivers: frozenset[int]
    generation: int
    mid: str
    tag: object


class Forwarded(NamedTuple):
    """What became of it: nobody took it for these."""

    forward: Forward
    missed: frozenset[int]


class Live(NamedTuple):
    """A live message from another node, for this node's session of a user."""

    user_id: int
    session: Session
    message: ChatMessage
    generation: int
    mid: str
    fresh: bool = True


class LiveHandler(ABC):
    """Who has the sessions, where messages are handed on live. Any thread; quick."""

    @abstractmethod
    def forwarded(self, results: Sequence[Forwarded]) -> None:
        """What became of messages that went to other nodes."""

    @abstractmethod
    def find(self, message: ChatMessage) -> list[tuple[int, Session]]:
        """The sessions here of the message's receivers."""

    @abstractmethod
    def hand_over(self, lives: Sequence[Live]) -> None:
        """Hand these over, or store them: they are this node's now."""

    @abstractmethod
    def store(self, message: ChatMessage, generation: int, mid: str) -> None:
        """A message to a user, who has just left this node, or may have got it: store it."""


def ignore_notices(notices: Sequence[Notice]) -> None:
    """The handler of who sets none."""


class Bus(ABC):
    """Publish and subscribe by topic, one topic for a user and one for a group.

    Attributes:
        on_notices: called, like the callbacks of ``start``, with notices from other nodes. Set
            before anything is subscribed.
        live: handles live messages; set before ``start`` where there are any.
    """

    on_notices: OnNotices = staticmethod(ignore_notices)
    live: LiveHandler | None = None

    @property
    def alone(self) -> bool:
        """Are there no other nodes that a message could be forwarded to?"""
        return True

    @property
    def healthy(self) -> bool:
        """Does what is published arrive? If not, mailboxes must be looked into. Any thread."""
        return True

    @property
    def state(self) -> str:
        """In a word, to be shown. Any thread."""
        return "local"

    @abstractmethod
    def start(self, on_wakes: OnWakes, on_doubt: Callable[[], object]) -> None:
        """Begin. ``on_wakes`` and ``on_doubt`` (anything may have been missed) are called in
        the bus's or a publisher's thread and must be quick."""

    @abstractmethod
    def subscribe(self, topics: Iterable[Topic]) -> None:
        """Hear of these topics. Worker thread: blocks until that is certain, or the bus is
        known not to be healthy. Counted: each needs its ``unsubscribe``."""

    def stop_waiting(self) -> None:  # noqa: B027 - most buses do not wait
        """The loop has ended: ``subscribe`` returns at once from now on. Main thread."""

    @abstractmethod
    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        """Hear of these topics no more. Any thread."""

    @abstractmethod
    def publish(self, messages: Sequence[ChatMessage]) -> None:
        """Announce messages on their topics. Any thread; never blocks, never raises."""

    @abstractmethod
    def tell(self, notices: Sequence[Notice]) -> None:
        """Send notices to the other nodes. Any thread; never blocks, never raises."""

    def forward(self, forward: Forward) -> None:
        """Hand a live message to other nodes; the outcome comes to ``live.forwarded``. Any
        thread; never blocks, never raises. Not for a bus that is ``alone``."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Idempotent."""
