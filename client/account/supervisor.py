"""Supervisor: the thread that keeps a client connected and its user logged in.

It decides when to connect. A SessionDriver does the work on each connection.

connect ─▶ serve the session ─▶ lost ─▶ wait ─▶ connect ─▶ …
                │
                └──▶ stopped: wait until the application asks for a login or a connection
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from client.account.backoff import Backoff
from client.account.lifecycle import State
from client.account.local_account import LocalAccount
from client.account.session_driver import SessionDriver
from client.account.session_end import SessionLostError, SessionStoppedError
from client.account.shared_state import SharedState
from client.errors import (
    ClientError,
    ClosedError,
    ConnectionLostError,
    NotLoggedInError,
    NotStartedError,
)
from client.timing import Timing
from client.values import Account

if TYPE_CHECKING:
    import socket

    from client.protocol.tls import TlsSocket

log = logging.getLogger(__name__)

Connect = Callable[[], "socket.socket | TlsSocket"]
NewDriver = Callable[["socket.socket | TlsSocket"], SessionDriver]

DRAINING = "draining"
"""The reason in the BYE_MSG of a server that stops."""


class Supervisor:
    """Connects again after each lost connection, until it is closed. Owns one thread.

    ``connect`` returns a connected socket, and ``new_driver`` makes the driver that takes it over.
    ``keep_connected``: if False, a lost connection leads to STOPPED, and a pending login fails.
    """

    def __init__(
        self,
        shared: SharedState,
        connect: Connect,
        new_driver: NewDriver,
        timing: Timing,
        chance: Callable[[], float],
        *,
        keep_connected: bool,
    ) -> None:
        self._shared = shared
        self._changed = shared.changed
        self._connect = connect
        self._new_driver = new_driver
        self._keep_connected = keep_connected
        self._timing = timing
        self._backoff = Backoff(timing.first_backoff, timing.longest_backoff, chance)
        self._thread = threading.Thread(target=self._run, name="chat client", daemon=True)

    def __repr__(self) -> str:
        return f"<Supervisor of {self._shared!r}>"

    def start(self) -> None:
        """Begin to connect. Any thread; idempotent. Raises ClosedError."""
        with self._changed:
            if self._shared.closing:
                raise ClosedError
            if self._shared.state is State.IDLE:
                self._shared.become(State.CONNECTING)
                self._thread.start()

    def log_in(self, account: LocalAccount) -> Future[Account]:
        """Keep this account logged in from now on. Any thread; does not block.

        Returns a future of the result. After a temporary failure the login is repeated until
        ``log_out``. After a refusal the caller owns the account again. Raises ClosedError, or
        NotStartedError before ``start``.
        """
        shared = self._shared
        future: Future[Account] = Future()
        future.set_running_or_notify_cancel()
        with self._changed:
            if shared.closing:
                raise shared.failure or ClosedError()
            if shared.state is State.IDLE:
                raise NotStartedError
            assert shared.account is None or shared.state is State.STOPPED
            shared.account = account
            shared.login = future
            shared.leaving = False
            self._hurry()
        return future

    def say_goodbye(self) -> Future[None]:
        """Tell the server that the user logs out; no message is sent after that. Any thread.

        Returns a future of the server's answer. ``log_out`` must follow, whatever the answer is.
        """
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        with self._changed:
            self._shared.leaving = True
            online = self._shared.state is State.ONLINE
            self._shared.logout = future if online else None
            self._changed.notify_all()
        if not online:
            future.set_exception(ConnectionLostError("not connected"))
        return future

    def log_out(self, account: LocalAccount) -> None:
        """Stop keeping this account logged in. Any thread; idempotent.

        The caller owns the account again, and a pending login fails. If the server has not
        confirmed the logout, the connection is replaced by a new one.
        """
        with self._changed:
            if self._shared.account is not account:
                return
            future = self._shared.take_login(account)
            self._shared.account = None
            self._hurry()
        if future is not None:
            future.set_exception(NotLoggedInError())

    def hurry(self) -> None:
        """End the pause before the next attempt, or leave the state STOPPED. Any thread."""
        with self._changed:
            self._hurry()

    def close(self) -> None:
        """End the connection and the thread. Any thread; idempotent."""
        shared = self._shared
        with self._changed:
            shared.closing = True
            future, shared.login = shared.login, None
            awaits_answer = shared.state in (State.CONNECTING, State.LOGGING_IN)
            session = shared.session
            self._changed.notify_all()
        if future is not None:
            future.set_exception(ClosedError())
        if session is not None and awaits_answer:
            session.fail("closed by this side")
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            # An attempt to connect cannot be interrupted. The thread ends after it.
            self._thread.join(self._timing.goodbye)
            if self._thread.is_alive() and session is not None:
                # The thread is in a send, and the server does not read.
                session.fail("closed by this side")
                self._thread.join(self._timing.goodbye)
        self._closed()

    def _hurry(self) -> None:
        self._shared.hurry = True
        self._changed.notify_all()

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            while not self._shared.closing:
                self._one_connection()
        except Exception:
            log.exception("the chat client has failed")
            raise
        finally:
            self._closed()

    def _one_connection(self) -> None:
        try:
            since = time.monotonic()
            driver = self._new_driver(self._connect())
            try:
                if self._begin(driver):
                    driver.serve()
            finally:
                driver.close()
                if time.monotonic() - since >= self._timing.stable:
                    self._backoff.reset()
        except SessionStoppedError as exc:
            self._stop(exc.cause)
        except SessionLostError as exc:
            self._lost(exc.cause, exc.at_least)
        except ClientError as exc:
            self._lost(exc, 0.0)
        else:
            self._connect_again()

    def _begin(self, driver: SessionDriver) -> bool:
        with self._changed:
            if self._shared.closing:
                return False
            self._shared.session = driver.session
            self._shared.become(State.CONNECTED)
            return True

    def _connect_again(self) -> None:
        """Begin the next attempt without a pause, because this side ended the connection."""
        with self._changed:
            if not self._shared.closing:
                self._shared.become(State.CONNECTING)

    def _lost(self, error: ClientError, at_least: float) -> None:
        # A server that drains is no failure, and the next one takes its clients. Without this, two
        # restarts of servers within ten seconds would make the pauses longer and longer.
        if isinstance(error, ConnectionLostError) and error.reason == DRAINING:
            self._backoff.reset()
        if self._keep_connected:
            self._wait(error, at_least)
        else:
            self._stop(error)

    def _wait(self, error: ClientError, at_least: float) -> None:
        """Pause before the next attempt."""
        shared = self._shared
        with self._changed:
            wait = self._backoff.next(at_least)
            if shared.closing:
                return
            shared.hurry = False
            shared.become(State.WAITING, error, time.monotonic() + wait)
            self._changed.wait_for(lambda: shared.closing or shared.hurry, wait)
            if not shared.closing:
                shared.become(State.CONNECTING, error)

    def _stop(self, error: ClientError) -> None:
        """Change to STOPPED, and wait until the application asks for a login or a connection."""
        shared = self._shared
        with self._changed:
            if shared.closing:
                return
            # ``hurry`` is cleared before the login fails. Example: the login fails, and its caller
            # logs in again at once, which sets ``hurry``; a later clearing would lose that.
            shared.hurry = False
            shared.become(State.STOPPED, error)
            login = None if self._keep_connected else self._take_pending_login()
        if login is not None:
            shared.run_callback(partial(login.set_exception, error))
        with self._changed:
            self._changed.wait_for(lambda: shared.closing or shared.hurry)
            self._backoff.reset()
            if not shared.closing:
                shared.become(State.CONNECTING)

    def _take_pending_login(self) -> Future[Account] | None:
        account = self._shared.account
        login = None if account is None else self._shared.take_login(account)
        if login is not None:
            self._shared.account = None  # the caller owns it again
        return login

    def _closed(self) -> None:
        with self._changed:
            self._shared.close()
