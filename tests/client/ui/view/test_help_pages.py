from __future__ import annotations

import pytest

from client.ui.model.slash_commands import SLASH_COMMANDS
from client.ui.text.cells import width
from client.ui.text.translations import Translations
from client.ui.view.help_pages import command_help, help_page


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("cells", [15, 30, 51, 52, 78, 200])
def test_help_names_every_command_and_fits(language: str, cells: int) -> None:
    lines = ["".join(text for _, text in line) for line in help_page(Translations(language), cells)]
    whole = "\n".join(lines)
    for command in SLASH_COMMANDS:
        assert command.usage in whole
    if cells >= 52:
        assert all(width(line) <= cells for line in lines)


def test_command_help() -> None:
    texts = Translations("en")
    assert (
        command_help("/quit", texts) == command_help("QUIT", texts) == command_help("exit", texts)
    )
    assert command_help("nothing", texts) is None
