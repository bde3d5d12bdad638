"""SignIn: the dialogue of a login, and that of a registration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chat.protocol import ErrNo
from client.account.saved_accounts import SavedAccount
from client.chat_client import ChatClient
from client.errors import InUseError, RefusedError, TooManyDevicesError
from client.ids import parse_id
from client.plain.plain_text import PlainText
from client.values import Account, Device


class Ask(Protocol):
    """Asks for a line, after a prompt."""

    def __call__(self, prompt: str, *, echo: bool = True) -> str: ...


class DeclinedError(Exception):
    """The user does not want the login that the program has offered."""


class SignIn:
    """Logs in and registers. The console's thread.

    It asks a person for the password if there is no saved login, and for the device to end if the
    account has too many. It asks a script for the password only, so that each line of the script
    has one meaning; other refusals fail.
    """

    def __init__(
        self,
        client: ChatClient,
        text: PlainText,
        show: Callable[[str], None],
        ask: Ask,
        saved_accounts: Callable[[], list[SavedAccount]],
        *,
        script: bool,
    ) -> None:
        """``saved_accounts`` reads the accounts with a saved token."""
        self._client = client
        self._text = text
        self._show = show
        self._ask = ask
        self._saved_accounts = saved_accounts
        self._script = script

    def log_in(self, user: int | str, *, saved: bool) -> Account:
        """Log in with the password; with ``saved`` by the saved login of the user, if there is one.

        Raises DeclinedError, and the errors of a login.
        """
        account = self._saved(user) if saved else None
        password = None if account is not None else self._ask_password()
        if account is not None:
            user = account.user_id
        replace, ends = False, None
        while True:
            try:
                return self._client.login(user, password, replace=replace, end_device=ends)
            except (InUseError, RefusedError) as exc:
                if self._script:
                    raise
                if isinstance(exc, TooManyDevicesError):
                    ends = self._device_to_end(exc.devices)
                elif isinstance(exc, RefusedError) and exc.errno == ErrNo.ALREADY_ONLINE:
                    replace = self._replaces(exc, asked=replace)
                elif password is None and (isinstance(exc, InUseError) or self._is_expired(exc)):
                    key = "in use" if isinstance(exc, InUseError) else "login expired"
                    self._show(self._text(key))
                else:
                    raise
                if password is None:
                    password = self._ask_password()

    def register(self, name: str, password: str) -> int:
        """Register. If the server wants an invitation, a person may type its code."""
        try:
            return self._client.register(name, password)
        except RefusedError as exc:
            if self._script or not exc.answer.get("invitation"):
                raise
        return self._client.register(name, password, self._ask(self._text("code")).strip())

    def _saved(self, user: int | str) -> SavedAccount | None:
        for account in self._saved_accounts():
            if user in (account.user_id, account.name):
                return account
        return None

    def _ask_password(self) -> str:
        return self._ask(self._text("password"), echo=False)

    def _is_expired(self, error: RefusedError) -> bool:
        return error.errno == ErrNo.REFUSED

    def _replaces(self, error: RefusedError, *, asked: bool) -> bool:
        """Whether the login ends the other session of the account; the user decides once."""
        if asked:
            raise error
        self._show(self._text.login_failed(error))
        if self._ask(self._text("replace")).strip().lower() not in ("y", "yes"):
            raise DeclinedError from error
        return True

    def _device_to_end(self, devices: tuple[Device, ...]) -> int:
        """Show the devices, the one that was not used for longest first, and ask for one."""
        self._show(self._text("too many devices"))
        for device in sorted(devices, key=lambda device: device.last):
            self._show(self._text.device_line(device))
        numbers = {device.id for device in devices}
        while True:
            typed = self._ask(self._text("device to end")).strip()
            if not typed:
                raise DeclinedError
            number = 0 if typed == "0" else parse_id(typed)
            if number is not None and number in numbers:
                return number
            self._show(self._text("device number"))
