"""Entrances: admits logins and registrations to the threads that hash passwords.

Hashing takes 20 ms of a core, so an attacker would try to occupy these threads. A request that its
limits refuse is answered in the loop and never enters their queue. One network has a share of the
queue's places. The last places are for logins with a device that the account has used before:

    1,000 connections guess passwords, and have taken all other places. A's laptop logs in. A
    worker finds it among A's devices, so A's login gets one of the last places.

An account gets these places a few times in a minute only. Otherwise an attacker with 80 accounts
could log in with their known devices again and again, and take all the last places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chat.connection.connection import AnyConnection
from chat.handlers.account import needs_hashing
from chat.limits.keyed_buckets import KeyedBuckets
from chat.login.login_limits import LoginLimits, too_many
from chat.process.clock import Clock
from chat.protocol import Message, MsgType, ProtocolError, errors
from chat.service.request_workers import Done, RequestWorkers, busy
from chat.storage import Database
from chat.storage.tables import KnownDeviceModel

Job = Callable[[], Any]

KNOWN_LOGINS, KNOWN_SECONDS = 5, 60.0
"""Logins of one account in the last places, in a period (seconds)."""


class Entrances:
    """Starts logins and registrations. All methods: the connection's loop."""

    def __init__(
        self, workers: RequestWorkers, limits: LoginLimits, database: Database, clock: Clock
    ) -> None:
        self._workers = workers
        self._limits = limits
        self._database = database
        self._clock = clock
        self._known_logins = KeyedBuckets(KNOWN_LOGINS / KNOWN_SECONDS, KNOWN_LOGINS)

    def start(self, connection: AnyConnection, message: Message, job: Job, done: Done) -> None:
        """Run the request, or call ``done`` with the ProtocolError that refuses it.

        Raises ProtocolError(TOO_MANY) if its limits refuse it at once.
        """
        new = message["msgid"] == MsgType.REG_MSG
        if not needs_hashing(message, connection.v2):
            self._workers.start_entrance(connection, job, done, hashes=False, new=new)
            return
        share = self._limits.share_key(connection.peer)
        now = self._clock.monotonic()
        if new:
            if wait := self._limits.register(connection.peer, now):
                raise too_many(errors.TOO_MANY_REGISTRATIONS, wait)
            self._workers.start_entrance(connection, job, done, new=True, share=share)
            return
        device = message.get("device") if connection.v2 else None
        wait = self._limits.retry_after(connection.peer, message["id"], now)
        if not wait and not self._workers.is_crowded(share):
            self._workers.start_entrance(connection, job, done, share=share)
        elif device is not None:
            self._look_up(connection, message, job, done, wait)
        else:
            raise _refusal(wait)

    def _look_up(
        self, connection: AnyConnection, message: Message, job: Job, done: Done, wait: float
    ) -> None:
        """Admit the login if the account knows the device."""
        user_id, device = message["id"], message["device"]

        def find() -> bool:
            return self._database.read(lambda tx: KnownDeviceModel(tx).knows(user_id, device))

        def found(known: Any, error: BaseException | None) -> None:
            if not known:
                done(None, error or _refusal(wait))
            elif often := self._known_logins.take(user_id, self._clock.monotonic()):
                done(None, _refusal(often))
            else:
                network = self._limits.share_key(connection.peer)
                share = None if network is None else ("known", network)
                self._workers.start_entrance(connection, job, done, known=True, share=share)

        self._workers.start(connection, find, found)


def _refusal(wait: float) -> ProtocolError:
    return too_many(errors.TOO_MANY_LOGINS, wait) if wait else busy()
