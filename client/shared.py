"""SharedState: what the threads of a client share, under one condition.

The application's threads ask for logins, write messages and wait for sessions; the
supervisor's thread does what there is to do; the receiver's brings what arrives. They meet
here. While ``changed`` is held no socket is touched and no foreign code runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from client.desk import Desk
from client.errors import ClientError, ClosedError, ConnectionLostError, NotLoggedInError
from client.lifecycle import UP, Lifecycle, State, Status
from client.model import Account
from client.session import Session


class SharedState:
    """A client's state. Everything in it is read and changed while ``changed`` is held.

    Attributes:
        changed: the lock, notified whenever something changed.
        desk: whose mail it is; None while nobody is to be logged in.
        login: the outcome of the desk's login, until that is decided.
        session: the connection, if there is one.
        leaving: the user is being logged out; nothing more is sent.
        logout: the outcome of telling the server so, until it is decided.
        hurry: somebody does not want to wait until the next attempt.
        closing: the end has begun.
        on_status: is called while ``changed`` is held, so that the states are told in their
            order; it must only note them.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.desk: Desk | None = None
        self.login: Future[Account] | None = None
        self.session: Session | None = None
        self.leaving = False
        self.logout: Future[None] | None = None
        self.hurry = False
        self.closing = False
        self.on_status: Callable[[Status], None] = lambda status: None
        self._lifecycle = Lifecycle()

    def __repr__(self) -> str:
        return f"<SharedState {self.status.state.value}, {self.desk!r}>"

    @property
    def status(self) -> Status:
        """How things stand. Any thread, also without ``changed``."""
        with self.changed:
            return self._lifecycle.status

    @property
    def state(self) -> State:
        """The same without the reasons."""
        return self._lifecycle.state

    def become(
        self, state: State, error: ClientError | None = None, retry_at: float | None = None
    ) -> None:
        """Change the state and say so."""
        self.on_status(self._lifecycle.become(state, error, retry_at))
        self.changed.notify_all()

    def take_login(self, desk: Desk) -> Future[Account] | None:
        """Whom to tell what came of a login, if anybody waits for it."""
        if desk is not self.desk:
            return None
        future, self.login = self.login, None
        return future

    def take_logout(self) -> Future[None] | None:
        """Whom to tell what came of a logout, if anybody waits for it."""
        future, self.logout = self.logout, None
        return future

    # ------------------------------------------------------------------ waiting for it

    def wait_for_session(self, seconds: float, *, logged_in: bool) -> Session:
        """A session to ask on; waits for one if need be. Any thread, without ``changed``.

        Raises NotLoggedInError or ClosedError at once, what stopped the client, or after
        ``seconds`` what is in the way.
        """
        with self.changed:
            self.changed.wait_for(
                lambda: self._usable(logged_in) or self._hopeless(logged_in), seconds
            )
            if not self._usable(logged_in):
                raise self._why_not(logged_in)
            assert self.session is not None
            return self.session

    def wait_connected(self, seconds: float | None) -> None:
        """Wait for a connection; for one attempt if ``seconds`` is None. As above.

        Raises what the attempt, or the last one, failed of.
        """
        with self.changed:
            self.changed.wait_for(
                lambda: (
                    self.state in UP
                    or self._hopeless(logged_in=False)
                    or (seconds is None and self.state is State.WAITING)
                ),
                seconds,
            )
            if self.state not in UP:
                raise self._why_not(logged_in=False)

    def _usable(self, logged_in: bool) -> bool:
        if self.session is None:  # the state follows a moment after the end of a connection
            return False
        return self.state is State.ONLINE if logged_in else self.state in UP

    def _hopeless(self, logged_in: bool) -> bool:
        if self.closing or self.state in (State.IDLE, State.STOPPED):
            return True
        return logged_in and (self.desk is None or self.leaving)

    def _why_not(self, logged_in: bool) -> ClientError:
        status = self._lifecycle.status
        if self.closing or status.state is State.IDLE:
            return ClosedError()
        if status.state is not State.STOPPED and logged_in and self.desk is None:
            return NotLoggedInError()
        return status.error or ConnectionLostError("not connected yet")
