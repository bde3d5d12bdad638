"""Indexer: makes the filters (filters.py) of new messages, behind the commits.

A commit does nothing for the search. The indexer reads the log from a stored number on, the
*place*. Of one message in SAMPLE it looks at the conversation: if CHUNKS chunks can be made of the
messages that are in no block yet, they become a block. So a conversation has some BLOCK messages
without a filter at the end, which a search reads. Small blocks become larger ones (blocks.py).

It works for WORK_SECONDS at a time and rests for longer, because it shares the interpreter with the
loops; in a process with little to do it works for QUIET_SECONDS. It stores AT_ONCE blocks in one
transaction, so that messages of users do not wait long for the database. After an upgrade it has a
long way to go, some minutes for a million messages. Meanwhile a search reads more texts.

One server of a cluster indexes: the one with the *claim* in the row of ``setting``, which it renews
with its work. After CLAIM_SECONDS without renewal another server takes over. Each transaction
locks that row and compares the claim. So a server that was frozen changes nothing when it awakes.
What a killed server has not committed is done again.

**Late numbers.** Numbers are given at the insert, and become visible at the commit. Example: node 1
inserts 7 and is slow; meanwhile node 2 inserts 8 and commits. A block up to 8 without 7 would hide
7 for ever. So the indexer stays SETTLED_SECONDS behind the newest number, far longer than a
transaction lives. And it counts the messages of a block with a lock, which waits for rows that are
not committed; if one has come since the texts were read, the block is not stored.
"""

from __future__ import annotations

import math
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from chat.process.clock import Clock
from chat.search.blocks import join_blocks
from chat.search.filters import CHUNKS, MESSAGES, TERMS, build, pack_ends
from chat.search.folding import fold
from chat.search.terms import of_text
from chat.storage import Database, Transaction
from chat.storage.tables import (
    ENDS,
    BlockRange,
    HistoryModel,
    MessageModel,
    Progress,
    RetentionModel,
    SearchBlockModel,
    SearchProgressModel,
    is_of_events,
)

BLOCK = CHUNKS * MESSAGES
"""Messages of a new block; fewer, if they have many terms."""

SAMPLE = 8

LOOK = 500
"""Messages of one look at the log."""

LONG = 4096
"""A text with more characters gets a filter that hides nothing: its terms would take 5 ms."""

EVERY_SECONDS = 0.5
WORK_SECONDS = 0.01
"""So at most 2 % of one core."""

QUIET_SECONDS = 0.1
BUSY = 0.4
"""A process that has used a greater part of one core since the last work is not quiet."""

CLAIM_SECONDS = 30
SETTLED_SECONDS = 30.0

AT_ONCE = 4
"""New blocks of one transaction. One of eight makes a larger block, too."""

OLD_BLOCKS = 200
"""Blocks of one deletion."""


@dataclass(slots=True)
class _NewBlock:
    """A block that is not stored yet. ``count``: its messages."""

    conversation: int
    range: BlockRange
    count: int
    parts: dict[int, bytes]


@dataclass(slots=True)
class _Batch:
    """A part of the log: its conversations that are not done, and its blocks so far."""

    end: int
    conversations: list[int]
    blocks: list[_NewBlock] = field(default_factory=list)


