"""LoginControl: logs accounts in and out, and opens and closes their files."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from client.account.account_opening import open_local_account
from client.account.callbacks import Callbacks
from client.account.device_options import DeviceOptions
from client.account.lifecycle import State
from client.account.local_account import LocalAccount
from client.account.shared_state import SharedState
from client.account.slots import Place, forget_account
from client.account.supervisor import Supervisor
from client.errors import ClosedError, LoggedInError, NoAnswerError, NotLoggedInError
from client.timing import Timing
from client.values import Account


class LoginControl:
    """Puts an account into the shared state at a login, and removes it at a logout.

    It does not talk to the server; the supervisor does. ``place``: of the files; None if
    nothing is kept. ``device``: how this device is presented.
    """

    def __init__(
        self,
        shared: SharedState,
        supervisor: Supervisor,
        callbacks: Callbacks,
        timing: Timing,
        place: Place | None,
        device: DeviceOptions,
    ) -> None:
        self._shared = shared
        self._supervisor = supervisor
        self._callbacks = callbacks
        self._timing = timing
        self._place = place
        self._device = device

    def log_in(
        self,
        who: int | str,
        password: str | None,
        *,
        replaces: bool = False,
        ends_device: int | None = None,
    ) -> Future[Account]:
        """Begin to log in, by number or name. Any thread; does not block.

        Raises LoggedInError, StoreError, NotStartedError or ClosedError.
        """
        self._close_stopped()
        with self._shared.changed:
            if self._shared.account is not None:
                raise LoggedInError(self._shared.account.user_id)
            account = open_local_account(
                who,
                password,
                self._device,
                self._place,
                self._timing.retry,
                replaces,
                ends_device,
            )
            try:
                future = self._supervisor.log_in(account)
            except ClosedError:
                account.close()
                raise
        self._callbacks.hand_over()
        future.add_done_callback(partial(self._decided, account))
        return future

    def cancel(self) -> None:
        """Give up a login that has no result yet; its future fails. Any thread; idempotent."""
        with self._shared.changed:
            account = None if self._shared.login is None else self._shared.account
        if account is not None:
            self._supervisor.log_out(account)

    def log_out(self, timeout: float | None) -> None:
        """Log out; the server has ``timeout`` seconds to confirm. Any thread; blocks.

        Raises NotLoggedInError, or the reason why the server has not confirmed it.
        """
        self.finish()
        with self._shared.changed:
            account = self._shared.account
            if account is None:
                raise NotLoggedInError
        try:
            self._supervisor.say_goodbye().result(timeout)
        except TimeoutError:
            raise NoAnswerError(timeout or 0.0) from None
        finally:
            self._supervisor.log_out(account)
            account.forget_token()
            self._close(account)

    def end_deleted(self) -> None:
        """The server has deleted the account: log out, and remove its files. Any thread; blocks."""
        with self._shared.changed:
            account = self._shared.account
        if account is None:
            return
        self._supervisor.log_out(account)
        account.forget_token()
        self._close(account)
        if self._place is not None:
            forget_account(self._place, account.user_id)

    def finish(self) -> None:
        """Call ``on_message`` no more; if online, wait for missing acks. Any thread; blocks."""
        self._callbacks.hand_over_no_more(self._timing.goodbye)
        if self._shared.status.state is State.ONLINE:
            self.flush(self._timing.chat_acks)

    def flush(self, timeout: float) -> bool:
        """Wait until the outbox is empty, at most ``timeout`` seconds. Any thread; blocks.

        Returns whether it is empty. The wait also ends when the client has stopped or is closed.
        """
        shared = self._shared
        with shared.changed:
            shared.changed.wait_for(
                lambda: self._is_flushed or shared.state in (State.STOPPED, State.CLOSED), timeout
            )
            return self._is_flushed

    def close(self) -> None:
        """Close the account after the end of the client. Any thread; idempotent."""
        with self._shared.changed:
            account, self._shared.account = self._shared.account, None
        if account is not None:
            self._close(account)

    @property
    def _is_flushed(self) -> bool:
        return self._shared.account is None or len(self._shared.account.outbox) == 0

    def _decided(self, account: LocalAccount, future: Future[Account]) -> None:
        if future.exception() is not None:
            self._close(account)

    def _close_stopped(self) -> None:
        """In the state STOPPED, close the account, so that another login is possible."""
        with self._shared.changed:
            if self._shared.state is not State.STOPPED:
                return
            account, self._shared.account = self._shared.account, None
        if account is not None:
            self._close(account)

    def _close(self, account: LocalAccount) -> None:
        """Close the account's files, and fail its Sendings. Idempotent."""
        with self._shared.changed:
            completions = account.give_up()
            account.close()
        for complete in completions:
            complete()
