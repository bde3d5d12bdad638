"""Filters: which terms (terms.py) the messages of a chunk may have.

A chunk is a few messages of one conversation that stand one after another. It has a Bloom filter:
it may say yes for a term that no message of the chunk has, and never no for one that a message has.

The filters of some chunks are stored together, as a *block*. A block has one *slice* for each bit
of a filter, and in it one bit for each chunk. So a search that combines four slices has asked all
chunks of the block for a term:

    slices of "北京"    bit of chunk  0 1 2 3 4 5 6 7
    3                                 1 0 1 0 0 1 0 0
    17                                1 1 1 0 0 0 0 1
    20                                1 0 0 0 1 0 1 0
    41                                1 0 1 1 0 0 0 0
    all of them                       1 0 0 0 0 0 0 0   chunk 0 may have it

The slices of a block are stored in PARTS parts, each a row of the database, and those of a term are
in one part. So a search reads one row for each term. New blocks have CHUNKS chunks. FAN of them
become one larger block, and FAN of these, up to LEVELS: so a conversation has few blocks, and its
newest messages need no large one.

With TERMS terms in a chunk, one answer in some fifty is a wrong yes. It costs the reading of four
messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

MESSAGES = 4
"""Of a chunk; fewer, if they have many terms."""

TERMS = 144
"""A chunk with more terms gets no further message."""

PARTS = 16
SLICES = 64
"""Of one part."""

CHUNKS = 8
"""Chunks of a new block: one byte of each slice."""

FAN = 8
LEVELS = 3
"""Sizes of blocks: 8, 64 and 512 chunks. A row of the largest has 4 KiB."""

SET_BITS = 4
"""Bits of a term in the filter of a chunk."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: its product spreads the bits of a checksum."""

_END_BYTES = 5
"""A number of a message in ``pack_ends``: a distance, so 10^12 is far more than enough."""


class Probe(NamedTuple):
    """Where the bits of a term are: the part, and its slices."""

    part: int
    slices: tuple[int, ...]

    def chunks(self, bits: bytes) -> int:
        """The chunks of a block that may have the term, one bit for each. ``bits``: of the part."""
        size = len(bits) // SLICES
        found = -1
        for place in self.slices:
            start = place * size
            found &= int.from_bytes(bits[start : start + size], "little")
        return found


def probe(term: str) -> Probe:
    """The bits of a term. The same on all machines, because they are stored."""
    mixed = crc32(term.encode()) * _GOLDEN
    slices = [mixed >> 6 * number & 63 for number in range(SET_BITS)]
    return Probe((mixed >> 40) % PARTS, tuple(dict.fromkeys(slices)))


def build(chunks: Sequence[set[str] | None]) -> list[bytes]:
    """The parts of a new block. Of each chunk its terms; None: it may have every term."""
    parts = [bytearray(SLICES) for _ in range(PARTS)]
    for number, terms in enumerate(chunks):
        bit = 1 << number
        if terms is None:
            parts = [bytearray([byte | bit for byte in part]) for part in parts]
            continue
        for term in terms:  # as ``probe``, without a call: this is most of the work of an index
            mixed = crc32(term.encode()) * _GOLDEN
            bits = parts[(mixed >> 40) % PARTS]
            bits[mixed & 63] |= bit
            bits[mixed >> 6 & 63] |= bit
            bits[mixed >> 12 & 63] |= bit
            bits[mixed >> 18 & 63] |= bit
    return [bytes(part) for part in parts]


def join(blocks: Sequence[bytes]) -> bytes:
    """One part of a larger block, from the same part of blocks that follow one another."""
    sizes = [(bits, len(bits) // SLICES) for bits in blocks]
    return b"".join(
        [bits[place * size : (place + 1) * size] for place in range(SLICES) for bits, size in sizes]
    )


def pack_ends(after: int, lasts: Sequence[int]) -> bytes:
    """The last message of each chunk of a block that begins behind the message ``after``."""
    return b"".join([(last - after).to_bytes(_END_BYTES, "little") for last in lasts])


def end_of(after: int, ends: bytes, chunk: int) -> int:
    """The last message of a chunk, from ``pack_ends``. Before the first chunk: ``after``."""
    if chunk < 0:
        return after
    place = chunk * _END_BYTES
    return after + int.from_bytes(ends[place : place + _END_BYTES], "little")


def ends_of(after: int, ends: bytes) -> list[int]:
    """The last message of each chunk, from ``pack_ends``."""
    return [end_of(after, ends, chunk) for chunk in range(len(ends) // _END_BYTES)]


def runs(chunks: int) -> Iterator[tuple[int, int]]:
    """Chunks that follow one another in a set of ``Probe.chunks``: the first one, and the last."""
    place = 0
    while chunks:
        skip = (chunks & -chunks).bit_length() - 1
        chunks >>= skip
        length = (~chunks & (chunks + 1)).bit_length() - 1
        yield place + skip, place + skip + length - 1
        chunks >>= length
        place += skip + length
