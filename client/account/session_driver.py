"""SessionDriver: one connection of a client, from the login to the end.

The supervisor's thread takes all steps: it logs in, sends the messages of the outbox, acknowledges
the messages that the application has handled, and sleeps in between. The session's receiver thread
brings the events. Several threads of the application may write chat messages. One thread sends them
all, so they keep their order.

After a logout that the server has confirmed, the next user may log in on the same connection.
"""

from __future__ import annotations

import time
from enum import Enum, auto
from typing import TYPE_CHECKING

from client.account.callbacks import Callbacks
from client.account.event_taker import EventTaker
from client.account.local_account import LocalAccount
from client.account.session_end import SessionLostError, SessionStoppedError
from client.account.session_login import SessionLogin
from client.account.session_state import SessionState
from client.account.shared_state import SharedState
from client.errors import ConnectionLostError, ReplacedError
from client.protocol.session import Session
from client.timing import Timing

if TYPE_CHECKING:
    import socket

    from client.protocol.tls import TlsSocket

_LAST_WORDS_SECONDS = 1.0
"""After a failed send: the time to receive the server's last messages."""


class _Step(Enum):
    """The next step of the supervisor's thread."""

    END = auto()
    LOG_IN = auto()
    LOG_OUT = auto()
    ACKNOWLEDGE = auto()
    SEND = auto()


class SessionDriver:
    """Owns a session, and drives the login and the messages of one account on it.

    It owns neither the account nor the decision to connect again. ``retry_login``: see
    SessionLogin.
    """

    def __init__(
        self,
        sock: socket.socket | TlsSocket,
        shared: SharedState,
        timing: Timing,
        callbacks: Callbacks,
        *,
        retry_login: bool,
    ) -> None:
        self._shared = shared
        self._changed = shared.changed
        self._state = SessionState(shared)
        self._login = SessionLogin(shared, timing, self._state, retry_login=retry_login)
        taker = EventTaker(shared, callbacks, self._state)
        self.session = self._state.session = Session(sock, taker.take_all, taker.closed, timing)

    def __repr__(self) -> str:
        return f"<SessionDriver of {self._state.account!r} on {self.session!r}>"

    def serve(self) -> None:
        """Take steps until the connection ends. Supervisor's thread.

        Returns if this side has ended it, so that the next attempt needs no pause. Otherwise raises
        SessionLostError or SessionStoppedError.
        """
        self.session.start()
        try:
            while (step := self._next_step()) is not _Step.END:
                self._take_step(step)
        except ConnectionLostError:
            self.session.wait_closed(_LAST_WORDS_SECONDS)
        self._explain_end()

    def close(self) -> None:
        """End the connection; its later events are ignored. Supervisor's thread."""
        with self._changed:
            self._shared.session = None
            if self._state.account is not None:
                self._state.account.outbox.start_over()
            logout = self._shared.take_logout()
            self._changed.notify_all()
        if logout is not None:
            reason = self.session.closed_reason or "closed by this side"
            logout.set_exception(ConnectionLostError(reason))
        self.session.close()

    # ------------------------------------------------------------------ serving

    def _next_step(self) -> _Step:
        """Wait until a step is due; returns it."""
        shared = self._shared
        with self._changed:
            while True:
                if self.session.closed_reason is not None or self._state.is_sent_away:
                    return _Step.END
                account = self._state.account
                if account is not None and account is not shared.account:
                    if not self._state.logged_out:
                        # The server has not confirmed the logout. On this connection it may take
                        # messages of the next user for messages of the former one.
                        return _Step.END
                    self._login.release(account)
                    continue
                if account is not None and account.inbox.has_acknowledgements:
                    return _Step.ACKNOWLEDGE
                if shared.logout is not None:
                    return _Step.LOG_OUT
                if shared.closing:
                    return _Step.END
                if account is None and shared.account is not None:
                    return _Step.LOG_IN
                wait = self._until_send(account)
                if wait is not None and wait <= 0:
                    return _Step.SEND
                self._changed.wait(wait)

    def _until_send(self, account: LocalAccount | None) -> float | None:
        """Seconds until a message of the outbox is due; None if none can become due."""
        if account is None or self._state.goodbye is not None or self._shared.leaving:
            return None
        wake_at = account.outbox.wake_at
        return None if wake_at is None else wake_at - time.monotonic()

    def _take_step(self, step: _Step) -> None:
        if step is _Step.LOG_IN:
            self._login.log_in()
        elif step is _Step.LOG_OUT:
            self._login.log_out()
        elif step is _Step.ACKNOWLEDGE:
            self._acknowledge()
        else:
            self._send_outbox()

    def _explain_end(self) -> None:
        """Raise the reason of the end; nothing if it came from this side."""
        with self._changed:
            goodbye, complaint = self._state.goodbye, self._state.complaint
            reason, retry_after = self.session.closed_reason, self._state.retry_after
        if goodbye is not None and not goodbye.reconnect:
            raise SessionStoppedError(ReplacedError(goodbye.reason))
        if goodbye is not None:
            raise SessionLostError(ConnectionLostError(goodbye.reason, announced=True))
        if reason is not None:
            raise SessionLostError(ConnectionLostError(complaint or reason), retry_after)

    def _acknowledge(self) -> None:
        with self._changed:
            assert self._state.account is not None
            seqs = self._state.account.inbox.take_acknowledgements()
        self.session.acknowledge(seqs)

    def _send_outbox(self) -> None:
        with self._changed:
            account = self._state.account
            assert account is not None
            frames = [account.frame(message) for message in account.outbox.take(time.monotonic())]
        for frame in frames:
            self.session.send_chat(frame)
