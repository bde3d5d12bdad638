"""MailboxQuota: finds the mailboxes that are too full.

The rows of a mailbox are bounded, so that a user that never returns costs a bounded part of the
disk. As it fills, it takes fewer messages:

    one user's messages fill a quarter    this sender is refused (errno 12)
    all messages fill a half              messages to groups get no rows (gap.py)
    all messages fill three quarters      senders that are no friends of the owner are refused
    all messages fill the whole           each sender is refused

A user with several devices is not silenced by one that is not used: at three quarters its mailbox
gets no rows for messages between users any more (gap.py), and its place does not matter to senders.

So strangers that fill mailboxes together leave a quarter to the users in the owner's own list. The
transaction looks into this list only if the mailbox is at three quarters.

To count rows for each message would cost a query. So the commit queue only notes the receivers, and
a worker counts the rows of a mailbox once, and again when this node has inserted a sixteenth of the
limit. The bound is approximate: rows come in while a worker counts, and other nodes insert rows,
too. A receiver that keeps up has few rows whenever they are counted.

A mailbox that was too full is counted again if a message for it arrives, DOUBT_SECONDS later. So a
sender is refused for a few seconds longer than necessary.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from chat.mailbox.gap import open_gaps, open_user_gaps
from chat.mailbox_number import owner
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import DeviceModel, MailShare, OfflineMessageModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

COUNTS = 16
"""A mailbox is counted again after so many parts of its limit."""

ROUND_SECONDS = 0.5
"""Between two rounds of counting. EARLY messages begin a round at once."""

EARLY = 2000

DOUBT_SECONDS = 5.0
"""The age from which a mailbox that was too full is counted again."""

MAX_RECENT = 100_000
"""Messages whose receivers are noted for the next round; the rest is not counted."""

MAX_USERS = 100_000
"""Mailboxes that are remembered; beyond it all are dropped, and counted at their next message."""


@dataclass(frozen=True, slots=True)
class MailboxLimit:
    """The largest mailbox: messages, and bytes of text. ``longest``: bytes of one message."""

    rows: int
    size: int
    longest: int

    @property
    def surely_fits(self) -> int:
        """Messages that are below both limits, of whatever length they are."""
        return min(self.rows, self.size // self.longest)

    def reached(self, rows: int, size: int, quarters: int) -> bool:
        """Do these messages use up so many quarters of the limit?"""
        return rows * 4 >= self.rows * quarters or size * 4 >= self.size * quarters


class Fill(NamedTuple):
    """A mailbox that is too full, at least for some messages.

    Attributes:
        full: it takes no message from any user.
        strangers: it takes no message from users that are not in its owner's list.
        groups: it takes no messages to groups.
        senders: users from which it takes no message.
        counted: when, monotonic seconds.
    """

    full: bool
    strangers: bool
    groups: bool
    senders: frozenset[int]
    counted: float

    def refuses(self, sender: int) -> bool:
        """Does it take no message of this user to its owner, even if the user is a friend?"""
        return self.full or sender in self.senders


_NO_FILL: Mapping[int, Fill] = MappingProxyType({})


class Fills(dict[int, Fill]):
    """The mailboxes that are too full, by mailbox. Never changed after its construction.

    Attributes:
        owners: the users that they belong to.
    """

    __slots__ = ("owners",)

    def __init__(self, fills: Mapping[int, Fill] = _NO_FILL) -> None:
        super().__init__(fills)
        self.owners = frozenset([owner(mailbox) for mailbox in fills])


NO_FILLS = Fills()


class MailboxQuota:
    """See the module's text.

    Attributes:
        fills: the mailboxes that are too full. Replaced, never changed. Any thread.
        crowded: the mailboxes among them that take no messages to groups. As ``fills``.
    """

    def __init__(
        self,
        database: Database,
        workers: ThreadPool,
        limit: MailboxLimit,
        on_gap: Callable[[int], object],
    ) -> None:
        """``on_gap`` gets a mailbox that may have a new gap, in a worker: its pump must look."""
        self.fills = NO_FILLS
        self.crowded: frozenset[int] = frozenset()
        self._database = database
        self._workers = workers
        self._on_gap = on_gap
        # These three belong to the round, which has one thread at a time.
        self._limit = limit
        self._between = max(1, limit.surely_fits // COUNTS)
        self._left: dict[int, int] = {}  # rows until the next count, by mailbox
        self._lock = threading.Lock()  # guards the attributes below
        self._next_limit: MailboxLimit | None = None
        self._running = False
        self._recent: list[frozenset[int]] = []
        self._doubted: set[int] = set()
        self._wanted: defaultdict[int, set[int]] = defaultdict(set)  # gaps: mailboxes by group

    def change_limit(self, limit: MailboxLimit) -> None:
        """Use another limit from the next count on, and count all mailboxes again. Any thread."""
        with self._lock:
            self._next_limit = limit

    def start(self, loop: EventLoop) -> None:
        """Count regularly. ``loop``: for the timer."""
        loop.run_every(ROUND_SECONDS, self._begin)

    def committed(self, messages: Sequence[ChatMessage]) -> None:
        """These messages are in the mailboxes of their receivers. Any thread."""
        crowded = self.crowded
        with self._lock:
            if len(self._recent) < MAX_RECENT:
                self._recent += [message.receivers for message in messages]
            if crowded:
                for message in messages:
                    if message.kind != ONE_CHAT and (mailboxes := message.receivers & crowded):
                        self._wanted[message.target] |= mailboxes
            early = len(self._recent) >= EARLY
        if early:
            self._begin()

    def refused(self, mailboxes: Iterable[int]) -> None:
        """Messages to these mailboxes were refused. Writer thread."""
        with self._lock:
            self._doubted.update(mailboxes)

    # ------------------------------------------------------------------ rounds: worker thread

    def _begin(self) -> None:
        """Any thread."""
        with self._lock:
            idle = not (self._recent or self._doubted or self._wanted)
            if self._running or idle:
                return
            self._running = True
        if not self._workers.try_run(self._round):
            with self._lock:
                self._running = False

    def _round(self) -> None:
        with self._lock:
            recent, self._recent = self._recent, []
            doubted, self._doubted = self._doubted, set()
            wanted, self._wanted = self._wanted, defaultdict(set)
            limit, self._next_limit = self._next_limit, None
        if limit is not None:
            self._limit = limit
            self._between = max(1, limit.surely_fits // COUNTS)
            self._left.clear()
        try:
            latest = time.monotonic() - DOUBT_SECONDS
            fills = self.fills
            doubted.update(*wanted.values())
            due = [
                mailbox
                for mailbox in doubted
                if mailbox in fills and fills[mailbox].counted <= latest
            ]
            self._count({*due, *self._take_due(recent)})
            for group_id, mailboxes in wanted.items():
                self._open_gaps(group_id, mailboxes)
        except StorageError as exc:
            log.warning("mailboxes were not counted: %s", exc)
        except Exception:
            log.exception("the count of mailboxes failed")
        finally:
            with self._lock:
                self._running = False

    def _take_due(self, recent: Iterable[frozenset[int]]) -> list[int]:
        """Note the rows that were inserted; returns the mailboxes whose rows must be counted."""
        if len(self._left) > MAX_USERS:
            self._left.clear()
        due = []
        for mailbox, rows in Counter(chain.from_iterable(recent)).items():
            left = self._left.get(mailbox, 0) - rows
            self._left[mailbox] = left
            if left <= 0:
                due.append(mailbox)
        return due

    def _count(self, mailboxes: set[int]) -> None:
        if not mailboxes:
            return
        counted = time.monotonic()
        measured = self._database.read(lambda tx: self._measure(tx, mailboxes, counted))
        fills = {mailbox: fill for mailbox, fill in self.fills.items() if mailbox not in mailboxes}
        if len(fills) > MAX_USERS:
            fills.clear()
        fills.update(measured)
        self.fills = Fills(fills)
        self.crowded = frozenset([mailbox for mailbox, fill in fills.items() if fill.groups])
        self._open_user_gaps([mailbox for mailbox, fill in measured.items() if fill.strangers])
        self._left.update(dict.fromkeys(mailboxes, self._between))

    def _measure(self, tx: Transaction, mailboxes: set[int], counted: float) -> dict[int, Fill]:
        """Those of these mailboxes that are too full."""
        model = OfflineMessageModel(tx)
        rows = model.counts(mailboxes)
        # The smallest part is a quarter of a mailbox. With fewer messages no part can be used up,
        # even by the longest texts.
        large = [mailbox for mailbox, count in rows.items() if 4 * count >= self._limit.surely_fits]
        found = {}
        for mailbox in large:
            fill = fill_of(model.shares(mailbox, self._limit.rows), self._limit, counted)
            if fill is not None:
                found[mailbox] = fill
        return found

    def _open_user_gaps(self, full: Sequence[int]) -> None:
        """Give each of these mailboxes a gap if a further device of its owner has place."""
        if not full:
            return
        owners = {owner(mailbox) for mailbox in full}
        devices = self._database.read(lambda tx: DeviceModel(tx).mailboxes(owners))
        fills = self.fills
        wanted = [
            mailbox
            for mailbox in full
            for other in devices.get(owner(mailbox), ())
            if other != mailbox and not (other in fills and fills[other].strangers)
        ]
        if not wanted:
            return
        opened = self._database.write(lambda tx: open_user_gaps(tx, wanted))
        for mailbox in opened:
            log.info("a device of user %d is too full: it gets messages later", owner(mailbox))
            self._on_gap(mailbox)

    def _open_gaps(self, group_id: int, mailboxes: set[int]) -> None:
        mailboxes = mailboxes & self.crowded  # this round has counted those with an old count again
        if not mailboxes:
            return
        new = self._database.write(lambda tx: open_gaps(tx, group_id, mailboxes))
        if new:
            log.info(
                "too full for messages to group %d: %d mailboxes; they get them later",
                group_id,
                len(new),
            )
        for mailbox in mailboxes:
            # The pump reads on, because it may have read the whole mailbox before the gap began.
            # At other nodes the poll finds the gap. All pumps are told, not only the new ones: if
            # the transaction ran twice, its second run finds no new ones.
            self._on_gap(mailbox)


def fill_of(shares: Sequence[MailShare], limit: MailboxLimit, counted: float) -> Fill | None:
    """The Fill of a mailbox with these messages; None if it takes all messages. Pure."""
    rows = sum(share.rows for share in shares)
    size = sum(share.size for share in shares)
    senders = frozenset(
        share.sender
        for share in shares
        if share.kind == ONE_CHAT
        and share.sender is not None
        and limit.reached(share.rows, share.size, 1)
    )
    groups, strangers, full = [limit.reached(rows, size, quarters) for quarters in (2, 3, 4)]
    if not (groups or senders):
        return None
    return Fill(full, strangers, groups, senders, counted)
