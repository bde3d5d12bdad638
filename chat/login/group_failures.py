"""GroupFailures: slows the guessing of the passwords of groups. Pure: no clock.

Wrong passwords count in three tables of token buckets:

    user and group    guesses of one user at one group
    network           guesses at all groups from one place
    group             guesses at one group by many users

Attackers can fill the last one. So it does not hold for a user that has not failed at the group
lately: each account has a guess. An id without a group counts like a group, so that the limits do
not show which groups exist.
"""

from __future__ import annotations

from dataclasses import dataclass

from chat.limits.keyed_buckets import KeyedBuckets
from chat.limits.networks import Exempt, network_key

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Wrong passwords that are allowed.

    Attributes:
        failures, window: of a user for a group, and in how many seconds.
        of_network, of_group: in an hour.
    """

    failures: int
    window: float
    of_network: int
    of_group: int


class GroupFailures:
    """Counts wrong passwords of groups. Any thread. ``now``: monotonic seconds."""

    def __init__(self, rates: GroupRates, exempt: Exempt) -> None:
        """``exempt``: the hosts whose network is not limited."""
        self._rates = rates
        self._exempt = exempt
        self._pairs = KeyedBuckets(rates.failures / rates.window, rates.failures)
        self._networks = KeyedBuckets(rates.of_network / HOUR, rates.of_network)
        self._groups = KeyedBuckets(rates.of_group / HOUR, rates.of_group)

    def change(self, rates: GroupRates, now: float) -> None:
        """Use other limits from now on. Failures stay counted."""
        self._pairs.set_limit(rates.failures / rates.window, rates.failures, now)
        self._networks.set_limit(rates.of_network / HOUR, rates.of_network, now)
        self._groups.set_limit(rates.of_group / HOUR, rates.of_group, now)
        self._rates = rates

    def retry_after(self, host: str, user_id: int, group_id: int, now: float) -> float:
        """Seconds until the user may try a password of the group; 0: now."""
        pair = (user_id, group_id)
        wait = self._pairs.retry_after(pair, now)
        if not self._exempt.covers(host):
            wait = max(wait, self._networks.retry_after(network_key(host), now))
        if self._pairs.retry_after(pair, now, self._rates.failures):
            wait = max(wait, self._groups.retry_after(group_id, now))
        return wait

    def failed(self, host: str, user_id: int, group_id: int, now: float) -> None:
        """Count a wrong password."""
        rates = self._rates
        self._pairs.charge((user_id, group_id), now, most=rates.failures)
        self._groups.charge(group_id, now, most=rates.of_group)
        if not self._exempt.covers(host):
            self._networks.charge(network_key(host), now, most=rates.of_network)

    def succeeded(self, user_id: int, group_id: int) -> None:
        """The password was right: forget the failures of this user."""
        self._pairs.forget((user_id, group_id))
