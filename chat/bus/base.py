"""Bus: carries payloads between nodes, by topic.

A node subscribes to the topics of the users and groups that it has sessions of. The bus may lose
or delay what it carries, and reports when it may have lost something. It knows topics, bytes and
numbers of subscribers; a codec turns payloads into bytes and back.

    publish   numbered, so that a subscriber notices a gap
    tell      not numbered: a loss is not noticed
    request   not numbered; the bus reports the number of subscribers, and each may answer
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from chat.message import Topic


class BusRefusedError(Exception):
    """The bus cannot be used: a wrong password, a wrong host name, or a server of another kind."""


class BadPayloadError(ValueError):
    """Not in the form that chat servers send."""


class Addressed(Protocol):
    """A payload with its topic."""

    @property
    def topic(self) -> Topic:
        """The topic to publish it on."""


P = TypeVar("P", bound=Addressed)


Stamp = tuple[str, int]
"""The running number of a publication: an epoch of its publisher, and a number in it. In each
epoch the numbers of each topic begin with 1."""


class Codec(ABC, Generic[P]):
    """Turns payloads into bytes and back. Pure; any thread."""

    @abstractmethod
    def encode(self, payload: P, stamp: Stamp | None) -> bytes:
        """``stamp``: None where the payload is not numbered."""

    @abstractmethod
    def decode(self, topic: Topic, data: bytes | None) -> tuple[P, Stamp | None]:
        """``data``: None where it was too long. Raises BadPayloadError."""


class Received(NamedTuple, Generic[P]):
    """A payload from another node.

    Attributes:
        contiguous: it was numbered, and no number before it is missing.
        fresh: it was published just now; what is not fresh may have been given up by its sender.
    """

    payload: P
    contiguous: bool
    fresh: bool


class Answer(NamedTuple):
    """An answer to a request.

    Attributes:
        number: the request's, as its sender chose it.
        ids: the users that the request has reached at the answering node.
    """

    number: int
    ids: Sequence[int]


Count = tuple[Any, int]
"""The tag of a request, and how many subscribers it had; 0 if it could not be published."""


class BusListener(ABC, Generic[P]):
    """Takes what the bus brings. Called in the bus's thread; returns quickly."""

    @abstractmethod
    def on_received(self, received: Sequence[Received[P]]) -> None:
        """Payloads on topics that were subscribed to, in their order."""

    @abstractmethod
    def on_counts(self, counts: Sequence[Count]) -> None:
        """Requests of this node were published, or have failed."""

    @abstractmethod
    def on_answers(self, answers: Sequence[Answer]) -> None:
        """Answers to requests of this node."""

    @abstractmethod
    def on_doubt(self) -> None:
        """Anything that was published until now may have been lost."""


class Bus(ABC, Generic[P]):
    """Publish and subscribe by topic."""

    @property
    def name(self) -> str:
        """The name that answers to this node's requests are sent to. Any thread."""
        return ""

    @property
    def alone(self) -> bool:
        """Are there no other nodes? Then nothing need be published."""
        return True

    @property
    def healthy(self) -> bool:
        """Does what is published arrive? If not, mailboxes must be polled. Any thread."""
        return True

    @property
    def state(self) -> str:
        """One word for the list of nodes. Any thread."""
        return "local"

    @abstractmethod
    def start(self, listener: BusListener[P]) -> None:
        """Begin. Once."""

    @abstractmethod
    def subscribe(self, topics: Iterable[Topic]) -> None:
        """Receive these topics. Worker thread: blocks until the subscription is certain, or the
        bus is known not to be healthy. Counted: each needs its ``unsubscribe``."""

    def stop_waiting(self) -> None:
        """The loop has ended: ``subscribe`` returns at once from now on. Main thread."""

    @abstractmethod
    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        """Receive these topics no more. Any thread."""

    @abstractmethod
    def publish(self, payloads: Sequence[P]) -> None:
        """Send payloads to other nodes, numbered. Any thread; never blocks, never raises."""

    @abstractmethod
    def tell(self, payloads: Sequence[P]) -> None:
        """Send payloads, not numbered. Any thread; never blocks, never raises.

        If this node subscribes to the topic, it receives them, too.
        """

    def request(self, payload: P, tag: object) -> None:
        """Send a payload; ``on_counts`` gets the tag and the number of subscribers.

        Any thread; never blocks, never raises. Not for a bus that is ``alone``.
        """
        raise NotImplementedError

    def answer(self, node: str, answer: Answer) -> None:
        """Answer a request of the node with this name. Any thread; not for one that is alone."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Idempotent."""
