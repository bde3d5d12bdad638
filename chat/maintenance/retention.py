"""Retention: deletes messages from the log that are older than a number of days.

A message that is still in a mailbox stays. A message in a gap (chat/mailbox/gap.py) goes: else a
member that never returns would keep all messages of its groups.

One server of a cluster makes a pass every ten minutes. The setting ``retention`` has the time of
the next pass, and the *boundary*: messages up to this number may be deleted at any time. A pass has
these steps:

1. Find the boundary. The numbers of the log are in the order of time, except for a few seconds, so
   a binary search finds it in some 40 reads.
2. Store the boundary in ``setting``. From now on ``fill_gap`` inserts no row for a message below.
3. Read which of these messages are in mailboxes.
4. Delete the others in small transactions, with pauses.

Example for the order of 2 and 3: B's gap is being filled with message 5, and its row is not
committed yet. Step 2 waits for this transaction, because both lock the row of the schema's version.
So step 3 finds B's row, and 5 stays.

A server that is killed loses its pass; some server makes the next one.
"""

from __future__ import annotations

import logging
import time

from chat.process.clock import Clock
from chat.storage import Database, Transaction
from chat.storage.tables import MessageModel, OfflineMessageModel, RetentionModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

PASS_SECONDS = 600
"""Between two passes."""

BATCH = 200
"""Messages of one deletion. It takes a few milliseconds of the writer's time."""

PAUSE_SECONDS = 0.05
"""Between two deletions: at most 4,000 messages a second."""

LOOK = 10_000
"""Messages that are compared with the mailboxes at once, which reads the whole mailbox table."""

_DAY = 86_400


class Retention:
    """See the module's text. One pass at a time, its steps in workers."""

    def __init__(
        self, database: Database, clock: Clock, days: int, loop: EventLoop, workers: ThreadPool
    ) -> None:
        """``days``: the age of the oldest message that is kept."""
        self._database = database
        self._clock = clock
        self._days = days
        self._loop = loop
        self._workers = workers
        self._boundary = 0  # of the pass
        self._place = 0  # the pass has compared the messages up to this one
        self._doomed: list[int] = []  # compared, and not deleted yet
        self._deleted = 0

    def begin(self) -> None:
        """Make a pass if it is due: its steps follow. Worker thread. Raises StorageError."""
        if self.claim():
            self._loop.queue_in_loop(self._next)

    def claim(self) -> bool:
        """Take the next pass; False if it is not due yet. Blocks. Raises StorageError."""
        now = self._clock.unix()
        oldest = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - self._days * _DAY))
        boundary = self._database.read(lambda tx: find_boundary(tx, oldest))

        def take(tx: Transaction) -> bool:
            due, stored = RetentionModel(tx).lock()
            # A time in the far future was stored before the clock was set back.
            if due - PASS_SECONDS <= now < due:
                return False
            RetentionModel(tx).set(now + PASS_SECONDS, max(boundary, stored))
            return True

        if not self._database.write(take):
            return False
        self._boundary, self._place, self._doomed, self._deleted = boundary, 0, [], 0
        return True

    def step(self) -> bool:
        """Delete a few messages; False if the pass is at its end. Blocks. Raises StorageError."""
        while not self._doomed:
            if not self._look():
                if self._deleted:
                    log.info("deleted %d messages older than %d days", self._deleted, self._days)
                return False
        part, self._doomed = self._doomed[:BATCH], self._doomed[BATCH:]
        self._database.write(lambda tx: MessageModel(tx).delete(part))
        self._deleted += len(part)
        return True

    def _look(self) -> bool:
        """Compare the next messages with the mailboxes; False if there are none."""

        def compare(tx: Transaction) -> tuple[list[int], set[int]]:
            found = MessageModel(tx).numbers(self._place, self._boundary, LOOK)
            if not found:
                return [], set()
            return found, OfflineMessageModel(tx).numbers_between(found[0], found[-1])

        numbers, waiting = self._database.read(compare)
        if not numbers:
            return False
        self._place = numbers[-1]
        self._doomed = [seq for seq in numbers if seq not in waiting]
        return True

    def _next(self) -> None:
        """The loop."""

        def done(more: bool | None, error: BaseException | None) -> None:
            if error is not None:
                log.warning("old messages were not deleted: %s", error)
            elif more:
                self._loop.run_after(PAUSE_SECONDS, self._next)

        if not self._workers.try_run_for(self._loop, self.step, done):
            self._loop.run_after(PAUSE_SECONDS, self._next)


def find_boundary(tx: Transaction, oldest: str) -> int:
    """The highest number of a message from before ``oldest``; 0 if there is none.

    The newest message of the log stays in any case, because new members begin behind it.
    """
    model = MessageModel(tx)
    low, high = 0, model.newest()  # the result is from ``low`` to ``high - 1``
    while low + 1 < high:
        middle = (low + high) // 2
        found = model.first_from(middle)
        if found is not None and found[0] < high and found[1] < oldest:
            low = found[0]
        else:
            high = middle
    return low