class Indexer:
    """See the module's text. ``work``: a worker thread.

    Attributes:
        indexed: new blocks that were stored. Any thread reads it.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        work_seconds: float | None = None,
        settled_seconds: float = SETTLED_SECONDS,
        sample: int = SAMPLE,
        least: int = LOOK,
    ) -> None:
        """``work_seconds``: of one ``work``; None: by the load. ``sample``: one message in so many
        leads to a look at its conversation. ``least``: it begins with so many new numbers.
        """
        self._database = database
        self._clock = clock
        self._work_seconds = work_seconds
        self._settled_seconds = 0.0 if database.exclusive else settled_seconds
        self._sample, self._least = sample, least
        self._claim = secrets.token_hex(8)
        self._busy = threading.Lock()  # one ``work`` at a time; guards all below
        self._until = 0  # of the claim, Unix seconds; 0: another server has it, or none
        self._try_at = -math.inf  # the time of the next try for the claim, monotonic
        self._may_be_old = False
        self._last = (math.inf, 0.0)  # time and CPU time at the last ``work``
        self._is_quiet = False  # since the last ``work``; a server that starts is not
        self._place = 0
        self._batch: _Batch | None = None
        self._newest: deque[tuple[float, int]] = deque()  # newest numbers, by time
        self.indexed = 0

    def work(self) -> bool:
        """Index for a moment; False if there is nothing to do. Blocks. Raises StorageError."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            self._measure_load()
            settled = self._settled()
            # The last messages of the log can wait: each look at few ones would cost a commit.
            if self._batch is None and settled < self._place + self._least:
                return False
            return self._has_claim() and self._work(settled)
        except BaseException:
            self._batch = None  # its conversations are looked at again
            raise
        finally:
            self._busy.release()

    # ------------------------------------------------------------------ the claim

    def _has_claim(self) -> bool:
        now = self._clock.unix()
        if self._until - CLAIM_SECONDS <= now < self._until - CLAIM_SECONDS / 2:
            return True
        if not self._until and self._clock.monotonic() < self._try_at:
            return False
        self._try_at = self._clock.monotonic() + CLAIM_SECONDS / 3
        progress = self._database.write(self._take_claim)
        if progress is None:
            self._lose_claim()
            return False
        if not self._until:
            self._place, self._batch = progress.place, None
        self._until, self._may_be_old = progress.until, True
        return True

    def _take_claim(self, tx: Transaction) -> Progress | None:
        now = self._clock.unix()
        progress = SearchProgressModel(tx).lock()
        # A time in the far future was stored before the clock was set back.
        held = now < progress.until <= now + CLAIM_SECONDS
        if held and progress.claim != self._claim:
            return None
        mine = Progress(now + CLAIM_SECONDS, progress.place, self._claim)
        SearchProgressModel(tx).set(mine)
        return mine

    def _lose_claim(self) -> None:
        self._until, self._batch = 0, None

    # ------------------------------------------------------------------ the work

    def _work(self, settled: int) -> bool:
        if self._may_be_old:
            self._may_be_old = self._database.write(_delete_old_blocks) == OLD_BLOCKS
        end = time.monotonic() + (self._work_seconds or self._seconds_by_load())
        batch = self._batch = self._batch or self._next_batch(settled)
        if batch is None:
            return False
        while batch.conversations and time.monotonic() < end:
            if not self._add_block(batch, batch.conversations[-1], settled):
                batch.conversations.pop()
        if not self._save(batch):
            return False
        if not batch.conversations:
            self._place, self._batch = batch.end, None
        return True

    def _settled(self) -> int:
        """The number up to which no further message appears."""
        now, newest = self._clock.monotonic(), self._database.read(_newest)
        if not self._settled_seconds:
            return newest
        samples = self._newest
        if not samples or now >= samples[-1][0] + self._settled_seconds / 8:
            samples.append((now, newest))
        while len(samples) > 1 and samples[1][0] <= now - self._settled_seconds:
            samples.popleft()
        return samples[0][1] if samples[0][0] <= now - self._settled_seconds else 0

    def _next_batch(self, settled: int) -> _Batch | None:
        """The next part of the log; None if it is too short."""
        if settled < self._place + self._least:
            return None
        rows = self._database.read(
            lambda tx: HistoryModel(tx).conversations(self._place, settled, LOOK)
        )
        if not rows:
            return None
        texts = [id_ for _, id_ in rows if not is_of_events(id_)]
        looked_at = {id_ for id_ in texts if random.random() * self._sample < 1}
        return _Batch(rows[-1][0], sorted(looked_at))

    def _add_block(self, batch: _Batch, conversation: int, settled: int) -> bool:
        """Make a block of a conversation's next messages; False if it has too few of them."""

        def look(tx: Transaction) -> tuple[int, list[tuple[int, str]]]:
            mine = [
                block.range.last for block in batch.blocks if block.conversation == conversation
            ]
            after = max(mine, default=0) or SearchBlockModel(tx).newest(conversation)
            return after, HistoryModel(tx).oldest_texts(conversation, after, settled, BLOCK)

        after, texts = self._database.read(look)
        block = _first_block(conversation, after, texts)
        if block is None:
            return False
        batch.blocks.append(block)
        return True

    def _measure_load(self) -> None:
        """Was the process quiet since the last ``work``? The first time it was not."""
        (then, used), now = self._last, (time.monotonic(), time.process_time())
        self._last = now
        self._is_quiet = now[1] - used <= BUSY * (now[0] - then)

    def _seconds_by_load(self) -> float:
        """The time to work."""
        return QUIET_SECONDS if self._is_quiet else WORK_SECONDS

    def _save(self, batch: _Batch) -> bool:
        """Store what there is to store, in short transactions; False without the claim."""
        blocks, batch.blocks = batch.blocks, []
        place = None if batch.conversations else batch.end
        refused: set[int] = set()
        if not blocks and place is None:
            return True
        for start in range(0, max(len(blocks), 1), AT_ONCE):
            part = blocks[start : start + AT_ONCE]
            done = place if start + AT_ONCE >= len(blocks) else None
            if not self._database.write(partial(self._store, part, refused, done)):
                self._lose_claim()
                return False
            self.indexed += len(part)
        return True

    def _store(
        self, new: list[_NewBlock], refused: set[int], place: int | None, tx: Transaction
    ) -> bool:
        """Store these blocks, and then the place; False without the claim.

        ``refused``: conversations whose blocks would leave a hole. It may add some.
        """
        progress = SearchProgressModel(tx).lock()
        if progress.claim != self._claim:
            return False
        blocks, history = SearchBlockModel(tx), HistoryModel(tx)
        for block in new:
            id_ = block.conversation
            if id_ in refused or history.settled_count(id_, *block.range) != block.count:
                refused.add(id_)
            else:
                blocks.insert(id_, 0, block.range, block.parts)
                join_blocks(blocks, id_)
        if place is not None:
            SearchProgressModel(tx).set(progress._replace(place=place))
        return True


