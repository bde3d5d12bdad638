"""Finder: the newest messages of some conversations that match a query.

The log is searched from the newest message backwards, in windows of numbers that grow:

    numbers     ◀── older                                               newer ──
    windows      ╷         64,000         ╷    16,000    ╷ 4,000 ╷
    A's chunks        [. . . .][. . . . .][. . .]
    B's chunks                   [. . . . . . . . . .]

In each window the filters of the chunks (filters.py) are asked for the terms of the query. The
texts of the chunks that remain are read, the newest first, and compared with the query. So a
frequent word is found in the first texts, and a rare one costs a row for each chunk.

A message that is in no chunk is read in any case: the newest ones, those of small conversations,
and all before the indexer (indexer.py) has come to them. So a search
finds the same without chunks, and takes longer.

One search reads a bounded number of texts. Beyond it the answer is a page that is not full, with
the number where the next search begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from chat.search.filters import Probe, probe
from chat.search.query import Query
from chat.search.terms import of_query
from chat.storage import Transaction
from chat.storage.tables import Chunk, HistoryModel, MessageModel, SearchChunkModel

FIRST_WINDOW = 4000
GROWTH = 4
"""Each window is so much larger than the one before."""

TEXTS = 250
"""Texts of one statement."""

MOST_TEXTS = 8000
"""Texts of one search. They take some 50 ms, and more if they are long."""

MOST_CHARACTERS = 1024 * 1024
"""Characters of the texts of one search. The texts of one statement may exceed it."""

FEW = 4
"""With so few chunks left, the texts are read, instead of further filters."""

_last_of = itemgetter(2)
"""The column ``last`` of a chunk."""


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
        self._chunks = SearchChunkModel(tx)
        self._history = HistoryModel(tx)
        self._newest = MessageModel(tx).newest
        self._query = query
        self._probes = _by_part(query)
        self._since = conversations
        self._floors: dict[int, int] = {}
        """Of each conversation, the lowest number that was looked at."""
        self._ranges: list[Range] = []
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
        """Look at the chunks that ``top`` is in: no window has the ends of these."""
        for part in self._first_part():
            self._take(self._chunks.holding(self._floors, part, top + 1))

    def _look(self, bottom: int, top: int) -> None:
        """Note the ranges that end in this window and may have matches."""
        open_ = [id_ for id_, floor in self._floors.items() if floor > bottom + 1]
        for part in self._first_part():
            self._take(self._chunks.between(open_, part, bottom, top + 1))
        for conversation in open_:
            if self._floors[conversation] > bottom + 1:
                self._add(conversation, bottom, self._floors[conversation] - 1)
                self._floors[conversation] = bottom + 1

    def _first_part(self) -> list[int]:
        """The part of the filters that is asked first; none if the query has no terms."""
        return list(self._probes)[:1]

    def _take(self, chunks: list[Chunk]) -> None:
        """Note these chunks, if they may have all terms, and what lies between them."""
        chunks.sort(key=_last_of, reverse=True)
        floors = self._floors
        (first, *others) = self._probes.values()
        kept: dict[int, Range] = {}
        for conversation, after, last, bits in chunks:
            floor = floors[conversation]
            if after + 1 >= floor:
                continue  # it has no message that was not looked at
            if last + 1 < floor:
                self._add(conversation, last, floor - 1)
            floors[conversation] = after + 1
            if _may_have(bits, first):
                kept[last] = Range(conversation, after, min(last, floor - 1))
        for probes in others:
            if len(kept) <= FEW:
                break
            bits_of = self._chunks.parts(kept, probes[0].part)
            kept = {last: kept[last] for last in kept if _may_have(bits_of[last], probes)}
        for part in kept.values():
            self._add(*part)

    def _add(self, conversation: int, after: int, last: int) -> None:
        after = max(after, self._since[conversation])
        if last > after:
            self._ranges.append(Range(conversation, after, last))

    # ------------------------------------------------------------------ reading

    def _read(self, bottom: int, limit: int, found: list[int]) -> int | None:
        """Add the matches above ``bottom`` to ``found``; returns the number to go on before.

        None: all messages above ``bottom`` have been compared.
        """
        seqs = self._numbers(bottom)
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

    def _numbers(self, bottom: int) -> list[int]:
        """The numbers above ``bottom`` in the ranges, the newest first.

        It returns as many as the search may still read. The lower ones stay for the next window.
        """
        alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        rest: list[Range] = []
        for conversation, after, last in self._ranges:
            if last > bottom:
                alike[max(after, bottom), last].append(conversation)
            if after < bottom:
                rest.append(Range(conversation, after, min(last, bottom)))
        self._ranges = rest
        ranges = [(ids, after, last) for (after, last), ids in alike.items()]
        found = self._history.numbers_in(ranges, self._texts + 1)
        return sorted(found, reverse=True)[: self._texts + 1]


def _may_have(bits: str, probes: list[Probe]) -> bool:
    """May a chunk with this part of its filter have all these terms?"""
    return all([probe.may_be_in(bits) for probe in probes])


def _by_part(query: Query) -> dict[int, list[Probe]]:
    """The probes of a query's terms by their part; the part of the rarest term first."""
    found: defaultdict[int, list[Probe]] = defaultdict(list)
    for term in of_query(query):
        found[(place := probe(term)).part].append(place)
    return dict(found)
