"""Bus: carries payloads between nodes, by topic.

A node subscribes to the topics of the users with a login at it, and to those of their groups.
The bus may lose or delay payloads, and it reports when it may have lost some (``on_doubt``). It
knows topics, bytes and numbers of subscribers. It knows no messages: a codec turns payloads into
bytes and back.

    publish   numbered, so a subscriber notices a gap
    tell      not numbered, so a loss is not noticed
    request   not numbered; the bus reports the number of subscribers, and each may answer
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from chat.counters import Histogram
from chat.message import Topic


class BusRefusedError(Exception):
    """The bus cannot be used: a wrong password, a wrong host name, or a server of another kind."""


class BadPayloadError(ValueError):
    """A payload does not have the form that chat servers send."""


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
        fresh: it was published just now. If it was not, the node that published it may have given
            it up meanwhile, and stored the message.
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
    """Receives the payloads, counts and answers of a bus, in its thread. Returns quickly."""

    @abstractmethod
    def on_received(self, received: Sequence[Received[P]]) -> None:
        """Payloads on the topics of this node's subscriptions, in the order of their arrival."""

    @abstractmethod
    def on_counts(self, counts: Sequence[Count]) -> None:
        """Requests of this node were published, or have failed."""

    @abstractmethod
    def on_answers(self, answers: Sequence[Answer]) -> None:
        """Answers to requests of this node."""

    @abstractmethod
    def on_doubt(self) -> None:
        """Any payload that was published until now may have been lost."""


class Bus(ABC, Generic[P]):
    """Publishes and subscribes by topic."""

    @property
    def name(self) -> str:
        """This node's name as the receiver of answers to its requests. Any thread."""
        return ""

    @property
    def alone(self) -> bool:
        """Are there no other nodes? Then no payload need be published."""
        return True

    @property
    def healthy(self) -> bool:
        """Do publications arrive here? If not, mailboxes must be polled. Any thread."""
        return True

    @property
    def probe_seconds(self) -> Histogram | None:
        """The time in which this node's own probes came back; None: it needs none. Any thread."""
        return None

    @property
    def state(self) -> str:
        """One word for the list of nodes. Any thread."""
        return "local"

    @abstractmethod
    def start(self, listener: BusListener[P]) -> None:
        """Connect, and give all events to the listener. Called once."""

    @abstractmethod
    def subscribe(self, topics: Iterable[Topic]) -> None:
        """Receive these topics. Worker thread: blocks until each subscription is confirmed, or
        cannot be confirmed for now. Subscriptions are counted: each needs its ``unsubscribe``."""

    def stop_waiting(self) -> None:
        """The loop has ended: ``subscribe`` returns at once from now on. Main thread."""

    @abstractmethod
    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        """End one subscription to each of these topics. Any thread."""

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
        """Answer a request of the node with this name. Any thread.

        Not for a bus that is ``alone``.
        """
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Idempotent."""
