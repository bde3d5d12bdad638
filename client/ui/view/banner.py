"""The banner about the connection, as a text. Pure."""

from __future__ import annotations

from client.account.lifecycle import State, Status
from client.errors import RefusedError, ReplacedError
from client.ui.text.cells import one_line
from client.ui.text.error_texts import error_text
from client.ui.text.translations import Translations

_SENT_AWAY = frozenset({"disabled banner", "ended banner", "deleted banner"})
"""Texts for the reasons why a login is over."""


def banner(status: Status, texts: Translations, now: float) -> str:
    """The text while the client is not online; empty while it is.

    ``now``: seconds of ``time.monotonic()``, as in the status.
    """
    error = status.error
    reason = error_text(error, texts) if error is not None else ""
    if status.state is State.WAITING:
        seconds = max(0, round((status.retry_at or now) - now))
        return texts("offline banner", reason=reason, seconds=seconds)
    if status.state in (State.IDLE, State.CONNECTING, State.CONNECTED):
        return (
            texts("connecting reason banner", reason=reason)
            if reason
            else texts("connecting banner")
        )
    if status.state is State.LOGGING_IN:
        return texts("signing in banner")
    if status.state is State.STOPPED:
        return _stopped(error, texts, reason)
    return ""


def form_banner(status: Status, texts: Translations, now: float) -> str:
    """The text above an idle login form: only connection errors."""
    waits = status.state is State.WAITING
    fails = status.state is State.CONNECTING and status.error is not None
    return banner(status, texts, now) if waits or fails else ""


def _stopped(error: Exception | None, texts: Translations, reason: str) -> str:
    if isinstance(error, ReplacedError):
        if error.reason == "replaced":
            return texts("replaced banner")
        key = f"{error.reason} banner"
        if key in _SENT_AWAY:
            return texts(key)
        return texts("sent away banner", reason=one_line(error.reason))
    if isinstance(error, RefusedError):
        return texts("refused banner", reason=reason)
    return reason
