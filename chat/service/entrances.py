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
from chat.protocol import Message, MsgType, ProtocolError, errors, normal_name
from chat.service.request_workers import Done, RequestWorkers, busy
from chat.storage import Database
from chat.storage.tables import DirectoryModel, KnownDeviceModel

Job = Callable[[], Any]

MAX_UNKNOWN = 2**62 - 1
"""The numbers of unknown names are negative, and fit into the integers of the databases."""

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

        Raises ProtocolError(TOO_MANY) if its limits refuse it at once. A login by name gets its
        ``id`` first.
        """
        if message["msgid"] == MsgType.LOGIN_MSG and "id" not in message:
            self._find_account(connection, message, job, done)
        else:
            self._admit(connection, message, job, done)

    def _find_account(
        self, connection: AnyConnection, message: Message, job: Job, done: Done
    ) -> None:
        """Admit a login by name as a login of the account with that name.

        An outsider must not learn whether a name exists. So an unknown name goes the same way, as a
        number that no account has: the same limits, statements and hashing follow.
        """
        name = message["name"]

        def find() -> int | None:
            return self._database.read(
                lambda tx: DirectoryModel(tx).id_of((name, normal_name(name)))
            )

        def found(user_id: Any, error: BaseException | None) -> None:
            if error is not None:
                done(None, error)
                return
            message["id"] = unknown_account(name) if user_id is None else user_id
            try:
                self._admit(connection, message, job, done)
            except ProtocolError as exc:
                done(None, exc)

        self._workers.start_entrance(connection, find, found, hashes=False)

    def _admit(self, connection: AnyConnection, message: Message, job: Job, done: Done) -> None:
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


def unknown_account(name: str) -> int:
    """A number for a name that no user has. It counts the failures of that name. Any thread."""
    return -1 - (hash(normal_name(name)) & MAX_UNKNOWN)  # Python's hash differs in each process


def _refusal(wait: float) -> ProtocolError:
    return too_many(errors.TOO_MANY_LOGINS, wait) if wait else busy()
