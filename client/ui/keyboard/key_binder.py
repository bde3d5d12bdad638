"""KeyBinder: binds keys to actions, for the parts of the screen that get the keys."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from client.ui.model.screen_state import KeyTarget, ScreenState
from client.ui.view.screen import Screen
from client.ui.view.terminal_output import FOCUS_IN, FOCUS_OUT

Action = Callable[[], object]


def _always() -> bool:
    return True


class KeyBinder:
    """Adds bindings, and keeps the state between two keys. The terminal's thread."""

    def __init__(self, bindings: KeyBindings, state: ScreenState, screen: Screen) -> None:
        self._bindings = bindings
        self._state = state
        self._screen = screen
        self._cancelled = False  # the previous key was Ctrl+C in an empty line
        self._handled = False  # the current key is bound here

    def on(
        self, keys: str, action: Action, *targets: KeyTarget, when: Callable[[], bool] = _always
    ) -> None:
        """Bind a key, or a sequence of keys, for some targets; without targets for all."""

        def handle(event: KeyPressEvent) -> None:
            self._handled = True
            self._cancelled &= keys == "c-c"
            self._state.draft_waits &= keys == "enter"
            action()
            self._screen.focus()

        def applies() -> bool:
            return (not targets or self._state.key_target in targets) and when()

        self._bindings.add(*keys.split(), filter=Condition(applies))(handle)

    def on_paste(self, insert: Callable[[str], None], target: KeyTarget) -> None:
        """Bind pastes. ``insert`` gets the text without control characters."""

        def handle(event: KeyPressEvent) -> None:
            insert(_without_controls(event.data))

        is_target = Condition(lambda: self._state.key_target is target)
        self._bindings.add(Keys.BracketedPaste, filter=is_target)(handle)

    def on_focus_reports(self) -> None:
        """Note in the state whether the terminal window has the focus."""

        def handle(event: KeyPressEvent) -> None:
            self._handled = True
            if event.data in (FOCUS_IN, FOCUS_OUT):
                self._state.focused = event.data == FOCUS_IN

        self._bindings.add(Keys.Ignore)(handle)

    def confirm_cancel(self) -> bool:
        """Whether Ctrl+C is pressed for the second time in a row; a notice asks for that."""
        if self._cancelled:
            return True
        self._cancelled = True
        self._state.say(self._state.texts("say again"))
        return False

    def reset_cancel(self) -> None:
        """The next Ctrl+C counts as the first."""
        self._cancelled = False

    def before_key(self) -> None:
        """A key comes: the terminal has the focus, whatever it has reported.

        Some terminals report that they lost the focus, and never that they have it again.
        """
        self._state.focused = True
        self._handled = False

    def after_key(self) -> bool:
        """A key without a binding ends the protection of a draft. Returns whether it was one.

        Example: → at the end of the line. It moves nothing, but the user has seen the draft.
        """
        if not self._handled:
            self._state.draft_waits = False
        return not self._handled


def _without_controls(text: str) -> str:
    """The text with no control characters but line feeds and tabs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
