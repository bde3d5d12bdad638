"""KeyedBuckets: a token bucket for each key, for a bounded number of keys.

A key is an address, an account, or a pair of both. An attacker can invent keys, so the table must
not grow without bound, and a flood of new keys must not erase the debts of others:

    An attacker guesses passwords from address A until its bucket is empty. Then the attacker
    connects from 10,000 other addresses, to push A out of the table.

A full bucket has no debt, so removing it changes nothing. Each new key removes up to two full
buckets. If the table has none, the bucket with the smallest debt goes. So A, with the largest debt,
stays; the attacker can only push out the buckets that owe less.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Hashable

MAX_KEYS = 20_000
"""Keys in a table: some 4 MB with strings as keys."""

SWEPT_AT_ONCE = 2
"""Entries that one new key corrects or removes: the table shrinks after a flood, and no call takes
long."""

LOOKED_AT = 16
"""Entries that are compared at most, to find a small debt in a full table."""


class KeyedBuckets:
    """Allows each key ``rate`` tokens a second, and ``burst`` at once. Any thread.

    Pure: the clock comes as an argument, in seconds, and must not go back. ``math.inf`` as the rate
    switches the limit off.

    A bucket is one number: the time at which it is full again. A bucket that is full is not stored.

    Attributes:
        forgotten: debts that were dropped, because the table was full of other debts.
    """

    def __init__(self, rate: float, burst: float, max_keys: int = MAX_KEYS) -> None:
        """Raises ValueError unless all numbers are positive."""
        if max_keys < 1:
            raise ValueError(f"max_keys: {max_keys} must be at least 1")
        _check(rate, burst)
        self._rate = rate
        self._burst = burst
        self._max_keys = max_keys
        self._lock = threading.Lock()  # guards all attributes
        self._full_at: dict[Hashable, float] = {}
        # One entry for each key: a former time of _full_at, a number against ties, the key.
        self._heap: list[tuple[float, int, Hashable]] = []
        self._numbers = itertools.count()
        self.forgotten = 0

    def __len__(self) -> int:
        """The number of keys in the table."""
        with self._lock:
            return len(self._full_at)

    def take(self, key: Hashable, now: float, cost: float = 1) -> float:
        """Take ``cost`` tokens. Returns 0, or the seconds to wait if they are not there.

        Without enough tokens nothing is taken. A cost above the burst needs a full bucket, and
        leaves a debt.
        """
        with self._lock:
            wait = self._wait(key, now, cost)
            if not wait:
                self._charge(key, now, cost)
            return wait

    def retry_after(self, key: Hashable, now: float, cost: float = 1) -> float:
        """The seconds until ``take`` would succeed; 0: now. Takes nothing."""
        with self._lock:
            return self._wait(key, now, cost)

    def charge(self, key: Hashable, now: float, cost: float = 1, most: float = math.inf) -> None:
        """Take ``cost`` tokens in any case. For costs that are known afterwards: an answer's size.

        ``most``: the tokens that the key then owes at the most. Such a bound keeps many failures at
        the same time from locking a user out for long.
        """
        with self._lock:
            self._charge(key, now, cost, most)

    def forget(self, key: Hashable) -> None:
        """Fill the bucket, for example after a login with the right password."""
        with self._lock:
            if key in self._full_at:
                self._full_at[key] = -math.inf  # its entry in the heap removes it later

    def set_limit(self, rate: float, burst: float, now: float) -> None:
        """Change the limit. Debts keep their number of tokens, up to the new burst.

        Raises ValueError as the constructor does.
        """
        _check(rate, burst)
        with self._lock:
            factor, longest = self._rate / rate, burst / rate
            self._rate = rate
            self._burst = burst
            self._full_at = {
                key: now + min((full_at - now) * factor, longest)
                for key, full_at in self._full_at.items()
                if full_at > now
            }
            self._heap = [
                (full_at, next(self._numbers), key) for key, full_at in self._full_at.items()
            ]
            heapq.heapify(self._heap)

    def debtors(self, count: int, now: float) -> list[tuple[Hashable, float]]:
        """The keys with the largest debts, in tokens, the largest first. For operators."""
        with self._lock:
            rate = self._rate
            owed = [(key, (at - now) * rate) for key, at in self._full_at.items() if at > now]
        return heapq.nlargest(count, owed, key=lambda pair: pair[1])

    # ------------------------------------------------------------------ with the lock

    def _wait(self, key: Hashable, now: float, cost: float) -> float:
        owed = max(0.0, self._full_at.get(key, now) - now)
        room = max(0.0, self._burst - cost) / self._rate
        wait = owed - room
        # Rounding must not make a caller wait for a nanosecond.
        return wait if wait > 1e-9 else 0.0

    def _charge(self, key: Hashable, now: float, cost: float, most: float = math.inf) -> None:
        known = self._full_at.get(key)
        begin = now if known is None else max(known, now)
        full_at = min(begin + cost / self._rate, max(begin, now + most / self._rate))
        if full_at <= now:
            return
        if known is None:
            self._make_room(now)
            heapq.heappush(self._heap, (full_at, next(self._numbers), key))
        self._full_at[key] = full_at

    def _make_room(self, now: float) -> None:
        for _ in range(SWEPT_AT_ONCE):
            if self._heap:
                self._look_at_first(now)
        if len(self._full_at) >= self._max_keys:
            self._drop_small_debt(now)

    def _look_at_first(self, now: float) -> None:
        """Correct the first entry, or remove its key if the bucket is full."""
        noted, number, key = self._heap[0]
        full_at = self._full_at[key]
        if full_at <= now:
            heapq.heappop(self._heap)
            del self._full_at[key]
        elif full_at != noted:
            heapq.heapreplace(self._heap, (full_at, number, key))

    def _drop_small_debt(self, now: float) -> None:
        """Remove the smallest debt of the first entries, up to one whose time is right."""
        entries: list[tuple[float, int, Hashable]] = []
        while self._heap and len(entries) < LOOKED_AT:
            noted, number, key = heapq.heappop(self._heap)
            full_at = self._full_at[key]
            entries.append((full_at, number, key))
            if full_at <= noted:
                break
        smallest = min(entries, key=lambda entry: entry[0])
        for entry in entries:
            if entry is not smallest:
                heapq.heappush(self._heap, entry)
        del self._full_at[smallest[2]]
        self.forgotten += smallest[0] > now


def _check(rate: float, burst: float) -> None:
    if not rate > 0:
        raise ValueError(f"rate: {rate} must be positive")
    if not burst > 0:
        raise ValueError(f"burst: {burst} must be positive")
