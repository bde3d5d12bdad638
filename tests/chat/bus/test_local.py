"""LocalBus: a node that is alone needs nothing carried."""

from __future__ import annotations

from collections.abc import Sequence

from chat.bus import Answer, BusListener, Count, LocalBus, Received
from chat.delivery.codec import Payload
from chat.message import ChatMessage
from chat.notice import TAKEN, Notice
from chat.protocol import ONE_CHAT


class Surprised(BusListener[Payload]):
    """Fails whatever it receives."""

    def on_received(self, received: Sequence[Received[Payload]]) -> None:
        raise AssertionError(received)

    def on_counts(self, counts: Sequence[Count]) -> None:
        raise AssertionError(counts)

    def on_answers(self, answers: Sequence[Answer]) -> None:
        raise AssertionError(answers)

    def on_doubt(self) -> None:
        raise AssertionError


def test_it_carries_nothing() -> None:
    bus: LocalBus[Payload] = LocalBus()
    bus.start(Surprised())
    bus.subscribe([(ONE_CHAT, 2)])
    bus.publish([ChatMessage(1, ONE_CHAT, 1, "ann", 2, "hi", "now")])
    bus.tell([Notice(2, TAKEN, ())])
    bus.unsubscribe([(ONE_CHAT, 2)])
    bus.stop_waiting()
    bus.close()
    bus.close()


def test_it_is_alone_and_healthy() -> None:
    bus: LocalBus[Payload] = LocalBus()
    assert (bus.alone, bus.healthy, bus.state) == (True, True, "local")
