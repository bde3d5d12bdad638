"""LoginLimits: slows the guessing of passwords, and limits registrations. Pure: no clock.

Failed logins by password count in three tables of token buckets:

    account and network   guesses at one account from one place; the pauses grow
    network               guesses at many accounts from one place
    account               guesses at one account from many places

An attacker can fill the last two for others. So they do not hold for the owner of the account:

- A device with which the account has logged in before has buckets of its own, in addition to the
  others: one for each network, with growing pauses, and one for all networks. An attacker that
  claims the name of the device can only use up these. From one network it does not use up the
  second one, so it does not lock the owner's device out elsewhere.
- So has a network from which the account has logged in lately. Example: A and an attacker are
  behind one NAT. The attacker fails as 50 users; A, who was here yesterday, still gets in.
- A login by token has no limit. A token of 256 random bits cannot be guessed.

A network is an IPv4 address or the /64 of an IPv6 address. All tables are bounded.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from chat.limits.keyed_buckets import KeyedBuckets
from chat.limits.networks import Exempt, network_key
from chat.login.group_failures import GroupFailures, GroupRates
from chat.protocol import ErrNo, ProtocolError

HOUR = 3600.0

LATELY_SECONDS = 30 * 86_400.0
"""How long a login vouches for its network."""

DOUBLINGS = 7
LONGEST_PAUSE = 900.0
"""Pauses between two guesses at an account double so often, up to so many seconds."""


@dataclass(frozen=True, slots=True)
class LoginRates:
    """How many failures are allowed.

    Attributes:
        failures, window: of a pair of account and network, and in how many seconds.
        of_network, of_account: in an hour.
        registrations: of a network in an hour.
    """

    failures: int = 10
    window: float = 60.0
    of_network: int = 50
    of_account: int = 100
    registrations: int = 50

    @property
    def of_groups(self) -> GroupRates:
        """The limits of wrong passwords of groups: the same numbers."""
        return GroupRates(self.failures, self.window, self.of_network, self.of_account)


class LoginLimits:
    """Counts failures and registrations. Any thread. ``now``: monotonic seconds.

    Attributes:
        groups: counts wrong passwords of groups.
    """

    def __init__(self, rates: LoginRates, exempt: Exempt) -> None:
        """``exempt``: the hosts whose network is not limited; their accounts are."""
        self.groups = GroupFailures(rates.of_groups, exempt)
        self._rates = rates
        self._exempt = exempt
        rate = rates.failures / rates.window
        self._pairs = KeyedBuckets(rate, rates.failures)
        self._devices = KeyedBuckets(rates.of_account / HOUR, rates.of_account)
        # Counts the failures of an hour, and refuses nothing: the pauses grow with it.
        self._hour = KeyedBuckets(rates.failures / HOUR, rates.failures)
        self._networks = KeyedBuckets(rates.of_network / HOUR, rates.of_network)
        self._accounts = KeyedBuckets(rates.of_account / HOUR, rates.of_account)
        self._lately = KeyedBuckets(1.0, LATELY_SECONDS)
        self._registrations = KeyedBuckets(rates.registrations / HOUR, rates.registrations)

    def change(self, rates: LoginRates, networks: Iterable[str], now: float) -> None:
        """Use other limits and exempt networks from now on. Failures stay counted."""
        rate = rates.failures / rates.window
        self._pairs.set_limit(rate, rates.failures, now)
        self._devices.set_limit(rates.of_account / HOUR, rates.of_account, now)
        self._hour.set_limit(rates.failures / HOUR, rates.failures, now)
        self._networks.set_limit(rates.of_network / HOUR, rates.of_network, now)
        self._accounts.set_limit(rates.of_account / HOUR, rates.of_account, now)
        self._registrations.set_limit(rates.registrations / HOUR, rates.registrations, now)
        self.groups.change(rates.of_groups, now)
        self._exempt.replace(networks)
        self._rates = rates

    def retry_after(self, host: str, user_id: int, now: float, device: str | None = None) -> float:
        """Seconds until a login by password is allowed; 0: now.

        ``device``: the hash of a device that the account has used before.
        """
        wait = self._wait_without_device(host, user_id, now)
        if device is None or not wait:
            return wait
        return min(wait, self._wait_of_device(network_key(host), user_id, device, now))

    def _wait_of_device(self, network: str, user_id: int, device: str, now: float) -> float:
        wait = self._pairs.retry_after((network, user_id, device), now)
        return max(wait, self._devices.retry_after((user_id, device), now))

    def _wait_without_device(self, host: str, user_id: int, now: float) -> float:
        pair = (network_key(host), user_id)
        wait = self._pairs.retry_after(pair, now)
        if self._knows(pair, now):
            return wait
        wait = max(wait, self._accounts.retry_after(user_id, now))
        if not self._exempt.covers(host):
            wait = max(wait, self._networks.retry_after(pair[0], now))
        return wait

    def failed(self, host: str, user_id: int, now: float, device: str | None = None) -> None:
        """Count a wrong password. ``device``: as for ``retry_after``."""
        network, rates = network_key(host), self._rates
        if device is not None and not self._wait_of_device(network, user_id, device, now):
            self._slow_down((network, user_id, device), now)
            self._devices.charge((user_id, device), now, most=rates.of_account)
            return
        self._slow_down((network, user_id), now)
        self._accounts.charge(user_id, now, most=rates.of_account)
        if not self._exempt.covers(host):
            self._networks.charge(network, now, most=rates.of_network)

    def _slow_down(self, pair: Hashable, now: float) -> None:
        """Count a failure of this pair. The pauses grow with the failures of an hour."""
        rates = self._rates
        self._hour.charge(pair, now, most=rates.failures + DOUBLINGS)
        extra = self._hour.retry_after(pair, now, rates.failures) * rates.failures / HOUR
        cost = 2.0 ** int(extra - rates.failures + 0.5) if extra > rates.failures else 1.0
        most = rates.failures - 1 + LONGEST_PAUSE * rates.failures / rates.window
        self._pairs.charge(pair, now, cost, most)

    def succeeded(self, host: str, user_id: int, now: float, device: str | None = None) -> None:
        """The password was right: forget the failures of this place."""
        network = network_key(host)
        pairs: list[Hashable] = [(network, user_id)]
        if device is not None:
            pairs.append((network, user_id, device))
            self._devices.forget((user_id, device))
        for pair in pairs:
            self._pairs.forget(pair)
            self._hour.forget(pair)
        self.note_login(host, user_id, now)

    def note_login(self, host: str, user_id: int, now: float) -> None:
        """The account has logged in from this network."""
        pair = (network_key(host), user_id)
        self._lately.charge(pair, now, LATELY_SECONDS, most=LATELY_SECONDS)

    def register(self, host: str, now: float) -> float:
        """Count a registration. Returns 0, or the seconds to wait if there were too many."""
        if self._exempt.covers(host):
            return 0.0
        return self._registrations.take(network_key(host), now)

    def share_key(self, host: str) -> str | None:
        """The key under which requests of this host share the queue for hashing.

        None: the host is exempt.
        """
        return None if self._exempt.covers(host) else network_key(host)

    def _knows(self, pair: tuple[str, int], now: float) -> bool:
        return self._lately.retry_after(pair, now, LATELY_SECONDS) > 0


def too_many(words: str, wait: float) -> ProtocolError:
    """The refusal of a request that must wait for so many seconds."""
    return ProtocolError(ErrNo.TOO_MANY, words, retry_after=int(wait) + 1)
