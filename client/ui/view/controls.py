"""Controls for prompt_toolkit: styled lines, the input line and its completions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.controls import UIContent, UIControl
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from client.ui.model.completion import candidates
from client.ui.model.room_list import RoomList
from client.ui.text.cells import flatten
from client.ui.text.styled_line import Line

Draw = Callable[[int, int], list[Line]]
"""Returns the lines for a width and a height."""


class Lines(UIControl):
    """Shows the lines that a function returns."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def create_content(self, width: int, height: int) -> UIContent:
        """See UIControl."""
        lines = self._draw(width, height)

        def get_line(number: int) -> StyleAndTextTuples:
            return list(lines[number])

        return UIContent(get_line=get_line, line_count=len(lines), show_cursor=False)


class Flatten(Processor):
    """Shows the input line without the characters on which terminals differ; see ``flatten``.

    The text itself is sent as it was typed.
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """See Processor."""
        source = "".join(fragment[1] for fragment in transformation_input.fragments)
        if source.isascii():
            return Transformation(transformation_input.fragments)
        shown = [_shown(char, before) for before, char in zip(" " + source, source, strict=False)]
        if all(len(piece) == 1 for piece in shown) and "".join(shown) == source:
            return Transformation(transformation_input.fragments)
        starts = [0]
        for piece in shown:
            starts.append(starts[-1] + len(piece))

        def to_source(position: int) -> int:
            return max(index for index, start in enumerate(starts) if start <= position)

        return Transformation(
            [("", "".join(shown))],
            source_to_display=lambda position: starts[min(position, len(shown))],
            display_to_source=to_source,
        )


def _shown(char: str, before: str) -> str:
    if char.isascii() or char.isalpha():
        return char
    if char in "\u200d\ufe0e\ufe0f":
        return ""
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return flatten(before + char)[1:]
    return flatten(char)


class TabCompleter(Completer):
    """Offers the candidates of client.ui.model.completion."""

    def __init__(self, rooms: Callable[[], RoomList]) -> None:
        self._rooms = rooms

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """See Completer."""
        if document.line_count > 1:
            return
        for found in candidates(document.text_before_cursor, self._rooms()):
            yield Completion(
                found.text,
                start_position=-found.replaces,
                display=found.shown,
                display_meta=found.hint,
            )
