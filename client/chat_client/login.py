"""LoginMethods: registering, logging in and out, and the files beside a saved login."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from client.account.login_control import LoginControl
from client.account.message_stream import MessageStream
from client.account.requester import Requester
from client.account.shared_state import SharedState
from client.account.slots import Place, replace_account
from client.errors import NoAnswerError
from client.ids import check_id
from client.limits import check_text
from client.protocol import requests
from client.timing import Timing
from client.values import Account


class LoginMethods:
    """A base of ChatClient."""

    _place: Place | None
    _timing: Timing
    _shared: SharedState
    _requester: Requester
    _login: LoginControl
    _stream: MessageStream

    @property
    def user_id(self) -> int | None:
        """The number of the account that is logged in or logging in, else None. Any thread.

        None also during the first login by name.
        """
        with self._shared.changed:
            return None if self._shared.account is None else self._shared.account.user_id or None

    @property
    def name(self) -> str:
        """The name of the account; empty until its first login has succeeded. Any thread."""
        with self._shared.changed:
            return "" if self._shared.account is None else self._shared.account.credentials.name

    @property
    def account(self) -> Account | None:
        """The user that is logged in, with the friends and groups as known now. Any thread.

        The value stays while the client reconnects. It is None before the first login and after a
        logout.
        """
        with self._shared.changed:
            account = self._shared.account
            return None if account is None or account.roster is None else account.roster.account

    def register(self, name: str, password: str, code: str | None = None) -> int:
        """Register a user; returns its number. Any thread; blocks.

        ``code``: an invitation, if the server asks for one. Then the answer in the RefusedError has
        the field ``invitation``.

        Files of an earlier user with this id are removed from the folder, because they belong to a
        server that has a new database since.
        """
        check_text(name)
        check_text(password)
        fields = {"name": name, "password": password}
        if code is not None:
            check_text(code)
            fields["code"] = code
        user_id = self._requester.ask(requests.REGISTER, **fields)
        if self._place is not None:
            replace_account(self._place, user_id)
        return user_id

    def login(
        self,
        user_id: int | str,
        password: str | None = None,
        *,
        replace: bool = False,
        end_device: int | None = None,
    ) -> Account:
        """Log in with the password, or with the saved token if there is none. Any thread; blocks.

        ``user_id``: the number of the account, or its name, as registered.

        ``replace``: with a password, end another login of this account. Without it a second login
        is refused (errno 2), unless the server's settings say otherwise. A device with a mailbox
        of its own stays beside the other devices, and needs none of this.

        ``end_device``: with a password, end this device of the account first. See
        TooManyDevicesError.

        From then on the client logs in again after each reconnect. After a temporary failure (no
        answer, a lost connection, "try again") it repeats the login for ``Timing.patience``
        seconds. Then it raises the error. Raises LoggedInError if a user is logged in,
        NotStartedError before ``connect`` or ``start``, StoreError, and the errors of a request.
        """
        future = self.login_soon(user_id, password, replace=replace, end_device=end_device)
        try:
            return future.result(self._timing.patience)
        except TimeoutError:
            error = self._shared.status.error or NoAnswerError(self._timing.patience)
            self.cancel_login()
            raise error from None

    def login_soon(
        self,
        user_id: int | str,
        password: str | None = None,
        *,
        replace: bool = False,
        end_device: int | None = None,
    ) -> Future[Account]:
        """Begin to log in, and repeat that until ``cancel_login``. Any thread; does not block.

        Returns a future of the result. ``send`` works at once, so a program can write messages
        before there is a connection. Raises LoggedInError, StoreError, NotStartedError or
        ClosedError.
        """
        if isinstance(user_id, str):
            check_text(user_id)
        else:
            check_id(user_id)
        if password is not None:
            check_text(password)
        return self._login.log_in(user_id, password, replaces=replace, ends_device=end_device)

    def cancel_login(self) -> None:
        """Give up a login that has no result yet; its future fails. Any thread; idempotent."""
        self._login.cancel()

    def logout(self, timeout: float | None = None) -> None:
        """Log out, and make the saved token invalid. Any thread; blocks.

        First waits for the acknowledgements of sent messages, and keeps the others, as ``close``
        does. The client is logged out even if this raises: an error means that the server has not
        confirmed the logout. NoAnswerError: it has not within ``timeout`` seconds.
        """
        self._stream.finish()
        self._login.log_out(timeout)

    # ------------------------------------------------------------------ files of the program

    def remember(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON object of the program beside the saved login, as the file ``name``.

        Without a folder or a login it is not kept. Any thread. Raises StoreError.
        """
        with self._shared.changed:
            account = self._shared.account
            if account is not None and account.store is not None:
                account.store.write_extra(name, content)

    def recall(self, name: str) -> dict[str, Any]:
        """The object that ``remember`` kept; empty if there is none. Any thread.

        Raises StoreError.
        """
        with self._shared.changed:
            account = self._shared.account
            return (
                {} if account is None or account.store is None else account.store.read_extra(name)
            )
