"""docs/client.md names every key, command and flag."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from client.chat_client import ChatClient
from client.main import _parser
from client.ui.model.slash_commands import (
    SLASH_COMMANDS,
    SlashCommand,
)
from client.ui.text.english import ENGLISH

GUIDE = (Path(__file__).parents[3] / "docs" / "client.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", SLASH_COMMANDS, ids=lambda command: command.name)
def test_every_command(command: SlashCommand) -> None:
    usage = command.usage.replace("|", "\\|")
    assert f"| `{usage}` | " in GUIDE
    assert all(f"/{alias}" in GUIDE for alias in command.aliases)


@pytest.mark.parametrize("key", [key for key in ENGLISH if key.startswith("key ")])
def test_every_key(key: str) -> None:
    name = ENGLISH[key].partition("|")[0]
    assert f"| {name.replace(', Ctrl+D', '; Ctrl+D')} | " in GUIDE


def test_every_flag() -> None:
    for action in _parser()._actions:
        for flag in action.option_strings:
            if flag not in ("-h", "--help", "--version"):
                assert f"`{flag}" in GUIDE


def test_every_method_of_the_library() -> None:
    for name in dir(ChatClient):
        if not name.startswith("_"):
            assert re.search(rf"`{name}\b", GUIDE), name
