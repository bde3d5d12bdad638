"""Lines of the Markdown pages end at 100 columns."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 100

ONE_LINE = ("user chat on ",)
"""Beginnings of lines in code that cannot be split: an ACL file of Redis has one line a user."""


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository that match, without those that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def columns(line: str) -> int:
    """The width in a terminal: a wide character, such as a Chinese one, takes two columns."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in line)


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_end_at_100_columns(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    wide = [
        number
        for number, line in enumerate(lines, 1)
        if columns(line) > COLUMNS and not line.startswith(ONE_LINE)
    ]
    assert not wide, f"lines of more than {COLUMNS} columns"


def test_a_chinese_character_takes_two_columns() -> None:
    assert columns("茶 tea") == 6