def _newest(tx: Transaction) -> int:
    return MessageModel(tx).newest()


def _delete_old_blocks(tx: Transaction) -> int:
    """Delete blocks of messages that retention deletes; returns how many."""
    return SearchBlockModel(tx).delete_up_to(RetentionModel(tx).boundary(), OLD_BLOCKS)


def _first_block(
    conversation: int, after: int, texts: Sequence[tuple[int, str]]
) -> _NewBlock | None:
    """A block of the first of these messages; None if they do not fill one."""
    # A character begins two terms at most. So few messages are put aside without a look at them.
    most_terms = 2 * sum(len(text) for _, text in texts)
    if len(texts) // MESSAGES + most_terms // TERMS < CHUNKS:
        return None
    chunks: list[set[str] | None] = []
    lasts: list[int] = []
    terms: set[str] = set()
    messages = 0
    for count, (seq, text) in enumerate(texts, 1):
        messages += 1
        is_long = len(text) > LONG
        if not is_long:
            terms |= of_text(fold(text))
        if is_long or messages == MESSAGES or len(terms) > TERMS:
            chunks.append(None if is_long else terms)
            lasts.append(seq)
            terms, messages = set(), 0
            if len(chunks) == CHUNKS:
                parts = dict(enumerate(build(chunks)))
                parts[ENDS] = pack_ends(after, lasts)
                return _NewBlock(conversation, BlockRange(after, seq), count, parts)
    return None
