from __future__ import annotations

from collections.abc import Sequence

from chat.bus import Bus, LocalBus, Wake
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT


def message(seq: int) -> ChatMessage:
    return ChatMessage(seq, ONE_CHAT, 1, "ann", 2, "hi", "now")


def test_it_wakes_in_order_and_misses_nothing() -> None:
    bus: Bus = LocalBus()
    heard: list[Sequence[Wake]] = []
    bus.start(heard.append, lambda: None)
    first, second, third = (message(seq) for seq in (1, 2, 3))
    bus.publish([first, second])
    bus.publish([third])
    assert heard == [[Wake(first, True), Wake(second, True)], [Wake(third, True)]]


def test_topics_need_no_subscription_here() -> None:
    bus = LocalBus()
    heard: list[Sequence[Wake]] = []
    bus.start(heard.append, lambda: None)
    bus.subscribe([(6, 2)])
    bus.unsubscribe([(6, 2)])
    bus.publish([message(1)])
    assert len(heard) == 1


def test_before_start_and_after_close_nobody_hears() -> None:
    bus = LocalBus()
    heard: list[Sequence[Wake]] = []
    bus.publish([message(1)])
    bus.start(heard.append, lambda: None)
    bus.close()
    bus.close()
    bus.publish([message(2)])
    assert heard == []
