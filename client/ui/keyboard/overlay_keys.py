"""OverlayKeys: the keys of a question, a password, the room switcher, the search and a page."""

from __future__ import annotations

from functools import partial

from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.command_set import CommandSet
from client.ui.keyboard.key_binder import KeyBinder
from client.ui.model.screen_state import KeyTarget, ScreenState
from client.ui.view.screen import Screen

_ALL_LINES = 10**6


class OverlayKeys:
    """The keys of all that takes them from the input line. The terminal's thread."""

    def __init__(
        self, state: ScreenState, screen: Screen, commands: CommandSet, runner: CommandRunner
    ) -> None:
        self._state = state
        self._screen = screen
        self._commands = commands
        self._runner = runner

    def bind(self, binder: KeyBinder) -> None:
        """Add the bindings, and watch the prompt of switcher and search for changes."""
        self._bind_question(binder)
        self._bind_password(binder)
        self._bind_switcher(binder)
        self._bind_search(binder)
        self._bind_page(binder)
        self._screen.prompt.on_text_changed += lambda sender: self._prompt_changed()

    # ------------------------------------------------------------------ question

    def _bind_question(self, binder: KeyBinder) -> None:
        only = KeyTarget.QUESTION
        yes = partial(self._state.answer, yes=True)
        for key in "yY":
            binder.on(key, partial(self._runner.attempt, yes), only)
        for key in ("n", "N", "escape", "c-c", "c-d", "c-g"):
            binder.on(key, partial(self._state.answer, yes=False), only)

    # ------------------------------------------------------------------ password

    def _bind_password(self, binder: KeyBinder) -> None:
        only = KeyTarget.PASSWORD
        binder.on("enter", self._enter_password, only)
        for keys in ("escape", "c-c", "c-g", "c-d"):
            binder.on(keys, self._cancel_password, only)

    def _enter_password(self) -> None:
        password = self._screen.password.text
        self._screen.password.reset()
        self._runner.attempt(partial(self._state.enter_password, password))

    def _cancel_password(self) -> None:
        self._screen.password.reset()
        self._state.enter_password(None)

    # ------------------------------------------------------------------ switcher and search

    def _bind_switcher(self, binder: KeyBinder) -> None:
        only = KeyTarget.SWITCHER
        binder.on("enter", self._commands.rooms.switch_done, only)
        for keys in ("down", "c-n", "tab", "c-k"):
            binder.on(keys, partial(self._move_switcher, 1), only)
        for keys in ("up", "c-p", "s-tab"):
            binder.on(keys, partial(self._move_switcher, -1), only)
        for keys in ("escape", "c-c", "c-g", "c-d"):
            binder.on(keys, self._close_switcher, only)

    def _move_switcher(self, step: int) -> None:
        if self._state.switcher is not None:
            self._state.switcher.move(step)

    def _close_switcher(self) -> None:
        self._state.switcher = None

    def _bind_search(self, binder: KeyBinder) -> None:
        only, search = KeyTarget.SEARCH, self._commands.search
        for keys in ("enter", "up", "c-r"):
            binder.on(keys, partial(search.next_match, older=True), only)
        for keys in ("down", "c-f", "c-s"):
            binder.on(keys, partial(search.next_match, older=False), only)
        for keys in ("escape", "c-c", "c-g", "c-d"):
            binder.on(keys, search.end, only)

    def _prompt_changed(self) -> None:
        text = self._screen.prompt.text
        if self._state.switcher is not None:
            self._state.switcher.set_query(text)
        elif self._state.search is not None:
            self._commands.search.set_text(self._state.search, text)

    # ------------------------------------------------------------------ page

    def _bind_page(self, binder: KeyBinder) -> None:
        only = KeyTarget.PAGE
        for keys, lines in (("up", -1), ("k", -1), ("down", 1), ("j", 1)):
            binder.on(keys, partial(self._scroll_page, lines), only)
        binder.on("home", partial(self._scroll_page, -_ALL_LINES), only)
        binder.on("end", partial(self._scroll_page, _ALL_LINES), only)
        for keys, pages in (("pageup", -1), ("pagedown", 1), ("space", 1)):
            binder.on(keys, partial(self._turn_page, pages), only)
        binder.on("enter", self._commands.message_search.choose, only)
        for keys in ("escape", "q", "f1", "c-c", "c-g", "c-d"):
            binder.on(keys, self._close_page, only)

    def _scroll_page(self, lines: int) -> None:
        if self._state.page is not None:
            self._state.page.scroll(lines)
            self._commands.message_search.load_more()

    def _turn_page(self, pages: int) -> None:
        """Scroll by screens; one line of the old screen stays visible."""
        page = self._state.page
        if page is not None:
            page.scroll(pages * max(page.height - 1, 1))
            self._commands.message_search.load_more()

    def _close_page(self) -> None:
        self._state.page = None
