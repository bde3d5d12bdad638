"""LoginCosts: an account and a network pay for what their logins draw and open.

The answer to a login has friends, groups and up to 200 waiting messages. A client that acknowledges
nothing gets the same messages at its next login: 2 MB of logins by token drew 324 MB in 10 s. So
each login is charged with the bytes of its answer, and at its end with the stored messages that
came after it and were not acknowledged. An account or network that owes is told to wait.

A login that opens a device takes the lock of ``setting.devices``, which waits for the messages in
the making. The transactions of all messages wait for it in turn. So an account may open only so
many devices in an hour, here too if it ends one for each that it opens.

The limits must not become a weapon:

- Logins by token and by password have budgets of their own. Example: a thief logs in with A's token
  again and again; A still gets in with the password, changes it, and the token ends.
- An account gets a few logins in spite of its network's debts. Example: A and an attacker are
  behind one NAT. The attacker logs in with ten accounts without a pause; A still gets in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from chat.limits.keyed_buckets import KeyedBuckets
from chat.protocol import ErrNo, Limits, ProtocolError, errors

KIB = 1024
HOUR = 3600.0

BURST_SECONDS = 8
"""An account and a network may draw the bytes of so many seconds at once, and owe as much again."""

ACCOUNT_SHARE = 1 / 2
"""The rate of an account's logins, as a part of the rate of its requests (``answer_kib``), which is
also the rate of a network. By default it may draw four of the largest answers at once, or 400 usual
ones of 10 KiB."""

SPARE_LOGINS, SPARE_SECONDS = 2, 60.0
"""Logins of an account whose network owes: so many at once, and one more in each period."""


class LoginCosts:
    """The debts of all accounts and networks. Any thread. ``now``: monotonic seconds."""

    def __init__(self, limits: Limits, network_of: Callable[[str], Hashable | None]) -> None:
        """``network_of``: the key of a client's host; None: the host has no limits."""
        self._network_of = network_of
        rate = limits.answer_kib * KIB
        self._networks = KeyedBuckets(rate, rate * BURST_SECONDS)
        self._accounts = KeyedBuckets(rate * ACCOUNT_SHARE, rate * ACCOUNT_SHARE * BURST_SECONDS)
        self._spare = KeyedBuckets(1 / SPARE_SECONDS, SPARE_LOGINS)
        self._most = 2.0 * rate * BURST_SECONDS
        self._devices = KeyedBuckets(limits.new_devices / HOUR, limits.new_devices)

    def change(self, limits: Limits, now: float) -> None:
        """Use other limits from now on. Debts stay."""
        rate = limits.answer_kib * KIB
        self._networks.set_limit(rate, rate * BURST_SECONDS, now)
        account = rate * ACCOUNT_SHARE
        self._accounts.set_limit(account, account * BURST_SECONDS, now)
        self._most = 2.0 * rate * BURST_SECONDS
        self._devices.set_limit(limits.new_devices / HOUR, limits.new_devices, now)

    def check(self, user_id: int, host: str, now: float, *, by_password: bool) -> None:
        """Before a verified login begins. Raises ProtocolError(TOO_MANY)."""
        wait = self._accounts.retry_after((user_id, by_password), now)
        network = self._network_of(host)
        if not wait and network is not None:
            wait = self._networks.retry_after(network, now)
            if wait and not self._spare.take(user_id, now):
                wait = 0.0
        if wait:
            raise ProtocolError(ErrNo.TOO_MANY, errors.TOO_MUCH_DRAWN, retry_after=int(wait) + 1)

    def open_device(self, user_id: int, now: float) -> None:
        """Before a login opens a device. Raises ProtocolError(TOO_MANY)."""
        wait = self._devices.take(user_id, now)
        if wait:
            words = errors.TOO_MANY_NEW_DEVICES
            raise ProtocolError(ErrNo.TOO_MANY, words, retry_after=int(wait) + 1)

    def charge(self, user_id: int, host: str, size: int, now: float, *, by_password: bool) -> None:
        """A login has drawn so many bytes."""
        most = self._most
        self._accounts.charge((user_id, by_password), now, size, most * ACCOUNT_SHARE)
        network = self._network_of(host)
        if network is not None:
            self._networks.charge(network, now, size, most)
