"""The finder finds what a look at every text finds, with an index and without."""

from __future__ import annotations

import random

import pytest

from chat.search import finder
from chat.search.indexer import BLOCK
from chat.search.query import Query
from chat.storage import Database
from chat.storage.tables import group_conversation, user_conversation
from tests.chat.search.corpus import QUESTIONS, TEXTS
from tests.chat.search.searchkit import blocks, compare_all, find, index_all, log, newest

BOB = user_conversation(1, 2)
GROUP = group_conversation(3)

NAMES = list(TEXTS)


def fill(database: Database, count: int, seed: int = 1) -> None:
    """Two large conversations and some small ones, with the corpus among other texts."""
    choose = random.Random(seed)
    people = [2] * 10 + [-3] * 10 + list(range(4, 14))
    words = "alpha beta gamma delta 今天 明天 我们 服务 器 eins zwei".split()
    said = []
    for _ in range(count):
        text = " ".join(choose.choices(words, k=3))
        if choose.random() < 0.1:
            text = TEXTS[choose.choice(NAMES)]
        said.append((choose.choice(people), text))
    log(database, said)


def all_of(database: Database) -> dict[int, int]:
    rows = database.read(lambda tx: tx.query("SELECT DISTINCT conversation FROM message"))
    return {conversation: 0 for (conversation,) in rows}


@pytest.mark.parametrize("indexed", [False, True])
def test_the_questions_of_the_corpus(database: Database, indexed: bool) -> None:
    said = [(2, TEXTS[name]) for name in NAMES] + [(2, "something else")] * BLOCK
    log(database, said)
    if indexed:
        index_all(database)
        assert blocks(database)[-1][-1] >= len(NAMES)
    for question, names in QUESTIONS.items():
        (found,) = find(database, question, {BOB: 0}, limit=100)
        assert {NAMES[seq - 1] for seq in found} == names, question


def test_the_same_with_an_index_as_without(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "FIRST_WINDOW", 100)
    fill(database, 3000)
    index_all(database)
    covered = blocks(database)
    fill(database, 300, seed=2)
    assert {conversation for conversation, _, _ in covered} >= {BOB, GROUP}
    everywhere = all_of(database)
    for question in [*list(QUESTIONS)[::9], "alpha", "今天 beta", "gamma zwei eins"]:
        for conversations in ({BOB: 0}, {GROUP: 700}, everywhere):
            expected = compare_all(database, question, conversations)
            pages = find(database, question, conversations, limit=30)
            assert [seq for page in pages for seq in page] == expected, question
            assert all(len(page) == 30 for page in pages[:-1])


def test_a_search_that_reads_too_much_goes_on_in_the_next_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "MOST_TEXTS", 100)
    monkeypatch.setattr(finder, "TEXTS", 40)
    fill(database, 700)
    expected = compare_all(database, "beta", {BOB: 0, GROUP: 0})
    pages = find(database, "beta", {BOB: 0, GROUP: 0}, limit=1000)
    assert len(pages) > 3
    assert [seq for page in pages for seq in page] == expected


def test_long_texts_are_a_bounded_work(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "MOST_CHARACTERS", 100_000)
    monkeypatch.setattr(finder, "TEXTS", 10)
    log(database, [(2, "x " * 5000 + "end")] * 30)
    pages = find(database, "end", {BOB: 0}, limit=100)
    assert [len(page) for page in pages] == [10, 10, 10, 0]


def test_a_rare_word_is_found_with_few_texts(database: Database) -> None:
    log(database, [(2, "needle in a haystack")])
    fill(database, 4000)
    index_all(database)
    read: list[int] = []

    class Counting(finder.Finder):
        pass

    def look(tx: object) -> list[int]:
        search = Counting(tx, Query("needle"), {BOB: 0, GROUP: 0})  # type: ignore[arg-type]
        found = search.run(None, 20).seqs
        read.append(finder.MOST_TEXTS - search._texts)
        return found

    assert database.read(look) == [1]
    assert read[0] < 6 * BLOCK, "the chunk of the word, and the messages in no block"


def test_nothing_to_search_in(database: Database) -> None:
    assert find(database, "hi", {}) == [[]]
    assert find(database, "hi", {BOB: 0}) == [[]]
    log(database, [(2, "hi")])
    assert find(database, "hi", {}) == [[]]
    assert find(database, "hi", {BOB: 0}) == [[newest(database)]]
    assert find(database, "hi", {BOB: newest(database)}) == [[]]
