"""RequestWorkers: runs requests that block, on two pools of threads.

Hashing a password takes 20 ms of a core, on purpose. With one queue for all requests, 4,000
registrations would delay logins by token, history and friends by a minute and a half. So hashing
has threads and a queue of its own. The queue is short: clients at the end of a long one would give
up before their turn.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from chat.connection.connection import AnyConnection
from chat.process.clock import Clock
from chat.protocol import ErrNo, ProtocolError, errors
from muduopy import ThreadPool

PATIENCE_SECONDS = 5.0
"""How long a client waits for an answer. Then it has retried, and the request is not begun."""

MAX_HASHERS = 8
"""The default number of hashing threads is no higher, on any machine: each takes 19 MiB."""

WAITING_FOR_EACH_HASHER = 32
"""Passwords that may wait for each thread: some 0.6 s. Registrations take at most half of the
places; the rest is for logins."""

GONE_STATES = {7, 8}
"""Linux' numbers of TCP_CLOSE and TCP_CLOSE_WAIT: the peer has reset, or has sent its end."""


NEW_SHARE = 1 / 2
UNKNOWN_SHARE = 3 / 4
"""The parts of the places for registrations, and for logins without a known device."""

QUEUE_SECONDS = 1.0
"""Logins without a known device wait so long at the most, by the time of the last requests: a busy
machine hashes slowly. The requests of known devices then wait about as long, too."""

NETWORK_SHARE = 1 / 8
"""The part of the places for the requests of one network."""

KNOWN_SHARE = 1 / 4
"""The part of the places for the logins with known devices of one network. They have it in addition
to NETWORK_SHARE."""


class PeerGoneError(Exception):
    """The peer has hung up, and its request was not begun."""


Done = Callable[[Any, BaseException | None], object]


def hash_threads(setting: int) -> int:
    """The number of threads that hash, for a setting; 0 means one for each usable core."""
    return setting or min(len(os.sched_getaffinity(0)), MAX_HASHERS)


def new_hashers(threads: int) -> ThreadPool:
    """The pool for passwords."""
    return ThreadPool(threads, "hasher", threads * WAITING_FOR_EACH_HASHER)


