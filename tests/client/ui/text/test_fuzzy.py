from __future__ import annotations

import pytest

from client.ui.text.fuzzy import matches, rank


def test_the_best_comes_first() -> None:
    names = ["planning", "Anna", "bob", "ann", "a long name", "张三 ann"]
    assert matches("ann", names, str) == ["Anna", "ann", "planning", "张三 ann", "a long name"]
    assert matches("", names, str) == names
    assert matches("三", names, str) == ["张三 ann"]
    assert matches("xyz", names, str) == []


@pytest.mark.parametrize(("better", "worse"), [("tea", "the tea"), ("teapot", "the ear")])
def test_ranks(better: str, worse: str) -> None:
    one, other = rank("tea", better), rank("tea", worse)
    assert one is not None
    assert other is not None
    assert one < other


def test_order_matters() -> None:
    assert rank("ba", "ab") is None
    assert rank("ab", "axxb") is not None
