"""Each Chinese page is a whole translation of its English page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

PAIRS = {
    "README": (ROOT / "README.md", ROOT / "README.zh-CN.md"),
    "quickstart": (DOCS / "quickstart.md", DOCS / "zh" / "quickstart.md"),
    "client": (DOCS / "client.md", DOCS / "zh" / "client.md"),
    "web": (DOCS / "web.md", DOCS / "zh" / "web.md"),
    "protocol": (DOCS / "protocol.md", DOCS / "zh" / "protocol.md"),
    "http": (DOCS / "muduopy" / "http.md", DOCS / "muduopy" / "http.zh-CN.md"),
    "deploy": (DOCS / "deploy.md", DOCS / "zh" / "deploy.md"),
}

SCREEN = "text"
"""The language of blocks that show a screen, or words to type: each page has its own."""


class Block(NamedTuple):
    """One fenced block: its language, and its code without comments."""

    language: str
    code: tuple[str, ...]


class Outline(NamedTuple):
    """The parts that both pages of a pair have in common, in the order of the page.

    ``headings`` are levels, ``lists`` are numbers of items. A row of ``tables`` has the code in its
    cells, such as the names of commands and settings.
    """

    headings: list[int]
    tables: list[list[list[str]]]
    lists: list[int]
    blocks: list[Block]


def outline(page: str) -> Outline:
    """The outline of a Markdown page."""
    blocks = [
        Block(language, () if language == SCREEN else code_lines(code))
        for language, code in re.findall(r"^```(.*)\n((?:.*\n)*?)```$", page, re.M)
    ]
    prose = re.sub(r"^```(?:.*\n)*?```$", "", page, flags=re.M)
    return Outline(
        headings=[len(marks) for marks in re.findall(r"^(#+) ", prose, re.M)],
        tables=[
            [list(filter(str.isascii, re.findall("`(.+?)`", row))) for row in run.splitlines()]
            for run in re.findall(r"(?:^\|.*\n)+", prose, re.M)
        ],
        lists=[
            len(re.findall(r"^(?:-|\d+\.) ", run, re.M))
            for run in re.findall(r"(?:^(?:-|\d+\.) .*\n(?:  .*\n)*)+", prose, re.M)
        ],
        blocks=blocks,
    )


def code_lines(code: str) -> tuple[str, ...]:
    """The lines of a block without comments, which are in the language of the page."""
    lines = (re.sub(r"(?:^|\s+)#.*", "", line).rstrip() for line in code.splitlines())
    return tuple(line for line in lines if line)


@pytest.mark.parametrize("name", PAIRS)
def test_each_translation_is_whole(name: str) -> None:
    english, chinese = (outline(page.read_text(encoding="utf-8")) for page in PAIRS[name])
    assert english.headings
    assert chinese.headings == english.headings
    assert chinese.tables == english.tables
    assert chinese.lists == english.lists
    assert chinese.blocks == english.blocks


@pytest.mark.parametrize("name", PAIRS)
def test_each_pair_links_to_the_other_page(name: str) -> None:
    english, chinese = PAIRS[name]
    assert f"]({chinese.relative_to(english.parent)})" in english.read_text(encoding="utf-8")
    back = "../" * (chinese.parent != english.parent) + english.name
    assert f"]({back})" in chinese.read_text(encoding="utf-8")


def test_every_chinese_page_has_an_english_one() -> None:
    assert sorted(DOCS.glob("zh/*.md")) == sorted(
        chinese for _, chinese in PAIRS.values() if chinese.parent.name == "zh"
    )


PAGE = """\
# A page

- one
- two

| a | b |
|---|---|
| 1 | `2` |

```sh
run this  # with a comment
```
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# A page", "## A page"),
        ("- two\n", ""),
        ("| 1 | `2` |\n", ""),
        ("| 1 | `2` |", "| 1 | `3` |"),
        ("run this", "run that"),
        ("```sh", "```"),
    ],
)
def test_a_difference_is_found(old: str, new: str) -> None:
    assert outline(PAGE.replace(old, new)) != outline(PAGE)


def test_words_may_differ() -> None:
    other = PAGE.replace("A page", "一页").replace("one", "一").replace("a comment", "注释")
    assert outline(other) == outline(PAGE)
