"""The server's limits on a message. The numbers are those of chat.protocol. Pure."""

from __future__ import annotations

from chat.protocol import Limits
from client.errors import TooLargeError

LIMITS = Limits()

MAX_TEXT = LIMITS.text_bytes
"""The longest text of a message, in bytes of UTF-8."""


def check_text(text: str) -> None:
    """Raise TooLargeError for a text that the server would refuse as too long. Any thread.

    Raises ValueError for a value that is no ``str``, and for half a surrogate pair, which UTF-8
    cannot encode.
    """
    if not isinstance(text, str):
        # The message names the type and not the value, which may be a password.
        raise ValueError(f"a value of type {type(text).__name__} is no text: a str is needed")
    size = len(text.encode())
    if size > MAX_TEXT:
        raise TooLargeError(size, MAX_TEXT)
