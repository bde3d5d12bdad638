"""Errors as short texts in the user's language, with the step to take next. Pure."""

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

_TEMPORARY = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE, ErrNo.MAILBOX_FULL})
"""For these, the terminal's own text replaces the server's, which also says "try again"."""

_LOST = {CLOSED: "lost closed", UNANSWERED: "lost unanswered", NOT_CHAT: "lost protocol"}


def error_text(error: BaseException, texts: Translations) -> str:
    """The error and the next step on one line, escaped."""
    if isinstance(error, RefusedError):
        next_step = f"next {error.errno}"
        refusal = refusal_text(error, texts)
        return (
            texts("and", error=refusal, next=texts(next_step)) if texts.has(next_step) else refusal
        )
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
    """A refusal without the next step, escaped.

    In English the server's own text is used, which is the more precise one.
    """
    key = f"error {error.errno}"
    use_own = texts.language != "en" or not error.errmsg or error.errno in _TEMPORARY
    if use_own and texts.has(key):
        return texts(key)
    return one_line(str(error))


def _not_connected(error: ConnectError, texts: Translations) -> str:
    reason = one_line(error.reason)
    if error.fault is ConnectFault.OTHER:
        return reason
    return texts(f"connect {error.fault.value}", host=one_line(error.host), reason=reason)
