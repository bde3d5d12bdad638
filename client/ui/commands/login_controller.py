"""LoginController: carries out the login form, and brings the form back after a logout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from chat.protocol import ErrNo
from chat.protocol.errors import DISABLED, NAME_LOOKALIKE
from client.account.saved_accounts import SavedAccount, shown_name
from client.errors import ClientError, NotLoggedInError, RefusedError, TooManyDevicesError
from client.ui.commands.context import CommandContext
from client.ui.commands.device_choice import DeviceChoice
from client.ui.commands.room_controller import RoomController
from client.ui.model.login_form import (
    CODE,
    SECRET,
    FieldError,
    FormMode,
    LoginForm,
    RegistrationAnswers,
)
from client.ui.text.cells import one_line
from client.ui.text.devices import device_name
from client.ui.text.error_texts import error_text
from client.values import Account, Device


class LoginController:
    """Login, registration and logout. The terminal's thread."""

    def __init__(
        self,
        context: CommandContext,
        rooms: RoomController,
        saved_accounts: Callable[[], list[SavedAccount]],
    ) -> None:
        """``saved_accounts`` reads the accounts with a saved token."""
        self._context = context
        self._rooms = rooms
        self._device_choice = DeviceChoice(context)
        self._saved_accounts = saved_accounts
        self._ends: tuple[str, int] | None = None  # the device that the next login of a user ends
        self._registration: object = None  # a token of the request that the form waits for

    @property
    def _form(self) -> LoginForm:
        return self._context.state.form

    # ------------------------------------------------------------------ login

    def submit(self, answers: dict[str, str]) -> None:
        """Log in, or register, with the fields of the form."""
        if self._form.busy:
            return
        try:
            wanted = self._form.check(answers)
        except FieldError as exc:
            self._say(exc.key, failed=True, **exc.values)
            self._return_to_field(exc.field, answers[exc.field])
            return
        if isinstance(wanted, RegistrationAnswers):
            self._context.terminal.spawn(self._register(wanted))
        else:
            user, device = self._ends or ("", None)
            ends = device if user == str(wanted.user) else None
            self._log_in(wanted.user, wanted.password, end_device=ends)

    def use_saved(self, account: SavedAccount) -> None:
        """Show the rooms at once, and log in with the saved token.

        The form returns if the server refuses the token.
        """
        if self._form.busy:
            return
        try:
            future = self._context.client.login_soon(account.user_id)
        except ClientError as exc:
            self._form.say(error_text(exc, self._context.state.texts), failed=True)
            self._context.terminal.set_field("id", account.shown)
            self._context.terminal.set_field("password", "")
            return
        self._form.busy = True
        self._rooms.start_user(account.user_id, account.name)
        self._context.state.logged_in = True
        self._context.terminal.spawn(self._await_login(future, account.shown))

    def cancel(self) -> None:
        """Stop waiting for the server's answer."""
        if self._registration is not None:
            self._registration = None
            self._form.stop_waiting()
        else:
            self._context.client.cancel_login()

    def _log_in(
        self,
        user: int | str,
        password: str,
        *,
        replace: bool = False,
        end_device: int | None = None,
    ) -> None:
        """``user``: a number or a name."""
        try:
            future = self._context.client.login_soon(
                user, password, replace=replace, end_device=end_device
            )
        except ClientError as exc:
            self._form.say(error_text(exc, self._context.state.texts), failed=True)
            return
        self._form.busy = True
        self._say("signing in")
        # The number is not known before the first login by name.
        self._rooms.start_user(self._context.client.user_id or 0)
        self._context.terminal.spawn(self._await_login(future, user, password))

    async def _await_login(
        self, future: Future[Account], user: int | str, password: str | None = None
    ) -> None:
        """Wait for the result of a login, and show it. It may take until a server is reachable.

        ``password``: None for a login with the saved token.
        """
        texts = self._context.state.texts
        try:
            account = await asyncio.wrap_future(future)
        except NotLoggedInError:
            self._show_form("")  # cancelled, or the user has logged out meanwhile
        except RefusedError as exc:
            if password is None and exc.errno == ErrNo.REFUSED:
                self._ask_for_password(str(user))
            else:
                self._show_form(self._login_refusal(exc), failed=True)
                if password is not None and exc.errno == ErrNo.ALREADY_ONLINE:
                    self._offer_to_replace(user, password)
                if isinstance(exc, TooManyDevicesError):
                    self._offer_devices(user, password, exc.devices)
        except ClientError as exc:
            self._show_form(error_text(exc, texts), failed=True)
        else:
            self._form.stop_waiting()
            self._rooms.start_user(account.id, account.name)
            self._rooms.show_account(account)
        self._context.terminal.redraw()

    def know_user(self) -> None:
        """Make the rooms of a user that logs in by name the first time, or in a new epoch.

        Example: the answer to the login has a message; it arrives here before the result of the
        login, which also makes them.
        """
        account = self._context.client.account
        if account is None:
            return
        if not self._context.directory.me[0]:
            self._rooms.start_user(account.id, account.name)
        self._rooms.note_epoch(account)

    def _offer_to_replace(self, user: int | str, password: str) -> None:
        def yes() -> None:
            self._log_in(user, password, replace=True)

        self._context.state.ask(self._context.state.texts("replace sure"), yes)

    def _offer_devices(
        self, user: int | str, password: str | None, devices: tuple[Device, ...]
    ) -> None:
        def chosen(device: Device) -> None:
            if password is not None:
                self._log_in(user, password, end_device=device.id)
                return
            # A login by token may not end a device.
            self._ends = (str(user), device.id)
            self._context.terminal.set_field("id", str(user))
            self._context.terminal.set_field("password", "")
            label = device_name(device, self._context.state.texts)
            self._say("password to end", label=label, id=device.id)

        self._device_choice.ask(devices, chosen)

    # ------------------------------------------------------------------ registration

    async def _register(self, wanted: RegistrationAnswers) -> None:
        """Register, then log in.

        Example: the user presses Esc, but the request has reached the server. The account exists
        then, and its name is shown although the form does not wait for it any more.
        """
        context, form = self._context, self._form
        form.busy = True
        self._say("registering")
        self._registration = token = object()
        try:
            user_id = await context.terminal.run_blocking(
                context.client.register, wanted.name, wanted.password, wanted.code
            )
        except ClientError as exc:
            if self._registration is token:
                self._registration_failed(exc, wanted.name)
        else:
            registered = context.state.texts("registered", name=one_line(wanted.name))
            if self._registration is token:
                self._registered(user_id, wanted)
                context.state.say(registered, stays=True)
            else:
                form.say(registered)
        context.terminal.redraw()

    def _registered(self, user_id: int, wanted: RegistrationAnswers) -> None:
        self._registration = None
        self._form.busy = False
        self._form.switch_mode()
        # A server with a new database gives numbers that this terminal has seen before.
        self._rooms.forget_user()
        self._context.terminal.set_field("id", shown_name(user_id, wanted.name))
        self._log_in(user_id, wanted.password)

    def _registration_failed(self, error: ClientError, name: str) -> None:
        self._registration = None
        self._form.stop_waiting(self._registration_refusal(error, name), failed=True)
        if isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED:
            self._context.terminal.set_field(*self._field_to_mend(error, name))

    def _field_to_mend(self, error: RefusedError, name: str) -> tuple[str, str]:
        """The field that the server does not like, and its text."""
        if not error.answer.get("invitation"):
            return "name", name
        self._form.wants_code = True
        return CODE, ""

    # ------------------------------------------------------------------ logout

    async def log_out(self) -> None:
        """Log out and show the form, also if the server does not answer."""
        context, texts = self._context, self._context.state.texts
        self._rooms.save()
        try:
            await context.terminal.run_blocking(context.client.logout)
        except ClientError:
            self._show_form(texts("signed out unheard"))
        else:
            self._show_form(texts("signed out"))
        self._rooms.forget_user()
        context.terminal.redraw()

    def account_deleted(self) -> None:
        """The account does not exist any more: show the form."""
        self._rooms.forget_user()
        self._show_form(self._context.state.texts("account deleted"))

    def token_refused(self) -> None:
        """The server refuses the saved token at a reconnect, after an earlier login with it."""
        user_id, name = self._context.directory.me
        if self._context.state.logged_in and user_id:
            self._rooms.save()
            self._ask_for_password(shown_name(user_id, name))

    def devices_refused(self, error: TooManyDevicesError) -> None:
        """At a reconnect, the server has no place for this device: offer to end another one."""
        user_id, name = self._context.directory.me
        if self._context.state.logged_in and user_id:
            self._rooms.save()
            self._show_form(self._login_refusal(error), failed=True)
            self._offer_devices(shown_name(user_id, name), None, error.devices)

    # ------------------------------------------------------------------ the form

    def _show_form(self, line: str, *, failed: bool = False) -> None:
        self._ends = None
        self._context.state.show_form()
        form = self._form
        if form.mode is FormMode.REGISTER:
            form.switch_mode()
        form.saved = self._saved_accounts()
        form.stop_waiting(line, failed=failed)
        self._context.terminal.set_field("password", "")

    def _ask_for_password(self, user: str) -> None:
        self._show_form(self._context.state.texts("login expired"), failed=True)
        self._context.terminal.set_field("id", user)
        self._context.terminal.set_field("password", "")

    def _return_to_field(self, field: str, answer: str) -> None:
        """Put the cursor into a field with a bad value.

        Passwords are invisible, so both are typed again: either may have the typing error.
        """
        if field not in SECRET:
            self._context.terminal.set_field(field, answer)
            return
        for name in ("password again", "password"):
            if name in self._form.fields:
                self._context.terminal.set_field(name, "")

    def _say(self, key: str, *, failed: bool = False, **values: object) -> None:
        self._form.say(self._context.state.texts(key, **values), failed=failed)

    def _login_refusal(self, error: RefusedError) -> str:
        texts = self._context.state.texts
        if error.errno == ErrNo.REFUSED and error.errmsg != DISABLED:
            return texts("wrong password")
        if error.errno == ErrNo.ALREADY_ONLINE:
            return texts("already online")
        return error_text(error, texts)

    def _registration_refusal(self, error: ClientError, name: str) -> str:
        texts = self._context.state.texts
        if isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED:
            if error.answer.get("invitation"):
                return texts("code wrong" if self._form.wants_code else "code needed")
            if "closed" in error.errmsg:
                return texts("registration closed")
            if error.errmsg == NAME_LOOKALIKE:
                return error_text(error, texts)
            return texts("name taken", name=one_line(name))
        return error_text(error, texts)
