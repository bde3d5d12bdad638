"""Keyboard: which key does what, depending on what is in front."""

from __future__ import annotations

import signal
import unicodedata
from collections.abc import Callable

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.controller import Controller
from client.ui.commands.login_controller import LoginController
from client.ui.model.input_history import InputHistory
from client.ui.model.login_form import SECRET, FormMode
from client.ui.model.screen_state import KeyTarget, ScreenState
from client.ui.view.screen import Screen
from client.ui.view.terminal_output import FOCUS_IN, FOCUS_OUT

Action = Callable[[], object]


class Keyboard:
    """Builds the key bindings. The terminal's thread.

    ``suspend`` stops the program as Ctrl+Z does elsewhere.

    Attributes:
        bindings: prompt_toolkit's.
        recall: what was sent before.
    """

    def __init__(
        self,
        state: ScreenState,
        screen: Screen,
        controller: Controller,
        runner: CommandRunner,
        login: LoginController,
        suspend: Action,
    ) -> None:
        self.bindings = KeyBindings()
        self.recall = InputHistory()
        self._state = state
        self._screen = screen
        self._controller = controller
        self._runner = runner
        self._login = login
        self._cancelled = False  # Ctrl+C was pressed in an empty line
        self._handled = False  # the key that was pressed last is bound here
        self._everywhere(suspend)
        self._in_form()
        self._in_input()
        self._in_conversations()
        self._in_question()
        self._in_switcher()
        self._in_search()
        self._in_page()

    def touched(self) -> None:
        """A key is about to be handled: the user is there. A report of the focus comes after it."""
        self._state.focused = True
        self._handled = False

    def released(self) -> None:
        """A key was handled. Each but Enter frees a draft, also → where nothing is to the right."""
        if not self._handled:
            self._state.draft_waits = False

    # ------------------------------------------------------------------ how

    def _on(
        self, keys: str, action: Action, *fronts: KeyTarget, when: Action = lambda: True
    ) -> None:
        """Bind a key, or several after one another, while one of these is in front."""

        def handle(event: KeyPressEvent) -> None:
            self._handled = True
            self._cancelled &= keys == "c-c"
            self._state.draft_waits &= keys == "enter"
            action()
            self._screen.focus()

        def applies() -> bool:
            return (not fronts or self._state.key_target in fronts) and bool(when())

        self.bindings.add(*keys.split(), filter=Condition(applies))(handle)

    def _attempt(self, action: Action) -> Action:
        """The action; what cannot be done is said."""

        def attempt() -> None:
            self._state.notice = None
            self._runner.attempt(lambda: (action(), None)[1])

        return attempt

    # ------------------------------------------------------------------ everywhere

    def _everywhere(self, suspend: Action) -> None:
        anywhere = (KeyTarget.FORM, KeyTarget.INPUT, KeyTarget.SEARCH, KeyTarget.SWITCHER)
        self._on("c-q", self._runner.choices.quit)
        self._on("<sigint>", lambda: self._runner.choices.quit_now(128 + signal.SIGINT))
        self._on("f1", self._runner.help, *anywhere)
        self._on("c-z", suspend)

        @self.bindings.add(Keys.Ignore)
        def focus(event: KeyPressEvent) -> None:
            self._handled = True
            if event.data in (FOCUS_IN, FOCUS_OUT):
                self._state.focused = event.data == FOCUS_IN

    # ------------------------------------------------------------------ the form

    def _in_form(self) -> None:
        screen, form = self._screen, self._state.form
        self._on("tab", lambda: screen.step_field(1), KeyTarget.FORM)
        self._on("s-tab", lambda: screen.step_field(-1), KeyTarget.FORM)
        self._on("down", lambda: self._down_or_saved(1), KeyTarget.FORM)
        self._on("up", lambda: self._down_or_saved(-1), KeyTarget.FORM)
        self._on("enter", self._enter_field, KeyTarget.FORM)
        self._on("c-r", self._turn_form, KeyTarget.FORM, when=lambda: not form.busy)
        self._on("escape", self._login.cancel, KeyTarget.FORM)
        self._on("c-c", self._cancel_form, KeyTarget.FORM)
        self._on("c-d", self._runner.choices.quit_now, KeyTarget.FORM)

        @self.bindings.add(Keys.BracketedPaste, filter=Condition(self._form_in_front))
        def paste(event: KeyPressEvent) -> None:
            first = _without_controls(event.data).partition("\n")[0]
            screen.fields[screen.field].insert_text(first)

    def _form_in_front(self) -> bool:
        return self._state.key_target is KeyTarget.FORM

    def _enter_field(self) -> None:
        """The next field that is empty; if there is none, go on."""
        screen, form = self._screen, self._state.form
        answers = {name: screen.fields[name].text for name in form.fields}
        number = answers.get("id", "").strip()
        saved = next((one for one in form.saved if str(one.user_id) == number), None)
        if form.mode is FormMode.LOGIN and saved is not None and not answers["password"]:
            self._login.use_saved(saved)
            return
        after = form.fields[form.fields.index(screen.field) + 1 :]
        empty = next((name for name in after if not answers[name]), None)
        if empty is not None and answers[screen.field]:
            screen.go_to_field(empty)
        else:
            self._login.submit(answers)

    def _turn_form(self) -> None:
        self._state.form.turn()
        for name in SECRET:
            self._screen.fields[name].reset()
        self._screen.go_to_field(self._state.form.fields[0])

    def _down_or_saved(self, step: int) -> None:
        """Through the saved logins while the number is asked for, else to another field."""
        form, field = self._state.form, self._screen.fields["id"]
        if self._screen.field != "id" or not form.saved:
            self._screen.step_field(step)
            return
        numbers = [str(one.user_id) for one in form.saved]
        if field.text in numbers:
            number = numbers[(numbers.index(field.text) + step) % len(numbers)]
        else:
            number = numbers[0 if step > 0 else -1]
        self._controller.terminal.fill_in("id", number)

    def _cancel_form(self) -> None:
        if self._state.form.busy:
            self._login.cancel()
        elif self._cancelled:
            self._runner.choices.quit_now()
        else:
            self._say_again()

    # ------------------------------------------------------------------ the input line

    def _in_input(self) -> None:
        buffer = self._screen.input
        only = KeyTarget.INPUT

        def is_empty() -> bool:
            return not buffer.text

        self._on("enter", self._enter, only)
        self._on("escape enter", lambda: buffer.insert_text("\n"), only)
        self._on("c-j", lambda: buffer.insert_text("\n"), only)
        self._on("escape", buffer.cancel_completion, only)
        self._on("?", self._runner.help, only, when=is_empty)
        self._on("c-d", self._runner.choices.quit, only, when=is_empty)
        self._on("c-c", self._cancel, only)
        self._on("up", self._up, only)
        self._on("down", self._down, only)
        buffer.on_text_changed += lambda changed: self._typing()
        buffer.on_cursor_position_changed += lambda moved: self._moving()

        @self.bindings.add(
            Keys.BracketedPaste, filter=Condition(lambda: self._state.key_target is KeyTarget.INPUT)
        )
        def paste(event: KeyPressEvent) -> None:
            self._paste(_without_controls(event.data))

    def _typing(self) -> None:
        """What was said about the line before has been read."""
        self._state.notice = None
        self._state.draft_waits = False

    def _moving(self) -> None:
        self._state.draft_waits = False

    def _enter(self) -> None:
        buffer = self._screen.input
        completing = buffer.complete_state
        if completing is not None and completing.current_completion is not None:
            buffer.complete_state = None  # the first Enter only takes what was offered
            return
        buffer.complete_state = None
        if self._state.draft_waits:
            self._state.say(self._state.texts("draft waits"))
        elif self._state.visiting is None:
            self._runner.enter(buffer.text)

    def _paste(self, text: str) -> None:
        """A paste of several lines is not put in unasked."""
        buffer = self._screen.input
        lines = text.count("\n") + 1
        if lines == 1:
            buffer.insert_text(text)
            return
        question = self._state.texts("paste", lines=lines)
        self._state.ask(question, lambda: buffer.insert_text(text))
        self._screen.focus()

    def _cancel(self) -> None:
        buffer = self._screen.input
        if buffer.text:
            self._cancelled = False
            self._state.notice = None
            buffer.reset()
        elif self._cancelled or self._state.unsent:
            self._runner.choices.quit()  # asks by itself about what is unsent
        else:
            self._say_again()

    def _say_again(self) -> None:
        self._cancelled = True
        self._state.say(self._state.texts("say again"))

    def _up(self) -> None:
        buffer = self._screen.input
        if buffer.complete_state is not None:
            buffer.complete_previous()
        elif buffer.document.cursor_position_row > 0:
            buffer.cursor_up()
        else:
            self._put_in(self.recall.earlier(buffer.text))

    def _down(self) -> None:
        buffer = self._screen.input
        if buffer.complete_state is not None:
            buffer.complete_next()
        elif buffer.document.cursor_position_row < buffer.document.line_count - 1:
            buffer.cursor_down()
        else:
            self._put_in(self.recall.later())

    def _put_in(self, line: str | None) -> None:
        if line is not None:
            self._controller.terminal.retype(line)

    # ------------------------------------------------------------------ conversations

    def _in_conversations(self) -> None:
        controller, looking = self._controller, self._runner.looking
        both = (KeyTarget.INPUT, KeyTarget.SEARCH)
        self._on("pageup", lambda: controller.scroll_page(1), *both)
        self._on("pagedown", lambda: controller.scroll_page(-1), *both)
        self._on("escape k", lambda: controller.scroll(1), *both)
        self._on("escape j", lambda: controller.scroll(-1), *both)
        self._on("escape <", controller.to_start, *both)
        self._on("escape >", controller.to_end, *both)
        for keys, step in (("c-n", 1), ("c-p", -1), ("escape down", 1), ("escape up", -1)):
            self._on(keys, lambda step=step: self._neighbour(step), *both)  # type: ignore[misc]
        for number in range(1, 10):
            self._on(f"escape {number}", lambda n=number: self._numbered(n), *both)  # type: ignore[misc]
        self._on("escape /", lambda: controller.open(controller.chats.previous), *both)
        self._on("escape a", self._attempt(looking.next_unread), *both)
        self._on("escape n", self._attempt(looking.to_new), *both)
        self._on("c-k", looking.switch, KeyTarget.INPUT)
        self._on("c-f", self._attempt(looking.search), KeyTarget.INPUT)
        self._on("escape l", self._attempt(looking.bare), *both)
        self._on("escape r", self._attempt(self._runner.retry), *both)
        self._on("escape u", self._attempt(self._runner.unsend), *both)
        self._on("f2", looking.toggle_list, *both)
        self._on("f5", self._attempt(self._runner.choices.reconnect), *both)

    def _neighbour(self, step: int) -> None:
        self._controller.open(self._controller.chats.neighbour(step))

    def _numbered(self, number: int) -> None:
        rooms = self._controller.chats.ordered()
        if number <= len(rooms):
            self._controller.open(rooms[number - 1])

    # ------------------------------------------------------------------ what is in front

    def _in_question(self) -> None:
        state = self._state
        for key in "yY":
            self._on(
                key,
                lambda: self._runner.attempt(lambda: state.answer(yes=True)),
                KeyTarget.QUESTION,
            )
        for key in ("n", "N", "escape", "c-c", "c-d", "c-g"):
            self._on(key, lambda: state.answer(yes=False), KeyTarget.QUESTION)

    def _in_switcher(self) -> None:
        only = KeyTarget.SWITCHER
        self._on("enter", self._runner.looking.switched, only)
        for keys, step in (("down", 1), ("c-n", 1), ("tab", 1), ("c-k", 1), ("up", -1)):
            self._on(keys, lambda step=step: self._move_switcher(step), only)  # type: ignore[misc]
        for keys, step in (("c-p", -1), ("s-tab", -1)):
            self._on(keys, lambda step=step: self._move_switcher(step), only)  # type: ignore[misc]
        for keys in ("escape", "c-c", "c-g", "c-d"):
            self._on(keys, self._leave_switcher, only)
        self._screen.prompt.on_text_changed += lambda buffer: self._prompt_changed()

    def _move_switcher(self, step: int) -> None:
        if self._state.switcher is not None:
            self._state.switcher.move(step)

    def _leave_switcher(self) -> None:
        self._state.switcher = None

    def _in_search(self) -> None:
        only, looking = KeyTarget.SEARCH, self._runner.looking
        for keys in ("enter", "up", "c-r"):
            self._on(keys, lambda: looking.search_on(older=True), only)
        for keys in ("down", "c-f", "c-s"):
            self._on(keys, lambda: looking.search_on(older=False), only)
        for keys in ("escape", "c-c", "c-g", "c-d"):
            self._on(keys, looking.search_done, only)

    def _prompt_changed(self) -> None:
        text = self._screen.prompt.text
        if self._state.switcher is not None:
            self._state.switcher.set_query(text)
        elif self._state.search is not None:
            self._runner.looking.look_for(self._state.search, text)

    def _in_page(self) -> None:
        only = KeyTarget.PAGE

        def page() -> int:
            page = self._state.page
            return 1 if page is None else max(page.height - 1, 1)

        def scroll(down: int) -> None:
            if self._state.page is not None:
                self._state.page.scroll(down)

        self._on("up", lambda: scroll(-1), only)
        self._on("down", lambda: scroll(1), only)
        self._on("k", lambda: scroll(-1), only)
        self._on("j", lambda: scroll(1), only)
        self._on("pageup", lambda: scroll(-page()), only)
        self._on("pagedown", lambda: scroll(page()), only)
        self._on("space", lambda: scroll(page()), only)
        self._on("home", lambda: scroll(-(10**6)), only)
        self._on("end", lambda: scroll(10**6), only)
        for keys in ("escape", "q", "f1", "enter", "c-c", "c-g", "c-d"):
            self._on(keys, self._close_page, only)

    def _close_page(self) -> None:
        self._state.page = None


def _without_controls(text: str) -> str:
    """What was pasted, with line feeds and tabs and no other control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