class RequestWorkers:
    """Starts requests on one of two pools. Owns neither. All methods: the connection's loop."""

    def __init__(self, workers: ThreadPool, hashers: ThreadPool, clock: Clock) -> None:
        self._workers = workers
        self._hashers = hashers
        self._clock = clock
        self._lock = threading.Lock()  # guards _held and _seconds
        self._held: dict[Hashable, int] = {}  # places of the hashers' queue, by share
        self._seconds = 0.0  # of one request in the hashers, a moving average

    def is_crowded(self, share: Hashable) -> bool:
        """Are the places for logins without a known device taken, or those of this share?"""
        with self._lock:
            held = self._held.get(share, 0)
        pool = self._hashers
        taken = pool.queue_size >= self._places(UNKNOWN_SHARE)
        return taken or held >= pool.max_queue * NETWORK_SHARE

    def try_run(self, task: Callable[[], object]) -> bool:
        """Run a task without an answer; False if the workers are too busy."""
        return self._workers.try_run(task)

    def start(
        self,
        connection: AnyConnection,
        job: Callable[[], Any],
        done: Done,
    ) -> None:
        """Run a request of a user; ``done(result, error)`` follows in the connection's loop.

        The error may be the job's own; PeerGoneError; or a ProtocolError that says that the
        server is busy.
        """
        self._run(self._workers, connection, job, done, connection.loop.poll_return_time)

    def start_hashing(
        self, connection: AnyConnection, job: Callable[[], Any], done: Done, share: Hashable
    ) -> None:
        """``start`` for a request that hashes a password. ``share``: as for ``start_entrance``.

        It has no more places than registrations. Example: 80 users change their passwords again and
        again; the other half of the queue is for logins.
        """
        full = self._hashers.queue_size >= self._places(NEW_SHARE)
        if full or not self._take(share, NETWORK_SHARE):
            done(None, busy())
            return

        def release(result: Any, error: BaseException | None) -> None:
            self._release(share)
            done(result, error)

        begun = connection.loop.poll_return_time
        self._run(self._hashers, connection, partial(self._timed, job), release, begun)

    def start_entrance(
        self,
        connection: AnyConnection,
        job: Callable[[], Any],
        done: Done,
        *,
        hashes: bool = True,
        new: bool = False,
        known: bool = False,
        share: Hashable = None,
    ) -> None:
        """``start`` for a login or a registration (``new``).

        ``hashes``: it hashes a password. ``known``: it names a device that the account has used
        before, and may take the last places. ``share``: requests with the same one hold a part of
        the places at the most; None: there is no such bound.

        If the peer has ended its sending, the request is not begun: the peer may have gone, and a
        registration would leave an account without an owner.
        """
        pool = self._hashers if hashes else self._workers
        begun = connection.last_seen

        part = 1 if known else NEW_SHARE if new else UNKNOWN_SHARE
        most = KNOWN_SHARE if known else NETWORK_SHARE

        def release(result: Any, error: BaseException | None) -> None:
            self._release(share)
            done(result, error)

        def run() -> None:
            if _has_ended(connection):
                done(None, PeerGoneError())
            elif not hashes:
                self._run(pool, connection, job, done, begun, entrance=True)
            elif pool.queue_size >= self._places(part) or not self._take(share, most):
                done(None, busy())
            else:
                timed = partial(self._timed, job)
                self._run(pool, connection, timed, release, begun, entrance=True)

        # Not before the loop has polled the connection again. Example: the loop was busy for 5 s;
        # the client gave up and closed; the next poll reports that.
        connection.loop.queue_in_loop(lambda: connection.loop.queue_in_loop(run))

    def _places(self, part: float) -> float:
        """The places of the hashers' queue for requests that may take this part of it."""
        most = self._hashers.max_queue
        with self._lock:
            seconds = self._seconds
        if part == 1 or not seconds:
            return most * part
        threads = max(most // WAITING_FOR_EACH_HASHER, 1)
        return min(most * part, max(QUEUE_SECONDS * threads / seconds, threads))

    def _timed(self, job: Callable[[], Any]) -> Any:
        """Run a job and note its time. A hasher."""
        begun = self._clock.monotonic()
        try:
            return job()
        finally:
            took = self._clock.monotonic() - begun
            with self._lock:
                self._seconds += (took - self._seconds) / 8

    def _take(self, share: Hashable, part: float) -> bool:
        if share is None:
            return True
        with self._lock:
            held = self._held.get(share, 0)
            if held >= self._hashers.max_queue * part:
                return False
            self._held[share] = held + 1
        return True

    def _release(self, share: Hashable) -> None:
        if share is None:
            return
        with self._lock:
            left = self._held.pop(share) - 1
            if left:
                self._held[share] = left

    def _run(
        self,
        pool: ThreadPool,
        connection: AnyConnection,
        job: Callable[[], Any],
        done: Done,
        begun: float,
        *,
        entrance: bool = False,
    ) -> None:
        def work() -> Any:
            # In the worker's thread: the loop may have learned meanwhile that the peer has gone.
            if connection.closed or (entrance and connection.finishing):
                raise PeerGoneError
            if self._clock.monotonic() - begun > PATIENCE_SECONDS:
                raise busy()
            return job()

        if connection.closed:
            done(None, PeerGoneError())
        elif not pool.try_run_for(connection.loop, work, done):
            done(None, busy())


def busy() -> ProtocolError:
    """The refusal of a request for which all places are taken."""
    return ProtocolError(ErrNo.UNAVAILABLE, errors.BUSY, retry_after=1)


def _has_ended(connection: AnyConnection) -> bool:
    """Has the peer ended its sending? True even if bytes before the end are unread."""
    if connection.closed or connection.finishing:
        return True
    try:
        return connection.tcp.tcp_info.state in GONE_STATES
    except OSError:  # not on Linux
        return False
