"""Link: one connection of a supervised client, from the login to the end.

The supervisor's thread serves it: it logs in, sends what is in the outbox, acknowledges what
was taken care of, and sleeps in between. The session's receiver thread brings what arrives.
That one thread sends all chat messages, whoever wrote them, is what keeps them in order.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from chat.protocol import ErrNo
from client import values
from client.account.client_state import SharedState
from client.account.lifecycle import State
from client.account.local_account import Completion, Desk
from client.errors import (
    ClientError,
    ConnectionLostError,
    NoAnswerError,
    RefusedError,
    ReplacedError,
)
from client.protocol.session import Session
from client.timing import Timing
from client.values import (
    ChatAnswer,
    ChatMessage,
    Event,
    Goodbye,
    LoggedIn,
    Presence,
    ServerError,
    Signal,
)

if TYPE_CHECKING:
    import socket

    from client.protocol.tls import TlsSocket

log = logging.getLogger(__name__)

_TRY_AGAIN = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE})

_LAST_WORDS_SECONDS = 1.0
"""A failed send is noticed before what the server said last has been read."""


class _Step(Enum):
    """What the supervisor's thread does next."""

    END = auto()
    LOG_IN = auto()
    LOG_OUT = auto()
    ACKNOWLEDGE = auto()
    SEND = auto()


class LinkLostError(Exception):
    """This connection is of no more use, but the next one may be.

    Attributes:
        cause: why, as an application or a person may be told.
        at_least: seconds that the server wants to be left in peace.
    """

    def __init__(self, cause: ClientError, at_least: float = 0.0) -> None:
        super().__init__(cause)
        self.cause = cause
        self.at_least = at_least


class LinkStoppedError(Exception):
    """There is no use in connecting again before somebody asks for it.

    Attributes:
        cause: why.
    """

    def __init__(self, cause: ClientError) -> None:
        super().__init__(cause)
        self.cause = cause


