"""Filters: which terms (terms.py) a chunk of messages may have.

A filter is a Bloom filter: it may say yes for a term that no message of the chunk has, and never no
for one that a message has. It has PARTS parts, each a row of the database, and each part has LANES
lanes of 192 bits. A term belongs to one lane, and sets BITS bits of it. So a search reads one row
for each term, and not the whole filter.

    chunk of 64 messages ──▶ up to 960 terms ──▶ 8 parts of 240 bytes, 320 characters in Base64

With TERMS terms one answer in some hundred is a wrong yes. It costs the reading of the chunk.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

PARTS = 8
LANES = 10
"""Lanes of one part."""

LANE_BYTES = 24
LANE_BITS = 8 * LANE_BYTES
LANE_CHARACTERS = 32
"""In Base64, which is without padding for three bytes."""

BITS = 6
TERMS = PARTS * LANES * LANE_BITS // 16
"""Terms of a full chunk: 16 bits for each."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: its product spreads the bits of a checksum."""


class Probe(NamedTuple):
    """Where the bits of a term are.

    Attributes:
        lane: of the part.
        mask: the bits of the lane that must be set.
    """

    part: int
    lane: int
    mask: int

    def may_be_in(self, bits: str) -> bool:
        """May the chunk with this part have the term? ``bits``: of the part."""
        start = self.lane * LANE_CHARACTERS
        lane = int.from_bytes(a2b_base64(bits[start : start + LANE_CHARACTERS]), "little")
        return lane & self.mask == self.mask


def probe(term: str) -> Probe:
    """The bits of a term. The same on all machines, because they are stored."""
    mixed = crc32(term.encode()) * _GOLDEN
    mask = 0
    for number in range(BITS):
        mask |= 1 << ((mixed >> 8 * number & 255) * LANE_BITS >> 8)
    lane = mixed >> 8 * BITS
    return Probe(lane % PARTS, lane // PARTS % LANES, mask)


def full() -> list[str]:
    """The parts of a filter that may have every term."""
    return ["/" * LANE_CHARACTERS * LANES] * PARTS


def build(terms: Iterable[str]) -> list[str]:
    """The parts of the filter of a chunk with these terms."""
    lanes = [[0] * LANES for _ in range(PARTS)]
    for term in terms:
        part, lane, mask = probe(term)
        lanes[part][lane] |= mask
    return [
        b2a_base64(
            b"".join([lane.to_bytes(LANE_BYTES, "little") for lane in part]), newline=False
        ).decode()
        for part in lanes
    ]
