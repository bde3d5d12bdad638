from __future__ import annotations

from client.ui.model.slash_commands import BY_NAME, SLASH_COMMANDS


def test_the_table() -> None:
    names = [name for command in SLASH_COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names)) == len(BY_NAME)
    for command in SLASH_COMMANDS:
        optional = [param.optional for param in command.params]
        assert optional == sorted(optional)  # optional parameters come last
