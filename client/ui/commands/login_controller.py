"""LoginController: from the form, or from a saved login, to the conversations; and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from chat.protocol import ErrNo
from client.account.store import SavedAccount
from client.errors import ClientError, NotLoggedInError, RefusedError
from client.ui.commands.controller import Controller
from client.ui.model.login_form import SECRET, FieldError, FormMode, LoginForm, RegistrationAnswers
from client.ui.model.screen_state import ScreenState
from client.ui.text.cells import one_line
from client.ui.text.error_texts import error_text
from client.values import Account


class LoginController:
    """What the form does. The terminal's thread."""

    def __init__(
        self, controller: Controller, saved: Callable[[], list[SavedAccount]] = list
    ) -> None:
        """``saved``: the logins that are kept now."""
        self._controller = controller
        self._saved = saved
        self._registering: object = None  # which attempt the form waits for
        controller.on_refused = self._refused_later

    @property
    def _state(self) -> ScreenState:
        return self._controller.state

    @property
    def _form(self) -> LoginForm:
        return self._controller.state.form

    # ------------------------------------------------------------------ in

    def submit(self, answers: dict[str, str]) -> None:
        """The form was filled in."""
        if self._form.busy:
            return
        try:
            wanted = self._form.check(answers)
        except FieldError as exc:
            self._say(exc.key, failed=True, **exc.values)
            self._send_back_to(exc.field, answers[exc.field])
            return
        if isinstance(wanted, RegistrationAnswers):
            self._controller.terminal.spawn(self._register(wanted))
        else:
            self._sign_in(wanted.user_id, wanted.password)

    def use_saved(self, account: SavedAccount) -> None:
        """Straight in; if the server says no later, back to the form."""
        if self._form.busy:
            return
        controller = self._controller
        try:
            future = controller.client.login_soon(account.user_id)
        except ClientError as exc:
            self._failed(exc)
            return
        self._form.busy = True
        controller.begin(account.user_id, account.name)
        self._state.logged_in = True
        controller.terminal.spawn(self._decided(future, account.user_id, by_token=True))

    def cancel(self) -> None:
        """Give up what the form is waiting for."""
        if self._registering is not None:
            self._registering = None
            self._form.busy = False
            self._form.say("")
        else:
            self._controller.client.cancel_login()

    def _sign_in(self, user_id: int, password: str) -> None:
        try:
            future = self._controller.client.login_soon(user_id, password)
        except ClientError as exc:
            self._failed(exc)
            return
        self._form.busy = True
        self._say("signing in")
        self._controller.begin(user_id)
        self._controller.terminal.spawn(self._decided(future, user_id, by_token=False))

    async def _decided(self, future: Future[Account], user_id: int, *, by_token: bool) -> None:
        """What came of a login. It may take as long as the server is away."""
        try:
            account = await asyncio.wrap_future(future)
        except NotLoggedInError:
            self._back("")  # it was cancelled, or the user has signed out meanwhile
        except RefusedError as exc:
            if by_token and exc.errno == ErrNo.REFUSED:
                self._back_for_password(user_id)
            else:
                self._back(self._refusal(exc), failed=True)
        except ClientError as exc:
            self._back(error_text(exc, self._state.texts), failed=True)
        else:
            self._form.busy = False
            self._form.say("")
            self._controller.enter(account)
        self._controller.terminal.show()

    async def _register(self, wanted: RegistrationAnswers) -> None:
        self._form.busy = True
        self._say("registering")
        controller = self._controller
        self._registering = attempt = object()
        try:
            user_id = await controller.terminal.run_call(
                controller.client.register, wanted.name, wanted.password
            )
        except ClientError as exc:
            if self._registering is attempt:
                self._registering = None
                self._form.busy = False
                self._form.say(self._registration_refusal(exc, wanted.name), failed=True)
                if isinstance(exc, RefusedError) and exc.errno == ErrNo.REFUSED:
                    controller.terminal.fill_in("name", wanted.name)
        else:
            if self._registering is not attempt:  # given up, but the server had it already
                self._form.say(self._state.texts("registered", id=user_id))
                controller.terminal.show()
                return
            self._registering = None
            self._form.busy = False
            self._form.turn()
            controller.forget_user()  # an earlier one of this number, at a server set up anew
            controller.terminal.fill_in("id", str(user_id))
            self._sign_in(user_id, wanted.password)
            self._state.say(self._state.texts("registered", id=user_id), stays=True)
        controller.terminal.show()

    # ------------------------------------------------------------------ out

    async def sign_out(self) -> None:
        """Log out, and to the form. Whatever the server says, here it counts."""
        controller, texts = self._controller, self._state.texts
        controller.save()
        try:
            await controller.terminal.run_call(controller.client.logout)
        except ClientError:
            self._back(texts("signed out unheard"))
        else:
            self._back(texts("signed out"))
        controller.forget_user()
        controller.terminal.show()

    def _refused_later(self, error: RefusedError) -> None:
        """The saved login was good at first, and is not any more."""
        user_id = self._controller.chats.me[0]
        if self._state.logged_in and user_id:
            self._controller.save()
            self._back_for_password(user_id)

    def _back_for_password(self, user_id: int) -> None:
        self._back(self._state.texts("login expired"), failed=True)
        self._controller.terminal.fill_in("id", str(user_id))
        self._controller.terminal.fill_in("password", "")

    def _back(self, line: str, *, failed: bool = False) -> None:
        """To the form."""
        state = self._state
        state.logged_in = False
        state.page = state.question = state.switcher = state.search = state.notice = None
        if self._form.mode is FormMode.REGISTER:
            self._form.turn()
        self._form.busy = False
        self._form.saved = self._saved()
        self._form.say(line, failed=failed)
        self._controller.terminal.fill_in("password", "")

    def _send_back_to(self, field: str, answer: str) -> None:
        """Put the cursor into a field whose answer will not do.

        Passwords cannot be seen, so they are typed anew: both, as either may be the wrong one.
        """
        fill_in = self._controller.terminal.fill_in
        if field not in SECRET:
            fill_in(field, answer)
            return
        for name in ("password again", "password"):
            if name in self._form.fields:
                fill_in(name, "")

    # ------------------------------------------------------------------ words

    def _say(self, key: str, *, failed: bool = False, **values: object) -> None:
        self._form.say(self._state.texts(key, **values), failed=failed)

    def _failed(self, error: ClientError) -> None:
        self._form.say(error_text(error, self._state.texts), failed=True)

    def _refusal(self, error: RefusedError) -> str:
        texts = self._state.texts
        if error.errno == ErrNo.REFUSED:
            return texts("wrong password")
        if error.errno == ErrNo.ALREADY_ONLINE:
            return texts("already online")
        return error_text(error, texts)

    def _registration_refusal(self, error: ClientError, name: str) -> str:
        texts = self._state.texts
        if isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED:
            if "closed" in error.errmsg:
                return texts("registration closed")
            return texts("name taken", name=one_line(name))
        return error_text(error, texts)
