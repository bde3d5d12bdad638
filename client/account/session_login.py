"""SessionLogin: the login and the logout of an account on one session."""

from __future__ import annotations

from functools import partial

from chat.protocol import ErrNo
from client.account.lifecycle import State
from client.account.local_account import LocalAccount
from client.account.session_end import SessionLostError, SessionStoppedError
from client.account.session_state import SessionState
from client.account.shared_state import SharedState
from client.errors import ClientError, NoAnswerError, RefusedError
from client.protocol.parsing import read_retry_after
from client.protocol.requests import LOGIN, LOGOUT
from client.timing import Timing

_TRY_AGAIN = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE})

_NO_ID = "id: is missing"
"""The answer of a server of version 0.2.0 to a login by name."""

_TAKES_NO_NAMES = "this server takes no names: sign in with the number of the account"


class SessionLogin:
    """Logs an account in and out. Supervisor's thread.

    ``retry_login``: a login without an answer, or with the answer "try again", is repeated on the
    next connection. If False, it fails.
    """

    def __init__(
        self, shared: SharedState, timing: Timing, state: SessionState, *, retry_login: bool
    ) -> None:
        self._shared = shared
        self._changed = shared.changed
        self._timing = timing
        self._state = state
        self._retry_login = retry_login

    def log_in(self) -> None:
        """Log the account of the shared state in."""
        with self._changed:
            account = self._shared.account
            if account is None:
                return
            self._state.account = account
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
            self._state.session.ask(LOGIN, seconds=self._timing.login, **fields)
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
            self._state.account = None
            self._shared.become(State.CONNECTED)

    def _login_succeeded(self, account: LocalAccount) -> None:
        with self._changed:
            # The answer may wake this thread before the receiver's thread has handed over the
            # LoggedIn event, which makes the roster.
            self._changed.wait_for(
                lambda: self._state.welcomed or account is not self._shared.account
            )
            if account is not self._shared.account:
                return  # the application has logged out meanwhile: the next step is END
            problem = self._state.problem
            changes_device = account.changes_device
        if problem is not None:
            self._login_failed(account, problem)
            self._state.session.fail("the files of the account cannot be used")
            return
        if changes_device:
            self._change_device(account)
            return
        with self._changed:
            assert account.roster is not None
            logged_in = account.roster.account
            self._shared.become(State.ONLINE)
            future = self._shared.take_login(account)
        if future is not None:
            self._shared.run_callback(partial(future.set_result, logged_in))

    def _change_device(self, account: LocalAccount) -> None:
        """Log out, so that the next step is a login with the device of the files."""
        try:
            self._state.session.ask(LOGOUT)
        except (NoAnswerError, RefusedError) as exc:
            raise SessionLostError(exc) from exc  # a new connection serves as well
        with self._changed:
            self.release(account)

    def _login_failed(self, account: LocalAccount, error: ClientError) -> None:
        with self._changed:
            self._state.account = None
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

    def log_out(self) -> None:
        """Log the account out, for the future in the shared state."""
        with self._changed:
            future = self._shared.take_logout()
        assert future is not None
        try:
            self._state.session.ask(LOGOUT)
        except ClientError as exc:
            future.set_exception(exc)
        else:
            self._state.logged_out = True
            future.set_result(None)

    def release(self, account: LocalAccount) -> None:
        """After a logout, make the connection free for the next account."""
        account.outbox.start_over()
        self._state.account = None
        self._state.welcomed = self._state.logged_out = False
        self._shared.become(State.CONNECTED)
