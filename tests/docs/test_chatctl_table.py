"""The table of commands in docs/deploy.md has exactly the commands of chatctl."""

from __future__ import annotations

import re

import pytest

from chat.chatctl.commands import COMMANDS
from tests.chat.loopkit import PROJECT


@pytest.mark.parametrize(
    ("page", "head"),
    [("docs/deploy.md", "| command | effect |"), ("docs/zh/deploy.md", "| 命令 | 作用 |")],
)
def test_each_command_has_a_row(page: str, head: str) -> None:
    table = (PROJECT / page).read_text(encoding="utf-8").split(head)[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([a-z-]+(?: [a-z-]+)?)[^`]*` \|", table, re.MULTILINE)
    assert rows == [command.words for command in COMMANDS]
