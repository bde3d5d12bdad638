"""The names that count as looking alike, and those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.names.name_hash import RULES, name_hashes
from chat.protocol import normal_name
from tests.tiers import examples

CASE = [
    ("zhang san", "Zhang San"),
    ("lisi", "LISI"),
    ("Вася", "вася"),
    ("Straße", "STRASSE"),
    ("zhang san", "ｚｈａｎｇ　ｓａｎ"),
    ("①", "1"),
]

LOOKS = [
    ("Ivan", "lvan"),
    ("user0", "userO"),
    ("bot-1", "bot-l"),
    ("Bob", "Вob"),
    ("paypal", "раураl"),
    ("modem", "modern"),
    ("口", "ロ"),
    ("café", "cafe\u0301\u0301"),
]

HIDDEN = [
    *("\ufe0f", "\u034f", "\u3164", "\uffa0", "\u115f", "\u2800", "\u17b4", "\U0001d159"),
    *("\u200b", "\u00a0", " ", "\U000e0020"),
]

DIFFERENT = [
    ("Mei", "Mel"),
    ("ivan", "lvan"),
    ("张三", "張三"),
    ("王士", "王土"),
    ("未", "末"),
    ("日", "曰"),
    ("张三", "张三三"),
    ("cafe", "café"),
    ("李四", "李 四"),
    ("user1", "user2"),
]


@pytest.mark.parametrize(("one", "other"), CASE)
def test_case_and_width(one: str, other: str) -> None:
    assert name_hashes(one).folded == name_hashes(other).folded


@pytest.mark.parametrize(("one", "other"), LOOKS)
def test_looks(one: str, other: str) -> None:
    assert name_hashes(one).skeleton == name_hashes(other).skeleton


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_invisible_characters_make_no_difference(hidden: str) -> None:
    """Names of older versions may have such characters."""
    seen = name_hashes("zhang san")
    assert name_hashes(f"zhang {hidden}san{hidden}") == seen


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_names(one: str, other: str) -> None:
    first, second = name_hashes(one), name_hashes(other)
    assert first.folded != second.folded
    assert first.skeleton != second.skeleton


def test_no_two_han_characters_look_alike() -> None:
    """All 20,992 of the first block and 6,592 of extension A."""
    han = [chr(code) for block in ((0x4E00, 0xA000), (0x3400, 0x4DC0)) for code in range(*block)]
    assert all(normal_name(character) == character for character in han)
    assert len({name_hashes(character).folded for character in han}) == len(han)
    assert len({name_hashes(character).skeleton for character in han}) == len(han)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
@settings(max_examples=examples(500), deadline=None, database=None)
def test_every_text_has_hashes_and_its_stored_form_the_same(name: str) -> None:
    hashes = name_hashes(name)
    assert name_hashes(normal_name(name)) == hashes
    assert [len(value or "") for value in hashes] == [32, 32]


def test_half_a_pair_is_no_error() -> None:
    assert name_hashes("a\ud800") != name_hashes("a")


def test_the_rules_have_not_changed() -> None:
    """A change of these hashes requires a new RULES, because the stored ones are compared."""
    assert RULES == 1
    assert name_hashes("Zhang San, Вася, 李四") == (
        "35c16c04f62980e92c9cb0e112c07e1e",
        "85f8a7fb1628566a63941f199cc88cbc",
    )
