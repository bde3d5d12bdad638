"""Errors as short texts in the user's language, with the step to take next. Pure."""

from __future__ import annotations

import math
import re
from functools import partial

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
from client.protocol.parsing import read_retry_after
from client.server_texts import in_chinese
from client.ui.text.cells import one_line
from client.ui.text.translations import Translations

_OWN_TEXT = frozenset({ErrNo.UNAVAILABLE, ErrNo.BLOCKED, ErrNo.MAILBOX_FULL})
"""For these, the terminal's own text replaces the server's: it names the user or the server."""

_without_advice = partial(re.compile(": (try again later|wait, and .*)$").sub, "")
"""Removes the advice at the end of a server's text: the next step says when to try again."""

_MINUTE = 60

_LOST = {CLOSED: "lost closed", UNANSWERED: "lost unanswered", NOT_CHAT: "lost protocol"}


def error_text(error: BaseException, texts: Translations) -> str:
    """The error and the next step on one line, escaped."""
    if isinstance(error, RefusedError):
        refusal, next_step = refusal_text(error, texts), _next_step(error, texts)
        return texts("and", error=refusal, next=next_step) if next_step else refusal
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
    if texts.language == "zh":
        return one_line(in_chinese(error.errno, error.errmsg))
    key = f"error {error.errno}"
    if (not error.errmsg or error.errno in _OWN_TEXT) and texts.has(key):
        return texts(key)
    return one_line(_without_advice(str(error)))


def _next_step(error: RefusedError, texts: Translations) -> str:
    seconds = read_retry_after(error.answer)
    if error.errno == ErrNo.TOO_MANY and seconds is not None:
        return texts("next 6 at", time=_duration(seconds, texts))
    key = f"next {error.errno}"
    return texts(key) if texts.has(key) else ""


def _duration(seconds: float, texts: Translations) -> str:
    """A time to wait, rounded up, so that it is not too short."""
    if seconds < 2 * _MINUTE:
        return texts("seconds", count=math.ceil(seconds))
    return texts("minutes", count=math.ceil(seconds / _MINUTE))


def _not_connected(error: ConnectError, texts: Translations) -> str:
    reason = one_line(error.reason)
    if error.fault is ConnectFault.OTHER:
        return reason
    return texts(f"connect {error.fault.value}", host=one_line(error.host), reason=reason)
