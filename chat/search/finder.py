"""Finder: the newest messages of some conversations that match a query.

The log is searched from the newest message backwards, in windows of numbers that grow:

    numbers     ◀── older                                               newer ──
    windows      ╷         64,000         ╷    16,000    ╷ 4,000 ╷
    A's blocks        [. . . .][. . . . .][. . .]
    B's blocks                   [. . . . . . . . . .]

In each window the blocks (filters.py) tell which of their chunks may have the terms of the query.
The texts of these chunks are read, the newest first, and compared with the query. So a frequent
word is found in the first texts, and a rare one costs some rows for each block.

A message that is in no block is read in any case: the newest ones, those of small conversations,
and all before the indexer (indexer.py) has come to them. So a search finds the same without
blocks, and takes longer.

One search reads a bounded number of texts. Beyond it the answer is a page that is not full, with
the number where the next search begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chat.search.filters import Probe, end_of, probe, runs
from chat.search.query import Query
from chat.search.terms import of_query
from chat.storage import Transaction
from chat.storage.tables import ENDS, HistoryModel, MessageModel, Part, SearchBlockModel

FIRST_WINDOW = 4000
GROWTH = 16
"""Each window is so much larger than the one before."""

RANGES = 50
"""Ranges of one statement. As many chunks have some 200 messages."""

TEXTS = 250
"""Texts of one statement."""

MOST_TEXTS = 8000
"""Texts of one search. They take some 50 ms, and more if they are long."""

MOST_CHARACTERS = 1024 * 1024
"""Characters of the texts of one search. The texts of one statement may exceed it."""


class Range(NamedTuple):
    """Messages of a conversation that may match: those above ``after``, up to ``last``."""

    conversation: int
    after: int
    last: int


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        seqs: the numbers of the messages, the newest first.
        before: the search can go on before this number; None: it has come to the end.
    """

    seqs: list[int]
    before: int | None


