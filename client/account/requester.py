"""Requester: sends an account's requests, and keeps its roster up to date with the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chat.protocol import ErrNo
from client.account.roster import Roster
from client.account.shared_state import SharedState
from client.errors import RefusedError
from client.protocol.requests import Request, Result
from client.timing import Timing

T = TypeVar("T")


class Requester:
    """Sends requests on the present session; without one it waits for the next. Owns no session."""

    def __init__(self, shared: SharedState, timing: Timing) -> None:
        self._shared = shared
        self._timing = timing

    def ask(self, request: Request[Result], /, **fields: Any) -> Result:
        """Send a request and wait for its answer. Any thread; blocks.

        Raises RefusedError, NoAnswerError, ConnectionLostError, NotLoggedInError or ClosedError.
        If the client has stopped, it raises the reason.
        """
        session = self._shared.wait_for_session(
            self._timing.answer, logged_in=not request.before_login
        )
        return session.ask(request, **fields)

    def ask_for(self, name: str, request: Request[Result], /, **fields: Any) -> Result:
        """As ``ask``, but the refusal "exists already" counts as a success.

        ``name``: the field of that refusal which contains the existing object.
        """
        try:
            return self.ask(request, **fields)
        except RefusedError as exc:
            if exc.errno != ErrNo.EXISTS or name not in exc.answer:
                raise
            return request.read(exc.answer)

    def with_roster(self, action: Callable[[Roster], T]) -> T | None:
        """Call ``action`` with the roster; returns its result, or None before the first login.

        Any thread.
        """
        with self._shared.changed:
            account = self._shared.account
            return None if account is None or account.roster is None else action(account.roster)
