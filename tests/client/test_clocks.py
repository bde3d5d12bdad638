"""The client does not wait by the wall clock, because that may be set back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import client

FOLDER = Path(client.__file__).parent

WALL_CLOCK = {
    "account/sending_methods.py": 1,  # the time of writing, which is shown
    "ui/commands/client_events.py": 1,  # the time of a change of a group, which is shown
    "ui/view/message_view.py": 1,  # the date of today
    "ui/view/screen.py": 2,  # the same in the list and in the overview of conversations
}
"""Module → the number of its readings of the wall clock."""


def reads_of_the_wall_clock(source: str) -> int:
    """The number of calls of ``time.time``, ``datetime.now`` and the like in a source."""
    names = {"time": {"time", "time_ns"}, "datetime": {"now", "today", "utcnow"}}
    return sum(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in names.get(node.value.id, ())
        for node in ast.walk(ast.parse(source))
    )


def test_the_wall_clock_is_read_only_to_show_it() -> None:
    found = {}
    for path in FOLDER.rglob("*.py"):
        count = reads_of_the_wall_clock(path.read_text("utf-8"))
        if count:
            found[str(path.relative_to(FOLDER))] = count
    assert found == WALL_CLOCK


@pytest.mark.parametrize("option", ["min_redraw_interval", "max_render_postpone_time"])
def test_prompt_toolkit_does_not_wait_by_it_either(option: str) -> None:
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == option:
                assert isinstance(node.value, ast.Constant)
                assert node.value.value is None
