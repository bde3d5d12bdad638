"""LocalBus: the bus of a node that is alone. It carries no payloads, as no node would get them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chat.bus.base import Bus, BusListener, P
from chat.message import Topic


class LocalBus(Bus[P]):
    """Accepts everything and does nothing."""

    def start(self, listener: BusListener[P]) -> None:
        pass

    def subscribe(self, topics: Iterable[Topic]) -> None:
        pass

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        pass

    def publish(self, payloads: Sequence[P]) -> None:
        pass

    def tell(self, payloads: Sequence[P]) -> None:
        pass

    def close(self) -> None:
        pass
