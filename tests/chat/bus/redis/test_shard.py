"""What a shard takes for fresh: no connection, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chat.bus import Count
from chat.bus.redis.link import LinkContext
from chat.bus.redis.resp import Published
from chat.bus.redis.shard import MAX_PROBES, PROBE_SECONDS, RedisShard, ShardOwner
from chat.bus.redis.url import RedisAddress
from muduopy import EventLoop, ThreadPool

HOST = ("127.0.0.1", 1)


class Clockwork(ShardOwner):
    """Owner of a shard: moves its clock, and records the payloads and their freshness."""

    def __init__(self, loop: EventLoop, workers: ThreadPool) -> None:
        self.now = 1000.0
        self.sent: list[tuple[bytes, bytes]] = []  # probes
        self.probes: list[float] = []  # the times of those that came back
        self.heard: list[tuple[bytes | None, bool]] = []
        self.shard = RedisShard(
            LinkContext(loop, workers, RedisAddress((HOST,)), "node"), HOST, b"probe", self
        )
        self.shard._publisher.publish = self._publish  # type: ignore[method-assign]

    def _publish(self, channel: bytes, payload: bytes, tag: object = None) -> None:
        self.sent.append((channel, payload))

    def passes(self, seconds: float) -> None:
        """Time in which nothing of ours runs."""
        self.now += seconds

    def ticks(self, count: int = 1) -> None:
        """So often the timer runs when it should."""
        for _ in range(count):
            self.passes(PROBE_SECONDS)
            self.shard._check()

    def arrive(self, *messages: tuple[bytes, bytes]) -> None:
        """These come in one piece."""
        self.shard._take([Published(*message) for message in messages])

    def on_probe(self, seconds: float) -> None:
        self.probes.append(seconds)

    def is_fresh(self, payload: bytes = b"x") -> bool:
        """A message comes; is it?"""
        self.arrive((b"chat:6:7", payload))
        heard, fresh = self.heard.pop()
        assert heard == payload
        return fresh

    def come_back(self) -> None:
        """All the probes that are under way."""
        sent, self.sent = self.sent, []
        self.arrive(*sent)

    def on_messages(self, messages: Sequence[Published], fresh: bool) -> None:
        self.heard += [(message.payload, fresh) for message in messages]

    def on_counts(self, counts: Sequence[Count]) -> None:
        pass

    def on_change(self) -> None:
        pass

    def on_doubt(self) -> None:
        pass

    def on_moved(self) -> None:
        pass


@pytest.fixture
def clock(loop: EventLoop, workers: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    clock = Clockwork(loop, workers)
    monkeypatch.setattr("chat.bus.redis.shard.time.monotonic", lambda: clock.now)
    clock.shard._alive_at = clock.now
    clock.ticks()
    clock.come_back()
    return clock


def test_while_probes_come_back_all_is_fresh(clock: Clockwork) -> None:
    for _ in range(20):
        clock.ticks()
        assert clock.is_fresh(), "though this probe is not back yet"
        clock.come_back()
        assert clock.is_fresh()
    assert not clock.sent


def test_probes_are_not_handed_on(clock: Clockwork) -> None:
    clock.ticks()
    clock.come_back()
    clock.arrive((b"probe", b"forged"), (b"probe", b""))
    assert not clock.heard


def test_redis_was_frozen(clock: Clockwork) -> None:
    """After a freeze, payloads count as old until the last probe of before has come back."""
    clock.ticks(8)
    assert len(clock.sent) == 8
    assert not clock.is_fresh()
    *old, last = clock.sent
    for probe in old:
        clock.arrive(probe)
    assert clock.is_fresh(), "the last one was sent just now"
    clock.passes(0.1)
    clock.ticks(2)
    clock.passes(0.1)
    assert not clock.is_fresh(), "and is old by now"
    clock.arrive(last)
    assert clock.is_fresh()


def test_what_comes_together_with_an_old_probe(clock: Clockwork) -> None:
    clock.ticks(8)
    clock.arrive(*clock.sent, (b"chat:6:7", b"x"))
    assert clock.heard == [(b"x", False)]


def test_we_were_frozen(clock: Clockwork) -> None:
    """Whatever waits for us comes before the timer runs; and before a probe of now."""
    clock.passes(10.0)
    assert not clock.is_fresh(b"first")
    assert len(clock.sent) == 1, "a probe at once"
    assert not clock.is_fresh(b"second")
    clock.ticks()
    assert not clock.is_fresh(b"third"), "the timer's probe is not needed for that"
    clock.come_back()
    assert clock.is_fresh()


def test_a_probe_from_before_we_were_frozen(clock: Clockwork) -> None:
    clock.ticks()
    (before,) = clock.sent
    clock.passes(10.0)
    assert not clock.is_fresh()
    clock.ticks()
    clock.arrive(before)
    assert not clock.is_fresh()
    clock.come_back()
    assert clock.is_fresh()


def test_a_probe_of_another_channel_is_not_waited_for(clock: Clockwork) -> None:
    """Its slot has moved: it may never come."""
    clock.ticks(8)
    clock.shard.change_probe(b"other")
    assert clock.shard.probe == b"other"
    assert clock.is_fresh()
    clock.sent.clear()
    clock.ticks()
    assert [channel for channel, _ in clock.sent] == [b"other"]


def test_probes_that_never_come_back(clock: Clockwork) -> None:
    clock.ticks(3 * MAX_PROBES)
    assert len(clock.shard._unheard) == MAX_PROBES
    assert not clock.is_fresh()
    clock.arrive(clock.sent[-1])
    assert clock.is_fresh()
