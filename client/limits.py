"""What the server takes at most. The numbers are those of chat.protocol. Pure."""

from __future__ import annotations

from chat.protocol import Limits
from client.errors import TooLargeError

LIMITS = Limits()

MAX_TEXT = LIMITS.text_bytes
"""The longest text of a message, in bytes of UTF-8."""


def check_text(text: str) -> None:
    """Any thread. Raises TooLargeError for a text that the server would refuse."""
    if len(text) * 4 > MAX_TEXT:  # no character has more than four bytes
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > MAX_TEXT:
            raise TooLargeError(size, MAX_TEXT)
