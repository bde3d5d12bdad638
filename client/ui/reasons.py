"""Why something failed, in a few words of the user's language. Pure."""

from __future__ import annotations

from client.errors import (
    ConnectError,
    ConnectionLostError,
    InUseError,
    NoAnswerError,
    NotConfirmedError,
    RefusedError,
    TooLargeError,
)
from client.ui.cells import one_line
from client.ui.texts import Texts


def why(error: BaseException, texts: Texts) -> str:
    """One line, escaped."""
    if isinstance(error, RefusedError):
        return _refused(error, texts)
    if isinstance(error, ConnectError | ConnectionLostError):
        return one_line(error.reason)
    if isinstance(error, NoAnswerError):
        return texts("no answer")
    if isinstance(error, NotConfirmedError):
        return texts("not confirmed")
    if isinstance(error, InUseError):
        return texts("in use")
    if isinstance(error, TooLargeError):
        return texts("too long", size=error.size, limit=error.limit)
    return one_line(str(error) or type(error).__name__)


def _refused(error: RefusedError, texts: Texts) -> str:
    """The server's own words are English, and more to the point than ours."""
    key = f"error {error.errno}"
    if texts.has(key) and (texts.language != "en" or not error.errmsg):
        return texts(key)
    return one_line(str(error))
