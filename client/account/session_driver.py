"""SessionDriver: one connection of a client, from the login to the end.

The supervisor's thread takes all steps: it logs in, sends the messages of the outbox, acknowledges
the messages that the application has handled, and sleeps in between. The session's receiver thread
brings the events. Several threads of the application may write chat messages. One thread sends them
all, so they keep their order.

After a logout that the server has confirmed, the next user may log in on the same connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

from chat.protocol import ErrNo
from client.account.callbacks import Callbacks
from client.account.lifecycle import State
from client.account.local_account import Completion, LocalAccount
from client.account.shared_state import SharedState
from client.errors import (
    ENDED,
    ClientError,
    ConnectionLostError,
    NoAnswerError,
    RefusedError,
    ReplacedError,
    StoreError,
)
from client.protocol.events import ChatAnswer, Event, Goodbye, LoggedIn, ServerError
from client.protocol.parsing import read_retry_after
from client.protocol.requests import LOGIN, LOGOUT
from client.protocol.session import Session
from client.timing import Timing
from client.values import (
    Announcement,
    ChatMessage,
    DeviceNotice,
    FriendNotice,
    GroupNotice,
    MuteNotice,
    Presence,
    ReadNotice,
    TypingNotice,
)

if TYPE_CHECKING:
    import socket

    from client.protocol.tls import TlsSocket

_TRY_AGAIN = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE})

_LAST_WORDS_SECONDS = 1.0
"""After a failed send: the time to receive the server's last messages."""

_NO_ID = "id: is missing"
"""The answer of a server of version 0.2.0 to a login by name."""

_TAKES_NO_NAMES = "this server takes no names: sign in with the number of the account"

_OVERFLOW = "more messages than the application takes"


class _Step(Enum):
    """The next step of the supervisor's thread."""

    END = auto()
    LOG_IN = auto()
    LOG_OUT = auto()
    ACKNOWLEDGE = auto()
    SEND = auto()


class SessionLostError(Exception):
    """The connection has ended, and another attempt may succeed.

    Attributes:
        cause: the reason, for the application.
        at_least: the least pause before that attempt, in seconds.
    """

    def __init__(self, cause: ClientError, at_least: float = 0.0) -> None:
        super().__init__(cause)
        self.cause = cause
        self.at_least = at_least


class SessionStoppedError(Exception):
    """The connection has ended, and another attempt would end in the same way.

    The client goes into the state STOPPED. Only the application can start another attempt.

    Attributes:
        cause: the reason, for the application.
    """

    def __init__(self, cause: ClientError) -> None:
        super().__init__(cause)
        self.cause = cause


