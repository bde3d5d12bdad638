"""Filters: a chunk with a term always says yes, in small blocks and in joined ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chat.search.filters import (
    CHUNKS,
    FAN,
    PARTS,
    SLICES,
    build,
    end_of,
    ends_of,
    join,
    pack_ends,
    probe,
    runs,
)


def chunks_of(number: int) -> list[set[str] | None]:
    return [{f"term{number}.{chunk}.{n}" for n in range(100)} for chunk in range(CHUNKS)]


def test_each_term_is_found_in_its_chunk() -> None:
    parts = build(chunks_of(0))
    assert [len(bits) for bits in parts] == [SLICES * CHUNKS // 8] * PARTS
    for chunk, terms in enumerate(chunks_of(0)):
        for term in terms or ():
            assert probe(term).chunks(parts[probe(term).part]) >> chunk & 1


def test_each_term_is_found_in_joined_blocks() -> None:
    blocks = [build(chunks_of(number)) for number in range(FAN)]
    joined = [join([block[part] for block in blocks]) for part in range(PARTS)]
    twice = [join([bits] * FAN) for bits in joined]
    for number in range(FAN):
        for chunk, terms in enumerate(chunks_of(number)):
            for term in terms or ():
                place = probe(term)
                bit = number * CHUNKS + chunk
                assert place.chunks(joined[place.part]) >> bit & 1
                assert place.chunks(twice[place.part]) >> FAN * CHUNKS + bit & 1


def test_few_wrong_answers() -> None:
    parts = build(chunks_of(0))
    others = [probe(f"another{n}") for n in range(1000)]
    wrong = sum(place.chunks(parts[place.part]).bit_count() for place in others)
    assert wrong < 0.04 * CHUNKS * len(others)


def test_a_chunk_of_a_long_text_may_have_every_term() -> None:
    parts = build([set(), None, *[set()] * (CHUNKS - 2)])
    for n in range(100):
        place = probe(f"word{n}")
        assert place.chunks(parts[place.part]) == 0b10


def test_the_ends_of_chunks() -> None:
    after, lasts = 2**52, [2**52 + 1, 2**52 + 2**39]
    packed = pack_ends(after, lasts)
    assert ends_of(after, packed) == lasts
    assert [end_of(after, packed, chunk) for chunk in (-1, 0, 1)] == [after, *lasts]


@given(st.sets(st.integers(0, CHUNKS * FAN * FAN - 1)))
def test_runs(chunks: set[int]) -> None:
    found = list(runs(sum(1 << chunk for chunk in chunks)))
    assert {chunk for first, last in found for chunk in range(first, last + 1)} == chunks
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))
