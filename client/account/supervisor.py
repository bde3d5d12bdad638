"""Supervisor: the thread that keeps a client connected and its user logged in.

connect ─▶ serve the link ─▶ lost ─▶ wait ─▶ connect ─▶ …
                │
                └──▶ stopped: wait until somebody asks for a login
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from client.account.backoff import Backoff
from client.account.client_state import SharedState
from client.account.lifecycle import State
from client.account.local_account import Desk
from client.account.session_driver import Link, LinkLostError, LinkStoppedError
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
NewLink = Callable[["socket.socket | TlsSocket"], Link]


class Supervisor:
    """Connects, and again, until closed. Owns the links and one thread."""

    def __init__(
        self,
        shared: SharedState,
        connect: Connect,
        new_link: NewLink,
        timing: Timing,
        chance: Callable[[], float],
    ) -> None:
        self._shared = shared
        self._changed = shared.changed
        self._connect = connect
        self._new_link = new_link
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

    def log_in(self, desk: Desk) -> Future[Account]:
        """Have this user logged in from now on. Any thread; returns at once.

        The future is the outcome. A refusal is one, and then the desk is the caller's again;
        whatever may pass is tried again until ``log_out``. Raises ClosedError, or NotStartedError
        where nothing connects.
        """
        shared = self._shared
        future: Future[Account] = Future()
        future.set_running_or_notify_cancel()
        with self._changed:
            if shared.closing:
                raise shared.failure or ClosedError()
            if shared.state is State.IDLE:
                raise NotStartedError
            assert shared.desk is None or shared.state is State.STOPPED
            shared.desk = desk
            shared.login = future
            shared.leaving = False
            self._hurry()
        return future

    def say_goodbye(self) -> Future[None]:
        """Tell the server that the user logs out; nothing more is sent. Any thread.

        The future is the outcome. ``log_out`` is to follow in any case.
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

    def log_out(self, desk: Desk) -> None:
        """Have this user logged in no more; a new connection is made. Any thread; idempotent.

        The desk is the caller's again. A login that is still waited for fails.
        """
        with self._changed:
            if self._shared.desk is not desk:
                return
            future = self._shared.take_login(desk)
            self._shared.desk = None
            self._hurry()
        if future is not None:
            future.set_exception(NotLoggedInError())

    def hurry(self) -> None:
        """Make the next attempt at once, or go on after a stop. Any thread."""
        with self._changed:
            self._hurry()

    def close(self) -> None:
        """End the connection and the thread. Any thread; idempotent."""
        shared = self._shared
        with self._changed:
            shared.closing = True
            future, shared.login = shared.login, None
            impatient = shared.state in (State.CONNECTING, State.LOGGING_IN)
            session = shared.session
            self._changed.notify_all()
        if future is not None:
            future.set_exception(ClosedError())
        if session is not None and impatient:
            session.fail("closed by this side")  # do not wait for the answer
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            # A thread in the middle of connecting sees by itself, later, that it is over.
            self._thread.join(self._timing.goodbye)
            if self._thread.is_alive() and session is not None:
                session.fail("closed by this side")  # it sends to somebody who reads nothing
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
            link = self._new_link(self._connect())
            try:
                if self._begin(link):
                    link.serve()
            finally:
                link.close()
                if time.monotonic() - since >= self._timing.stable:
                    self._backoff.reset()
        except LinkStoppedError as exc:
            self._stop(exc.cause)
        except LinkLostError as exc:
            self._wait(exc.cause, exc.at_least)
        except ClientError as exc:
            self._wait(exc, 0.0)
        else:
            self._again()

    def _begin(self, link: Link) -> bool:
        with self._changed:
            if self._shared.closing:
                return False
            self._shared.session = link.session
            self._shared.become(State.CONNECTED)
            return True

    def _again(self) -> None:
        """At once: we ended the connection ourselves."""
        with self._changed:
            if not self._shared.closing:
                self._shared.become(State.CONNECTING)

    def _wait(self, error: ClientError, at_least: float) -> None:
        """Before the next attempt."""
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
        """Until somebody asks for a login."""
        shared = self._shared
        with self._changed:
            if shared.closing:
                return
            shared.hurry = False
            shared.become(State.STOPPED, error)
            self._changed.wait_for(lambda: shared.closing or shared.hurry)
            self._backoff.reset()
            if not shared.closing:
                shared.become(State.CONNECTING)

    def _closed(self) -> None:
        with self._changed:
            self._shared.close()