class Finder:
    """One search, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction, query: Query, conversations: Mapping[int, int]) -> None:
        """``conversations``: their numbers, and the last number before the user's part of each."""
        self._blocks = SearchBlockModel(tx)
        self._history = HistoryModel(tx)
        self._newest = MessageModel(tx).newest
        self._query = query
        self._probes = _by_part(query)
        self._since = conversations
        self._floors: dict[int, int] = {}
        """Of each conversation, the lowest number that was looked at."""
        self._ranges: list[Range] = []
        self._numbers: list[int] = []
        """Of messages to compare, in windows that come later."""
        self._texts = MOST_TEXTS
        self._characters = MOST_CHARACTERS

    def run(self, before: int | None, limit: int) -> Found:
        """The newest ``limit`` matches with numbers below ``before``. Raises StorageError."""
        top = self._newest() if before is None else before - 1
        lowest = min(self._since.values(), default=top)
        self._floors = dict.fromkeys(self._since, top + 1)
        if before is not None:
            self._cut_at(top)
        found: list[int] = []
        width = FIRST_WINDOW
        while top > lowest:
            bottom = max(top - width, lowest)
            self._look(bottom, top)
            stopped = self._read(bottom, limit, found)
            if stopped is not None:
                return Found(found, stopped)
            top, width = bottom, width * GROWTH
        return Found(found, None)

    # ------------------------------------------------------------------ which ranges to read

    def _cut_at(self, top: int) -> None:
        """Look at the blocks that ``top`` is in: no window has the ends of these."""
        if self._probes:
            self._take(self._blocks.holding(self._floors, list(self._probes), top + 1))

    def _look(self, bottom: int, top: int) -> None:
        """Note the ranges that end in this window and may have matches."""
        open_ = [id_ for id_, floor in self._floors.items() if floor > bottom + 1]
        if self._probes:
            self._take(self._blocks.between(open_, list(self._probes), bottom, top + 1))
        for conversation in open_:
            if self._floors[conversation] > bottom + 1:
                self._add(conversation, bottom, self._floors[conversation] - 1)
                self._floors[conversation] = bottom + 1

    def _take(self, parts: list[Part]) -> None:
        """Note the chunks of these blocks that may have all terms, and what lies between blocks."""
        chunks: dict[tuple[int, int, int], int] = {}
        for conversation, part, after, last, bits in parts:
            block = last, after, conversation
            kept = chunks.get(block, -1)
            for place in self._probes[part]:
                kept = kept and kept & place.chunks(bits)
            chunks[block] = kept
        floors = self._floors
        found: list[tuple[Range, int, int]] = []
        for block in sorted(chunks, reverse=True):
            last, after, conversation = block
            floor = floors[conversation]
            if after + 1 >= floor:
                continue  # it has no message that was not looked at
            if last + 1 < floor:
                self._add(conversation, last, floor - 1)
            floors[conversation] = after + 1
            if chunks[block]:
                found.append((Range(conversation, after, last), chunks[block], floor - 1))
        self._add_chunks(found)

    def _add_chunks(self, blocks: list[tuple[Range, int, int]]) -> None:
        """Note these chunks of blocks, each up to a number."""
        packed = self._blocks.part([block.last for block, _, _ in blocks], ENDS)
        for (conversation, after, last), chunks, up_to in blocks:
            ends = packed[last]
            for first, final in runs(chunks):
                begin = end_of(after, ends, first - 1)
                self._add(conversation, begin, min(end_of(after, ends, final), up_to))

    def _add(self, conversation: int, after: int, last: int) -> None:
        after = max(after, self._since[conversation])
        if last > after:
            self._ranges.append(Range(conversation, after, last))

    # ------------------------------------------------------------------ reading

    def _read(self, bottom: int, limit: int, found: list[int]) -> int | None:
        """Add the matches above ``bottom`` to ``found``; returns the number to go on before.

        None: all messages above ``bottom`` have been compared. It asks for the numbers of a few
        ranges at a time, the newest first, because most searches end before the last range.
        """
        groups = self._next_ranges(bottom)
        for start in range(0, max(len(groups), 1), RANGES):
            self._numbers += self._history.numbers_in(
                groups[start : start + RANGES], self._texts + 1
            )
            later = groups[start + RANGES : start + RANGES + 1]
            edge = later[0][2] if later else bottom  # no number above it is missing
            self._numbers.sort()
            place = bisect_right(self._numbers, edge)
            ready = self._numbers[place:][::-1]
            del self._numbers[place:]
            stopped = self._compare(ready, limit, found)
            if stopped is not None:
                return stopped
        return None

    def _next_ranges(self, bottom: int) -> list[tuple[list[int], int, int]]:
        """The ranges that end above ``bottom``, the newest first; those alike are one."""
        alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        rest: list[Range] = []
        for part in self._ranges:
            if part.last > bottom:
                alike[part.last, part.after].append(part.conversation)
            else:
                rest.append(part)
        self._ranges = rest
        return [(alike[key], key[1], key[0]) for key in sorted(alike, reverse=True)]

    def _compare(self, seqs: list[int], limit: int, found: list[int]) -> int | None:
        """Add those of these messages that match; returns the number to go on before, or None."""
        for start in range(0, len(seqs), TEXTS):
            part = seqs[start : start + TEXTS]
            texts = self._history.texts(part)
            for seq in part:
                text = texts.get(seq, "")
                self._characters -= len(text)
                if self._query.matches(text):
                    found.append(seq)
                    if len(found) == limit:
                        return seq
            self._texts -= len(part)
            if self._texts <= 0 or self._characters <= 0:
                return part[-1]
        return None


def _by_part(query: Query) -> dict[int, list[Probe]]:
    """The probes of a query's terms by their part."""
    found: defaultdict[int, list[Probe]] = defaultdict(list)
    for term in of_query(query):
        found[(place := probe(term)).part].append(place)
    return dict(found)
