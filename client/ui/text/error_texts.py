"""Why something failed and what to do, in a few words of the user's language. Pure."""

from __future__ import annotations

from chat.protocol import ErrNo
from client.errors import (
    ConnectError,
    ConnectFault,
    ConnectionLostError,
    InUseError,
    NoAnswerError,
    NotConfirmedError,
    RefusedError,
    TooLargeError,
)
from client.protocol.connection import CLOSED, NOT_CHAT, UNANSWERED
from client.ui.text.cells import one_line
from client.ui.text.translations import Translations

_PASSING = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE})
"""The server says "try again", too, in many ways."""

_LOST = {CLOSED: "lost closed", UNANSWERED: "lost unanswered", NOT_CHAT: "lost protocol"}


def error_text(error: BaseException, texts: Translations) -> str:
    """The failure and its remedy on one line, escaped."""
    if isinstance(error, RefusedError):
        next_step = f"next {error.errno}"
        what = refusal_text(error, texts)
        return texts("and", what=what, next=texts(next_step)) if texts.has(next_step) else what
    if isinstance(error, ConnectError):
        return _not_connected(error, texts)
    if isinstance(error, ConnectionLostError):
        key = _LOST.get(error.reason)
        return one_line(error.reason) if key is None else texts(key)
    if isinstance(error, NoAnswerError):
        return texts("no answer")
    if isinstance(error, NotConfirmedError):
        return texts("not confirmed")
    if isinstance(error, InUseError):
        return texts("in use")
    if isinstance(error, TooLargeError):
        return texts("too long", size=error.size, limit=error.limit)
    return one_line(str(error) or type(error).__name__)


def refusal_text(error: RefusedError, texts: Translations) -> str:
    """The failure alone. The server's text is in English, and more precise than ours."""
    key = f"error {error.errno}"
    ours = texts.language != "en" or not error.errmsg or error.errno in _PASSING
    if ours and texts.has(key):
        return texts(key)
    return one_line(str(error))


def _not_connected(error: ConnectError, texts: Translations) -> str:
    reason = one_line(error.reason)
    if error.fault is ConnectFault.OTHER:
        return reason
    return texts(f"connect {error.fault.value}", host=one_line(error.host), why=reason)
