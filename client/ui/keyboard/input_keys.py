"""InputKeys: the keys of the input line."""

from __future__ import annotations

from functools import partial

from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.context import CommandContext
from client.ui.commands.program_commands import ProgramCommands
from client.ui.keyboard.key_binder import KeyBinder
from client.ui.model.screen_state import KeyTarget
from client.ui.view.screen import Screen


class InputKeys:
    """Edits the input line and enters it. The terminal's thread."""

    def __init__(
        self,
        context: CommandContext,
        screen: Screen,
        runner: CommandRunner,
        program: ProgramCommands,
    ) -> None:
        self._context = context
        self._state = context.state
        self._screen = screen
        self._buffer = screen.input
        self._runner = runner
        self._program = program

    def bind(self, binder: KeyBinder) -> None:
        """Add the bindings, and watch the input line for changes."""
        buffer, only = self._buffer, KeyTarget.INPUT

        def is_empty() -> bool:
            return not buffer.text

        binder.on("enter", self._enter, only)
        binder.on("escape enter", partial(buffer.insert_text, "\n"), only)
        binder.on("c-j", partial(buffer.insert_text, "\n"), only)
        binder.on("escape", buffer.cancel_completion, only)
        binder.on("?", self._program.help, only, when=is_empty)
        binder.on("c-d", self._program.quit, only, when=is_empty)
        binder.on("c-c", partial(self._cancel, binder), only)
        binder.on("up", self._up, only)
        binder.on("down", self._down, only)
        binder.on_paste(self._paste, only)
        buffer.on_text_changed += lambda sender: self._text_changed()
        buffer.on_cursor_position_changed += lambda sender: self._cursor_moved()

    def _text_changed(self) -> None:
        """The user types: the notice about the line before has been read."""
        self._state.notice = None
        self._state.draft_waits = False

    def _cursor_moved(self) -> None:
        self._state.draft_waits = False

    def _enter(self) -> None:
        buffer = self._buffer
        completing = buffer.complete_state
        if completing is not None and completing.current_completion is not None:
            buffer.complete_state = None  # the first Enter accepts the completion
            return
        buffer.complete_state = None
        if self._state.draft_waits:
            self._context.notice("draft waits")
        else:
            self._runner.enter(buffer.text)

    def _paste(self, text: str) -> None:
        """Insert a paste; one of several lines after a question."""
        lines = text.count("\n") + 1
        if lines == 1:
            self._buffer.insert_text(text)
            return
        question = self._state.texts("paste", lines=lines)
        self._state.ask(question, partial(self._buffer.insert_text, text))
        self._screen.focus()

    def _cancel(self, binder: KeyBinder) -> None:
        """Clear the line; in an empty one, quit at the second time."""
        if self._buffer.text:
            binder.reset_cancel()
            self._state.notice = None
            self._buffer.reset()
        elif self._state.unsent or binder.confirm_cancel():
            self._program.quit()  # with a question if messages are unsent

    def _up(self) -> None:
        buffer = self._buffer
        if buffer.complete_state is not None:
            buffer.complete_previous()
        elif buffer.document.cursor_position_row > 0:
            buffer.cursor_up()
        else:
            self._recall(self._state.input_history.earlier(buffer.text))

    def _down(self) -> None:
        buffer = self._buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
        elif buffer.document.cursor_position_row < buffer.document.line_count - 1:
            buffer.cursor_down()
        else:
            self._recall(self._state.input_history.later())

    def _recall(self, line: str | None) -> None:
        if line is not None:
            self._context.terminal.set_input(line)
