"""FormKeys: the keys of the login form."""

from __future__ import annotations

from functools import partial

from client.ui.commands.context import CommandContext
from client.ui.commands.login_controller import LoginController
from client.ui.commands.program_commands import ProgramCommands
from client.ui.keyboard.key_binder import KeyBinder
from client.ui.model.login_form import SECRET, FormMode, LoginForm
from client.ui.model.screen_state import KeyTarget
from client.ui.view.screen import Screen


class FormKeys:
    """Moves between the fields and submits them. The terminal's thread."""

    def __init__(
        self,
        context: CommandContext,
        screen: Screen,
        login: LoginController,
        program: ProgramCommands,
    ) -> None:
        self._context = context
        self._screen = screen
        self._login = login
        self._program = program

    def bind(self, binder: KeyBinder) -> None:
        """Add the bindings."""
        only = KeyTarget.FORM
        binder.on("tab", partial(self._step, 1), only)
        binder.on("s-tab", partial(self._step, -1), only)
        binder.on("down", partial(self._step_or_saved, 1), only)
        binder.on("up", partial(self._step_or_saved, -1), only)
        binder.on("enter", self._enter, only)
        binder.on("c-r", self._switch_mode, only, when=lambda: not self._form.busy)
        binder.on("escape", self._login.cancel, only)
        binder.on("c-c", partial(self._cancel, binder), only)
        binder.on("c-d", self._program.quit_now, only)
        binder.on_paste(self._paste, only)

    @property
    def _form(self) -> LoginForm:
        return self._context.state.form

    def _step(self, step: int) -> None:
        """Go to the next (1) or previous (-1) field."""
        names = self._form.fields
        index = names.index(self._screen.login_screen.field) + step
        self._screen.focus_field(names[index % len(names)])

    def _step_or_saved(self, step: int) -> None:
        """Choose the next saved login in the name field; go to another field elsewhere."""
        screen = self._screen.login_screen
        if screen.field != "id" or not self._form.saved:
            self._step(step)
            return
        names = list(self._form.choices)
        typed = screen.fields["id"].text
        if typed in names:
            name = names[(names.index(typed) + step) % len(names)]
        else:
            name = names[0 if step > 0 else -1]
        self._context.terminal.set_field("id", name)

    def _enter(self) -> None:
        """Go to the next empty field; without one, submit the form."""
        form, screen = self._form, self._screen.login_screen
        answers = {name: screen.fields[name].text for name in form.fields}
        typed = answers.get("id", "").strip()
        by_number = {str(account.user_id): account for account in form.saved}
        saved = form.choices.get(typed) or by_number.get(typed)
        if form.mode is FormMode.LOGIN and saved is not None and not answers["password"]:
            self._login.use_saved(saved)
            return
        after = form.fields[form.fields.index(screen.field) + 1 :]
        empty = next((name for name in after if not answers[name]), None)
        if empty is not None and answers[screen.field]:
            self._screen.focus_field(empty)
        else:
            self._login.submit(answers)

    def _switch_mode(self) -> None:
        """From login to registration, or back; passwords are cleared."""
        self._form.switch_mode()
        for name in SECRET:
            self._screen.login_screen.fields[name].reset()
        self._screen.focus_field(self._form.fields[0])

    def _cancel(self, binder: KeyBinder) -> None:
        if self._form.busy:
            self._login.cancel()
        elif binder.confirm_cancel():
            self._program.quit_now()

    def _paste(self, text: str) -> None:
        """Insert the first line of a paste."""
        screen = self._screen.login_screen
        screen.fields[screen.field].insert_text(text.partition("\n")[0])