class SessionDriver:
    """Owns a session, and drives the login and the messages of one account on it.

    It owns neither the account nor the decision to connect again. ``retry_login``: a login without
    an answer, or with the answer "try again", is repeated on the next connection. If False, it
    fails.
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
        self._timing = timing
        self._callbacks = callbacks
        self._retry_login = retry_login
        self._account: LocalAccount | None = None  # the one that logs in or is logged in here
        self._welcomed = False  # its LoggedIn event has been taken
        self._problem: StoreError | None = None  # its files cannot be used
        self._logged_out = False  # the server has confirmed its logout
        self._goodbye: Goodbye | None = None
        self._complaint: str | None = None  # an error before the login: the reason of the end
        self._retry_after = 0.0  # the least pause after it, in seconds
        self._takers: dict[type, Callable[[LocalAccount, Any], list[Completion]]] = {
            LoggedIn: self._take_login,
            ChatMessage: self._take_message,
            ChatAnswer: self._take_answer,
            Presence: self._take_presence,
            FriendNotice: self._take_friend_notice,
            DeviceNotice: self._take_device_notice,
            GroupNotice: self._take_group_notice,
            Announcement: self._take_announcement,
            ReadNotice: self._take_read_notice,
            TypingNotice: self._take_typing_notice,
            MuteNotice: self._take_mute_notice,
        }
        self.session = Session(sock, self._on_events, self._on_close, timing)

    def __repr__(self) -> str:
        return f"<SessionDriver of {self._account!r} on {self.session!r}>"

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
            if self._account is not None:
                self._account.outbox.start_over()
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
                if self.session.closed_reason is not None or self._is_sent_away:
                    return _Step.END
                account = self._account
                if account is not None and account is not shared.account:
                    if not self._logged_out:
                        # The server has not confirmed the logout. On this connection it may take
                        # messages of the next user for messages of the former one.
                        return _Step.END
                    self._release(account)
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
        if account is None or self._goodbye is not None or self._shared.leaving:
            return None
        wake_at = account.outbox.wake_at
        return None if wake_at is None else wake_at - time.monotonic()

    def _take_step(self, step: _Step) -> None:
        if step is _Step.LOG_IN:
            self._log_in()
        elif step is _Step.LOG_OUT:
            self._log_out()
        elif step is _Step.ACKNOWLEDGE:
            self._acknowledge()
        else:
            self._send_outbox()

    @property
    def _is_sent_away(self) -> bool:
        return self._goodbye is not None and not self._goodbye.reconnect

    def _explain_end(self) -> None:
        """Raise the reason of the end; nothing if it came from this side."""
        with self._changed:
            goodbye, reason, complaint = self._goodbye, self.session.closed_reason, self._complaint
        if goodbye is not None and not goodbye.reconnect:
            raise SessionStoppedError(ReplacedError(goodbye.reason))
        if goodbye is not None:
            raise SessionLostError(ConnectionLostError(goodbye.reason, announced=True))
        if reason is not None:
            raise SessionLostError(ConnectionLostError(complaint or reason), self._retry_after)

    def _acknowledge(self) -> None:
        with self._changed:
            assert self._account is not None
            seqs = self._account.inbox.take_acknowledgements()
        self.session.acknowledge(seqs)

    def _send_outbox(self) -> None:
        with self._changed:
            account = self._account
            assert account is not None
            frames = [account.frame(message) for message in account.outbox.take(time.monotonic())]
        for frame in frames:
            self.session.send_chat(frame)

    # ------------------------------------------------------------------ logging in and out

    def _log_in(self) -> None:
        with self._changed:
            account = self._shared.account
            if account is None:
                return
            self._account = account
            self._shared.become(State.LOGGING_IN)
            fields = {
                **account.identity,
                **account.secret,
                **account.device_fields,
            }
            has_secret = bool(account.secret)
        try:
            if not has_secret:
                raise RefusedError(ErrNo.REFUSED, "no saved login, a password is needed")
            self.session.ask(LOGIN, seconds=self._timing.login, **fields)
        except NoAnswerError as exc:
            if self._retry_login:
                raise SessionLostError(exc) from exc
            self._login_failed(account, exc)
        except RefusedError as exc:
            if self._retry_login and exc.errno in _TRY_AGAIN:
                wait = read_retry_after(exc.answer)
                at_least = self._timing.retry if wait is None else wait
                raise SessionLostError(exc, at_least) from exc
            if exc.errno == ErrNo.NOT_FOUND and "end_device" in fields:
                # An earlier attempt has ended the device, and its answer was lost.
                self._log_in_again(account)
                return
            if exc.errno == ErrNo.BAD_REQUEST and "name" in fields and exc.errmsg == _NO_ID:
                exc = RefusedError(exc.errno, _TAKES_NO_NAMES, exc.answer)
            self._login_failed(account, exc)
        else:
            self._login_succeeded(account)

    def _log_in_again(self, account: LocalAccount) -> None:
        """Prepare the next login of the account, without ``end_device``."""
        with self._changed:
            account.ends_device = None
            self._account = None
            self._shared.become(State.CONNECTED)

    def _login_succeeded(self, account: LocalAccount) -> None:
        with self._changed:
            # The answer may wake this thread before the receiver's thread has handed over the
            # LoggedIn event, which makes the roster.
            self._changed.wait_for(lambda: self._welcomed or account is not self._shared.account)
            if account is not self._shared.account:
                return  # the application has logged out meanwhile: the next step is END
            problem = self._problem
        if problem is not None:
            self._login_failed(account, problem)
            self.session.fail("the files of the account cannot be used")
            return
        with self._changed:
            assert account.roster is not None
            logged_in = account.roster.account
            self._shared.become(State.ONLINE)
            future = self._shared.take_login(account)
        if future is not None:
            self._shared.run_callback(partial(future.set_result, logged_in))

    def _login_failed(self, account: LocalAccount, error: ClientError) -> None:
        with self._changed:
            self._account = None
            self._shared.become(State.CONNECTED, error)
            if account is not self._shared.account:
                return
            is_refused = isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED
            if is_refused and account.password is None:
                account.forget_token()
            future = self._shared.take_login(account)
            if future is not None:
                self._shared.account = None
        if future is None:  # a login after a reconnect: no caller waits for its outcome
            raise SessionStoppedError(error)
        self._shared.run_callback(partial(future.set_exception, error))

    def _log_out(self) -> None:
        with self._changed:
            future = self._shared.take_logout()
        assert future is not None
        try:
            self.session.ask(LOGOUT)
        except ClientError as exc:
            future.set_exception(exc)
        else:
            self._logged_out = True
            future.set_result(None)

    def _release(self, account: LocalAccount) -> None:
        """After a logout, make the connection free for the next account."""
        account.outbox.start_over()
        self._account = None
        self._welcomed = self._logged_out = False
        self._shared.become(State.CONNECTED)

    # ------------------------------------------------------------------ receiving

    def _on_events(self, events: Sequence[Event]) -> None:
        """Receiver's thread."""
        completions: list[Completion] = []
        with self._changed:
            for event in events:
                completions += self._take(event)
            account = self._account
            overflowing = account is not None and account.inbox.overflowing
            self._changed.notify_all()
        if overflowing:
            self.session.fail(_OVERFLOW)
        for complete in completions:
            self._shared.run_callback(complete)

    def _on_close(self) -> None:
        """Receiver's thread."""
        with self._changed:
            self._changed.notify_all()

    def _take(self, event: Event) -> list[Completion]:
        """Take an event; returns the calls that complete the futures with its results."""
        account = self._account
        if isinstance(event, Goodbye):
            self._goodbye = event
            if event.reason == ENDED and account is not None and self._is_current(account):
                account.forget_token()
        elif isinstance(event, ServerError):
            self._complaint = event.errmsg if account is None else None
            self._retry_after = event.retry_after if account is None else 0.0
            self._callbacks.server_complained(event.errmsg)
        elif account is not None and self._is_current(account):
            return self._takers[type(event)](account, event)
        return []

    def _is_current(self, account: LocalAccount) -> bool:
        """Whether events of this session still belong to the account.

        They do not after its logout, or when there is a newer session.
        """
        return account is self._shared.account and self._shared.session is self.session

    def _take_login(self, account: LocalAccount, event: LoggedIn) -> list[Completion]:
        self._welcomed = True
        try:
            completions = account.logged_in(event)
        except StoreError as exc:
            self._problem = exc
            return []
        self._callbacks.messages_arrived(account.release_held())
        return completions

    def _take_message(self, account: LocalAccount, message: ChatMessage) -> list[Completion]:
        if message.event is not None:
            if account.received_event(message):
                self._callbacks.event_arrived(account, message)
        elif account.received(message):
            self._callbacks.message_arrived()
        return []

    def _take_answer(self, account: LocalAccount, answer: ChatAnswer) -> list[Completion]:
        if answer.errno == ErrNo.NOT_YOU and not self._shared.leaving:
            self._goodbye = Goodbye("replaced", reconnect=False)
        completions = account.answered(answer, time.monotonic())
        self._callbacks.messages_arrived(account.release_held())
        return completions

    def _take_presence(self, account: LocalAccount, presence: Presence) -> list[Completion]:
        if account.roster is not None:
            account.roster.set_presence(presence)
        self._callbacks.presence_changed(presence)
        return []

    def _take_announcement(
        self, account: LocalAccount, announcement: Announcement
    ) -> list[Completion]:
        self._callbacks.announced(announcement)
        return []

    def _take_friend_notice(self, account: LocalAccount, notice: FriendNotice) -> list[Completion]:
        if account.roster is not None:
            account.roster.take_friend_notice(notice)
        self._callbacks.contact_changed(notice)
        return []

    def _take_device_notice(self, account: LocalAccount, notice: DeviceNotice) -> list[Completion]:
        self._callbacks.devices_changed(notice)
        return []

    def _take_group_notice(self, account: LocalAccount, notice: GroupNotice) -> list[Completion]:
        if account.roster is not None:
            account.roster.take_group_notice(notice)
        self._callbacks.group_changed(notice)
        return []

    def _take_read_notice(self, account: LocalAccount, notice: ReadNotice) -> list[Completion]:
        self._callbacks.was_read(notice)
        return []

    def _take_typing_notice(self, account: LocalAccount, notice: TypingNotice) -> list[Completion]:
        self._callbacks.types(notice)
        return []

    def _take_mute_notice(self, account: LocalAccount, notice: MuteNotice) -> list[Completion]:
        if account.roster is not None:
            account.roster.set_muted(notice.user_id, notice.group_id, muted=notice.muted)
        self._callbacks.was_muted(notice)
        return []
