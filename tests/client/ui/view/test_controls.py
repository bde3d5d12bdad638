from __future__ import annotations

from typing import Any

import pytest
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import TransformationInput

from client.ui.text.cells import flatten, width
from client.ui.view.controls import Flatten, Lines, TabCompleter
from tests.client.ui.uikit import make_rooms


def transformed(text: str) -> Any:
    control = BufferControl(Buffer())
    source = TransformationInput(control, Document(text), 0, lambda i: i, [("", text)], 80, 24)
    return Flatten().apply_transformation(source)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("hello", "hello"),
        ("你好 é", "你好 é"),
        ("👍🏽!", "👍!"),
        ("from 🇨🇳", "from CN"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("❤\ufe0f x", "❤ x"),
    ],
)
def test_the_input_line_is_shown_with_a_known_width(typed: str, shown: str) -> None:
    done = transformed(typed)
    text = "".join(fragment[1] for fragment in done.fragments)
    assert text == shown
    assert flatten(text) == text
    assert width(text) == width(shown)


def test_cursor_positions() -> None:
    done = transformed("a👍🏽b")
    assert [done.source_to_display(n) for n in range(5)] == [0, 1, 2, 2, 3]
    assert [done.display_to_source(n) for n in range(4)] == [0, 1, 3, 4]


def test_lines() -> None:
    content = Lines(lambda cells, rows: [[("", f"{cells}x{rows}")], []]).create_content(5, 2)
    assert content.line_count == 2
    assert list(content.get_line(0)) == [("", "5x2")]
    assert not content.show_cursor


def test_completions() -> None:
    completer = TabCompleter(make_rooms)
    found = list(completer.get_completions(Document("/chat b"), CompleteEvent()))
    assert [(c.text, c.start_position, c.display_text) for c in found] == [("2 ", -1, "2 bob")]
    assert list(completer.get_completions(Document("/chat\nb"), CompleteEvent())) == []
