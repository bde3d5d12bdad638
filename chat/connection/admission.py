"""Admission: decides which connections a server takes, by their number and by their address.

A connection counts from its accept on, so that TLS handshakes count, too. A *guest* is a connection
without a login. Near the largest number of connections, a new one takes the place of an old guest,
of the address that has most guests:

    An attacker opens as many connections as the server takes, and is silent. A user connects. The
    attacker's oldest connection ends, and the user logs in. The user is no guest from then on.

Behind a balancer the address comes later, in the line of the PROXY protocol. Until then the
connection counts in all, and for no address.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from chat.counters import Tally
from chat.limits.keyed_buckets import KeyedBuckets
from chat.limits.networks import Exempt, network_key
from chat.process.peer_label import PeerLabel
from chat.protocol import ErrNo, Limits, Message, MsgType

log = logging.getLogger(__name__)

MAX_LEAVING = 32
"""Guests that are being closed at the same time, and still use a descriptor each: the server may
have so many connections more."""

LOOKED_AT = 32
"""The oldest guests of which one makes room: the address with most guests gives one up first. With
all guests, the look would cost more than the connection."""

RETRY_SECONDS = 5
"""The seconds to wait that a refusal names, unless the rate of new connections gives another."""

FULL = "too many connections, try again later"

MANY = 64
"""From so many connections on, an address that holds most of all is worth a log line."""


class Refusal(NamedTuple):
    """The reason why a connection or a login is refused.

    Attributes:
        errmsg: for the peer.
        retry_after: seconds.
        full: the server has as many connections as it takes.
    """

    errmsg: str
    retry_after: int
    full: bool = False


def error_of(refusal: Refusal) -> Message:
    """ERROR_MSG that reports this refusal."""
    return {
        "msgid": MsgType.ERROR_MSG,
        "errno": int(ErrNo.TOO_MANY),
        "errmsg": refusal.errmsg,
        "retry_after": refusal.retry_after,
    }


class Ticket:
    """One connection's entry in the Admission, from UP to DOWN. Any thread.

    Attributes:
        end: closes the connection; any thread may call it.
        host: the connection counts for this one; None: for none.
        logged_in: it is no guest.
        leaving: it was closed to make room.
        gone: it is down.
    """

    __slots__ = ("_admission", "end", "gone", "host", "leaving", "logged_in")

    def __init__(self, admission: Admission, end: Callable[[], object], host: str | None) -> None:
        self._admission = admission
        self.end = end
        self.host = host
        self.logged_in = False
        self.leaving = False
        self.gone = False

    def announce(self, host: str, now: float) -> Refusal | None:
        """The balancer has announced this host: the connection counts for it, or is refused."""
        return self._admission.announce(self, host, now)

    def refuse_login(self) -> Refusal | None:
        """The reason why no user may log in from this address now; None: it may."""
        return self._admission.refuse_login(self)

    def log_in(self) -> None:
        """A user has logged in."""
        self._admission.change(self, logged_in=True)

    def log_out(self) -> None:
        """The connection is a guest again."""
        self._admission.change(self, logged_in=False)

    def leave(self) -> None:
        """The connection is down."""
        self._admission.leave(self)


class Admission:
    """Counts the connections of a server, and refuses those above the limits. Any thread.

    The clock comes as an argument, monotonic seconds.

    Attributes:
        refused: connections that were refused, by reason: the server is full, the address has too
            many guests, it connects too often, it is banned, or it is no balancer. Any thread reads
            it.
        made_room: guests that were closed for new connections.
    """

    def __init__(self, max_connections: int, limits: Limits, exempt: Exempt) -> None:
        self._max_connections = max_connections
        self._limits = limits
        self._exempt = exempt
        self._rate = KeyedBuckets(limits.connect_rate, limits.connect_burst)
        self._lock = threading.Lock()  # guards the attributes below
        self._total = 0
        self._leaving = 0
        self._guests_of: Counter[str] = Counter()  # by address, from the accept on
        self._users_of: Counter[str] = Counter()
        self._guests: OrderedDict[Ticket, None] = OrderedDict()  # those that are up, oldest first
        self._told = ""  # the last address that held most connections
        self.refused = Tally("full", "address", "rate", "banned", "stranger")
        self.made_room = 0

    @property
    def total(self) -> int:
        """Connections from the accept on."""
        with self._lock:
            return self._total

    def change_limits(self, limits: Limits, now: float) -> None:
        """Use these limits from now on. Connections above them stay."""
        self._rate.set_limit(limits.connect_rate, limits.connect_burst, now)
        self._exempt.replace(limits.exempt)
        self._limits = limits

    def holders(self, count: int) -> list[tuple[str, int, int]]:
        """The addresses with most connections: (address, guests, users). For operators."""
        with self._lock:
            both = (self._guests_of + self._users_of).most_common(count)
            return [(key, self._guests_of[key], self._users_of[key]) for key, _ in both]

    # ------------------------------------------------------------------ one connection

    def admit(self, host: str | None, now: float) -> Refusal | None:
        """An accepted connection: count it, or return the reason to refuse it.

        ``host``: None if a balancer will announce it.
        """
        if host is not None and (refusal := self._refuse_rate(host, now)) is not None:
            return refusal
        guest, full = None, False
        with self._lock:
            counted = host is None or self._count_guest(host)
            if counted:
                guest, full = self._make_room()
                if not full:
                    self._total += 1
                elif host is not None:
                    _take_one(self._guests_of, network_key(host))
        if guest is not None:
            guest.end()
        if not counted:
            return self._crowded(host)
        if full:
            self._note("full")
            log.warning(
                "too many connections: refused %s (%d so far); raise server.max_connections",
                host or "one of a balancer",
                self.refused.counts["full"],
            )
            return Refusal(FULL, RETRY_SECONDS, full=True)
        return None

    def refuse_banned(self, host: str) -> None:
        """Count a connection that was not admitted, because its address is banned."""
        self._note("banned")
        log.info("%s: is banned, refused", PeerLabel(host))

    def refuse_stranger(self, host: str) -> None:
        """Count a connection that was not admitted, because it comes from no balancer."""
        self._note("stranger")
        log.warning(
            "%s: is no balancer, refused; if it is one, add its address to server.proxy_from",
            PeerLabel(host),
        )

    def departed(self, host: str | None, was_up: bool) -> None:
        """An admitted connection has ended. ``was_up``: False after a failed TLS handshake."""
        with self._lock:
            self._total -= 1
            if not was_up and host is not None:
                _take_one(self._guests_of, network_key(host))

    def come_up(self, host: str | None, end: Callable[[], object]) -> Ticket:
        """An admitted connection is up. ``host`` as for ``admit``."""
        ticket = Ticket(self, end, host)
        with self._lock:
            self._guests[ticket] = None
        return ticket

    def announce(self, ticket: Ticket, host: str, now: float) -> Refusal | None:
        """See Ticket."""
        refusal = self._refuse_rate(host, now)
        if refusal is not None:
            return refusal
        with self._lock:
            if self._count_guest(host):
                ticket.host = host
                return None
        return self._crowded(host)

    def refuse_login(self, ticket: Ticket) -> Refusal | None:
        """See Ticket. Logins that run at the same time may exceed the limit by a few."""
        host = ticket.host
        if host is None or self._exempt.covers(host):
            return None
        with self._lock:
            if self._users_of[network_key(host)] < self._limits.users_per_address:
                return None
        log.warning("%s: has too many logins, refused (limits.users_per_address)", PeerLabel(host))
        return Refusal("too many logins from your address, try again later", RETRY_SECONDS)

    def change(self, ticket: Ticket, *, logged_in: bool) -> None:
        """See Ticket."""
        with self._lock:
            if ticket.gone or ticket.logged_in == logged_in:
                return
            ticket.logged_in = logged_in
            if logged_in:
                self._guests.pop(ticket, None)
                # Example: another connection needs its place; it logs in before its loop is told to
                # close it. It stays.
                self._leaving -= ticket.leaving
                ticket.leaving = False
            else:
                self._guests[ticket] = None
            if ticket.host is None:
                return
            key = network_key(ticket.host)
            _take_one(self._guests_of if logged_in else self._users_of, key)
            (self._users_of if logged_in else self._guests_of)[key] += 1
            told = self._tell_of(ticket.host, key)
        if told is not None:
            log.warning(
                "%s holds %d of %d connections; if it is a balancer, see server.proxy_protocol",
                *told,
            )

    def leave(self, ticket: Ticket) -> None:
        """See Ticket."""
        with self._lock:
            ticket.gone = True
            self._guests.pop(ticket, None)
            self._leaving -= ticket.leaving
            if ticket.host is not None:
                counts = self._users_of if ticket.logged_in else self._guests_of
                _take_one(counts, network_key(ticket.host))

    # ------------------------------------------------------------------ the limits

    def _refuse_rate(self, host: str, now: float) -> Refusal | None:
        if self._exempt.covers(host):
            return None
        wait = self._rate.take(network_key(host), now)
        if not wait:
            return None
        self._note("rate")
        log.warning("%s: connects too often, refused (limits.connect_rate)", PeerLabel(host))
        return Refusal("too many new connections from your address, try again later", int(wait) + 1)

    def _count_guest(self, host: str) -> bool:
        """With the lock. Count a guest; False if its address has too many."""
        key = network_key(host)
        crowded = self._guests_of[key] >= self._limits.guests_per_address
        if crowded and not self._exempt.covers(host):
            return False
        self._guests_of[key] += 1
        return True

    def _crowded(self, host: str | None) -> Refusal:
        self._note("address")
        log.warning(
            "%s: has too many connections without a login, refused (limits.guests_per_address)",
            PeerLabel(host or "one"),
        )
        return Refusal("too many connections from your address, try again later", RETRY_SECONDS)

    def _note(self, reason: str) -> None:
        with self._lock:
            self.refused.add(reason)

    def _make_room(self) -> tuple[Ticket | None, bool]:
        """With the lock. Returns the guest that has to go, and whether there is no room."""
        if self._total - self._leaving < self._max_connections:
            return None, False
        if self._leaving >= MAX_LEAVING or not self._guests:
            return None, True
        guest = max(islice(self._guests, LOOKED_AT), key=self._crowd)
        del self._guests[guest]
        guest.leaving = True
        self._leaving += 1
        self.made_room += 1
        return guest, False

    def _crowd(self, guest: Ticket) -> int:
        """With the lock. The guests of its address; a balancer's count as one each."""
        host = guest.host
        if host is None or self._exempt.covers(host):
            return 1
        return self._guests_of[network_key(host)]

    def _tell_of(self, host: str, key: str) -> tuple[str, int, int] | None:
        """With the lock. The figures of a log line, if this address holds most connections."""
        held = self._guests_of[key] + self._users_of[key]
        most = held >= MANY and 2 * held > self._total
        if not most or key == self._told or self._exempt.covers(host):
            return None
        self._told = key
        return key, held, self._total


def _take_one(counts: Counter[str], key: str) -> None:
    """Subtract one. A key without connections goes, so that the table stays small."""
    if counts[key] > 1:
        counts[key] -= 1
    else:
        del counts[key]