class Link:
    """A session, who is logged in on it, and what the server said. Closes the session.

    ``on_message`` and ``on_presence`` are called on the receiver's thread without any lock,
    and must only note it: that there is a new message in the inbox, and who came or went.
    """

    def __init__(
        self,
        sock: socket.socket | TlsSocket,
        shared: SharedState,
        timing: Timing,
        on_message: Callable[[], None],
        on_presence: Callable[[Presence], None],
    ) -> None:
        self._shared = shared
        self._changed = shared.changed
        self._timing = timing
        self._on_message = on_message
        self._on_presence = on_presence
        self._speaker: Desk | None = None  # who logs in or is logged in here
        self._welcomed = False  # the signal of the login has been taken
        self._goodbye: Goodbye | None = None
        self._complaint: str | None = None
        self.session = Session(sock, self._on_ready, timing, on_signal=self._on_signal)

    def __repr__(self) -> str:
        return f"<Link of {self._speaker!r} on {self.session!r}>"

    def serve(self) -> None:
        """Do what there is to do. Returns when another connection is wanted at once.

        Supervisor's thread. Raises LinkLostError or LinkStoppedError.
        """
        self.session.start()
        try:
            while (step := self._next_step()) is not _Step.END:
                self._take_step(step)
        except ConnectionLostError:
            self.session.wait_closed(_LAST_WORDS_SECONDS)
        self._explain_end()

    def close(self) -> None:
        """End the connection; what it brought and took in no more counts. Supervisor's thread."""
        with self._changed:
            self._shared.session = None
            if self._speaker is not None:
                self._speaker.outbox.start_over()
            logout = self._shared.take_logout()
            self._changed.notify_all()
        if logout is not None:
            reason = self.session.closed_reason or "closed by this side"
            logout.set_exception(ConnectionLostError(reason))
        self.session.close()

    # ------------------------------------------------------------------ serving

    def _next_step(self) -> _Step:
        """Wait until there is something to do."""
        shared = self._shared
        with self._changed:
            while True:
                if self.session.closed_reason is not None or self._is_sent_away:
                    return _Step.END
                speaker = self._speaker
                if speaker is not None and speaker is not shared.desk:
                    return _Step.END  # somebody else's turn, on a fresh connection
                if speaker is not None and speaker.inbox.has_acknowledgements:
                    return _Step.ACKNOWLEDGE
                if shared.logout is not None:
                    return _Step.LOG_OUT
                if shared.closing:
                    return _Step.END
                if speaker is None and shared.desk is not None:
                    return _Step.LOG_IN
                wait = self._until_send(speaker)
                if wait is not None and wait <= 0:
                    return _Step.SEND
                self._changed.wait(wait)

    def _until_send(self, speaker: Desk | None) -> float | None:
        """Seconds until there is something to send; None if only an event can tell."""
        if speaker is None or self._goodbye is not None or self._shared.leaving:
            return None
        wake_at = speaker.outbox.wake_at
        return None if wake_at is None else wake_at - time.monotonic()

    def _take_step(self, step: _Step) -> None:
        if step is _Step.LOG_IN:
            self._log_in()
        elif step is _Step.LOG_OUT:
            self._log_out()
        elif step is _Step.ACKNOWLEDGE:
            self._acknowledge()
        else:
            self._send()

    @property
    def _is_sent_away(self) -> bool:
        return self._goodbye is not None and not self._goodbye.reconnect

    def _explain_end(self) -> None:
        """Raise what is to follow; nothing if we ended it ourselves."""
        with self._changed:
            goodbye, reason, complaint = self._goodbye, self.session.closed_reason, self._complaint
        if goodbye is not None and not goodbye.reconnect:
            raise LinkStoppedError(ReplacedError(goodbye.reason))
        if goodbye is not None:
            raise LinkLostError(ConnectionLostError(goodbye.reason))
        if reason is not None:
            raise LinkLostError(ConnectionLostError(complaint or reason))

    def _acknowledge(self) -> None:
        with self._changed:
            assert self._speaker is not None
            seqs = self._speaker.inbox.take_acknowledgements()
        self.session.acknowledge(seqs)

    def _send(self) -> None:
        with self._changed:
            speaker = self._speaker
            assert speaker is not None
            frames = [speaker.frame(message) for message in speaker.outbox.take(time.monotonic())]
        for frame in frames:
            self.session.submit(frame)

    # ------------------------------------------------------------------ logging in

    def _log_in(self) -> None:
        with self._changed:
            desk = self._shared.desk
            if desk is None:
                return
            self._speaker = desk
            self._shared.become(State.LOGGING_IN)
            secret, device = desk.secret, desk.credentials.device
        try:
            if not secret:
                raise RefusedError(ErrNo.REFUSED, "no saved login, a password is needed")
            self.session.login(desk.user_id, **secret, device=device, seconds=self._timing.login)
        except NoAnswerError as exc:
            raise LinkLostError(exc) from exc
        except RefusedError as exc:
            self._refused(desk, exc)
            return
        with self._changed:
            # The answer wakes this thread a moment before the receiver's has told what is in it.
            self._changed.wait_for(lambda: self._welcomed or desk is not self._shared.desk)
            if desk is not self._shared.desk:
                return  # not wanted any more, and the next step sees to it
            assert desk.roster is not None
            account = desk.roster.account
            self._shared.become(State.ONLINE)
            future = self._shared.take_login(desk)
        if future is not None:
            self._shared.run_foreign(lambda: future.set_result(account))

    def _refused(self, desk: Desk, error: RefusedError) -> None:
        if error.errno in _TRY_AGAIN:
            wait = values.read_retry_after(error.answer)
            raise LinkLostError(error, self._timing.retry if wait is None else wait)
        with self._changed:
            self._speaker = None
            self._shared.become(State.CONNECTED, error)
            if desk is not self._shared.desk:
                return
            if error.errno == ErrNo.REFUSED and desk.password is None:
                desk.forget_token()
            future = self._shared.take_login(desk)
            if future is not None:
                self._shared.desk = None
        if future is None:  # it was logged in before, and nobody waits for this
            raise LinkStoppedError(error)
        self._shared.run_foreign(lambda: future.set_exception(error))

    def _log_out(self) -> None:
        with self._changed:
            future = self._shared.take_logout()
        assert future is not None
        try:
            self.session.logout()
        except ClientError as exc:
            future.set_exception(exc)
        else:
            future.set_result(None)

    # ------------------------------------------------------------------ receiving

    def _on_signal(self, signal: Signal) -> None:
        """Receiver's thread."""
        completions: list[Completion] = []
        with self._changed:
            desk = self._speaker
            if desk is None or not self._counts(desk):
                return
            if isinstance(signal, LoggedIn):
                completions = desk.logged_in(signal)
                self._welcomed = True
            elif isinstance(signal, ChatAnswer):
                completions = desk.answered(signal, time.monotonic())
                if signal.errno == ErrNo.NOT_YOU and not self._shared.leaving:
                    self._goodbye = Goodbye("replaced", reconnect=False)
            elif desk.roster is not None:
                desk.roster.present(signal)
            self._changed.notify_all()
        for complete in completions:
            self._shared.run_foreign(complete)
        if isinstance(signal, Presence):
            self._on_presence(signal)

    def _on_ready(self) -> None:
        """Receiver's thread."""
        handover = self.session.take()
        fresh = 0
        with self._changed:
            desk = self._speaker
            for event in handover.events:
                fresh += self._take(event, desk)
            if desk is not None and desk.inbox.overflowing:
                self.session.fail("more messages than the application takes")
            self._changed.notify_all()
        for _ in range(fresh):
            self._on_message()

    def _take(self, event: Event, desk: Desk | None) -> bool:
        """Returns whether it is a new message for the application."""
        if isinstance(event, ChatMessage):
            return desk is not None and self._counts(desk) and desk.inbox.put(event)
        if isinstance(event, Goodbye):
            self._goodbye = event
        elif isinstance(event, ServerError):
            log.warning("the server complains: %s", event.errmsg)
            self._complaint = event.errmsg if desk is None else None
        return False

    def _counts(self, desk: Desk) -> bool:
        """What comes for a user who is to be logged in no more, or after the end, does not."""
        return desk is self._shared.desk and self._shared.session is self.session
