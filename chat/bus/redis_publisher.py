"""Publisher: sends what is queued to Redis, from one thread, pipelined."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

import redis

log = logging.getLogger(__name__)

MAX_QUEUED = 50_000
"""Payloads that may wait; further ones are dropped. They are in the database all the same."""

PIPELINE = 500
"""Payloads in one round trip."""

RETRY_SECONDS = 0.2
"""How long nothing is tried after a failure: with Redis away, dropping at once is best."""

COMPLAIN_SECONDS = 10.0


class Publisher:
    """Owns the publishing connection. ``put`` and ``failures``: any thread."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._lock = threading.Lock()  # guards _queue and _closing
        self._ready = threading.Condition(self._lock)
        self._queue: deque[tuple[str, bytes]] = deque()
        self._closing = False
        self._complained = 0.0
        self.failures = 0
        """How many payloads were dropped. Written by this thread only."""
        self._thread = threading.Thread(target=self._run, name="redis-publisher")

    def start(self) -> None:
        self._thread.start()

    def put(self, items: list[tuple[str, bytes]]) -> None:
        """Queue (channel, payload). Never blocks; drops what is too much."""
        with self._lock:
            room = MAX_QUEUED - len(self._queue)
            self._queue.extend(items[:room] if room < len(items) else items)
            self._ready.notify()

    def close(self) -> None:
        """Drop what waits, and end. Idempotent."""
        with self._lock:
            self._closing = True
            self._ready.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._queue and not self._closing:
                    self._ready.wait()
                if self._closing:
                    return
                batch = [self._queue.popleft() for _ in range(min(PIPELINE, len(self._queue)))]
            try:
                pipeline = self._client.pipeline(transaction=False)
                for channel, payload in batch:
                    pipeline.publish(channel, payload)
                pipeline.execute()
            except (redis.RedisError, OSError) as exc:
                self._failed(len(batch), exc)

    def _failed(self, count: int, reason: Exception) -> None:
        with self._lock:
            count += len(self._queue)
            self._queue.clear()
            self.failures += count
            now = time.monotonic()
            if now - self._complained > COMPLAIN_SECONDS:
                self._complained = now
                log.warning("publishing failed, receivers will find out later: %s", reason)
            self._ready.wait_for(lambda: self._closing, RETRY_SECONDS)
