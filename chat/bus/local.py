"""LocalBus: one node, so everybody who could be woken is here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chat.bus.base import Bus, Notice, OnWakes, Wake
from chat.message import ChatMessage, Topic


class LocalBus(Bus):
    """Calls the node's own receiver, in the publisher's thread. It loses nothing."""

    def __init__(self) -> None:
        self._on_wakes: OnWakes = _nobody

    def start(self, on_wakes: OnWakes, on_doubt: Callable[[], object]) -> None:
        self._on_wakes = on_wakes

    def subscribe(self, topics: Iterable[Topic]) -> None:
        pass  # the node looks its sessions up itself

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        pass

    def publish(self, messages: Sequence[ChatMessage]) -> None:
        self._on_wakes([Wake(message, True) for message in messages])

    def tell(self, notices: Sequence[Notice]) -> None:
        pass  # there are no others

    def close(self) -> None:
        self._on_wakes = _nobody


def _nobody(wakes: Sequence[Wake]) -> None:
    pass
