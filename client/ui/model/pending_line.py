"""PendingLine: an entered line that waits for an answer of the server. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class PendingLine:
    """A line, and the lines that are entered before the server has answered.

    Example: ``/chat bob``, and at once a message for bob. The message waits, because another
    conversation is still open, and perhaps there is no bob.

    Attributes:
        line: comes back into the input line if the answer is no; may be empty.
        later: the lines to carry out after it.
    """

    line: str
    later: list[str] = field(default_factory=list)

    def text(self, typed: str) -> str:
        """The text to put back into the input line. ``typed``: is there already."""
        return "\n".join(part for part in (self.line, *self.later, typed) if part)
