"""SharedState: the state that the threads of a client share, under one condition.

The application's threads ask for logins, write messages and wait for sessions. The supervisor's
thread connects, logs in and sends. The receiver's thread brings the server's messages. While
``changed`` is held, no socket is used and no code of the application runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from client.account.lifecycle import UP, Lifecycle, State, Status
from client.account.local_account import LocalAccount
from client.errors import (
    CallbackFailedError,
    ClientError,
    ClosedError,
    ConnectionLostError,
    NotLoggedInError,
    NotStartedError,
)
from client.protocol.session import Session
from client.values import Account

log = logging.getLogger(__name__)


class SharedState:
    """The state of one client. All of it is read and changed while ``changed`` is held.

    Attributes:
        changed: the lock; a condition that is notified after each change.
        account: the account to keep logged in; None if there is none.
        login: the future of its login; None when it has a result.
        session: the session on the present connection; None without a connection.
        leaving: the account is being logged out, so no more messages are sent.
        logout: the future of the LOGINOUT_MSG; None when it has a result.
        hurry: the application wants the next attempt now, not after the back-off.
        closing: the end of the client has begun.
        failure: the SystemExit or other BaseException of a callback that began the end.

    ``on_status`` gets each new status while ``changed`` is held, so it gets them in order. It must
    only store them.
    """

    def __init__(self, on_status: Callable[[Status], None]) -> None:
        self.changed = threading.Condition()
        self.account: LocalAccount | None = None
        self.login: Future[Account] | None = None
        self.session: Session | None = None
        self.leaving = False
        self.logout: Future[None] | None = None
        self.hurry = False
        self.closing = False
        self.failure: CallbackFailedError | None = None
        self._on_status = on_status
        self._lifecycle = Lifecycle()

    def __repr__(self) -> str:
        return f"<SharedState {self.status.state.value}, {self.account!r}>"

    @property
    def status(self) -> Status:
        """The state and its reason. Any thread; it takes ``changed`` itself."""
        with self.changed:
            return self._lifecycle.status

    @property
    def state(self) -> State:
        """The state alone."""
        return self._lifecycle.state

    def become(
        self, state: State, error: ClientError | None = None, retry_at: float | None = None
    ) -> None:
        """Change the state, report it to ``on_status``, and notify ``changed``."""
        self._on_status(self._lifecycle.become(state, error, retry_at))
        self.changed.notify_all()

    def close(self) -> None:
        """Change the state to CLOSED. Idempotent."""
        self.closing = True
        if self.state is not State.CLOSED:
            self.become(State.CLOSED, self.failure)

    # ------------------------------------------------------------------ the application's code

    def run_callback(self, call: Callable[[], object]) -> None:
        """Run the application's code. Any thread, without ``changed``.

        An Exception is logged. Another BaseException, such as the SystemExit of ``sys.exit()``,
        ends the client. If it ended only this thread, the client would seem to be online, but
        would receive nothing.
        """
        try:
            call()
        except Exception:
            log.exception("a callback of the application failed")
        except BaseException as exc:  # noqa: BLE001 - raised again where the application waits
            self.fail(exc)

    def fail(self, raised: BaseException) -> None:
        """End the client, because a callback raised a BaseException that is no Exception.

        Any thread, without ``changed``.
        """
        log.error("a callback raised %r: the client ends", raised)
        with self.changed:
            if self.failure is None:
                self.failure = CallbackFailedError(raised)
            self.closing = True
            self.changed.notify_all()

    def raise_failure(self) -> None:
        """Raise the exception of a callback that ended the client, if any. Any thread."""
        with self.changed:
            failure = self.failure
        if failure is not None:
            raise failure.raised

    def take_login(self, account: LocalAccount) -> Future[Account] | None:
        """Take the future of the account's login out; None if that has a result."""
        if account is not self.account:
            return None
        future, self.login = self.login, None
        return future

    def take_logout(self) -> Future[None] | None:
        """Take the future of the logout out; None if that has a result."""
        future, self.logout = self.logout, None
        return future

    # ------------------------------------------------------------------ waiting for a session

    def wait_for_session(self, seconds: float, *, logged_in: bool) -> Session:
        """Wait for a session that can take requests. Any thread, without ``changed``.

        Raises NotLoggedInError, ClosedError or the reason of a stop at once. After ``seconds`` it
        raises the error of the last attempt.
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
        """Wait for a connection, at most ``seconds``; None waits for one attempt.

        Any thread, without ``changed``. Raises the error of the last attempt.
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
        if self.session is None:  # the connection has ended, and the state has not changed yet
            return False
        return self.state is State.ONLINE if logged_in else self.state in UP

    def _hopeless(self, logged_in: bool) -> bool:
        if self.closing or self.state in (State.IDLE, State.STOPPED):
            return True
        return logged_in and (self.account is None or self.leaving)

    def _why_not(self, logged_in: bool) -> ClientError:
        status = self._lifecycle.status
        if self.closing:
            return self.failure or ClosedError()
        if status.state is State.IDLE:
            return NotStartedError()
        if status.state is not State.STOPPED and logged_in and self.account is None:
            return NotLoggedInError()
        return status.error or ConnectionLostError("not connected yet")
