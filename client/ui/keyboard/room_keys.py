"""RoomKeys: the keys that scroll the open room, open others, and call commands."""

from __future__ import annotations

from functools import partial

from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.command_set import CommandSet
from client.ui.commands.context import CommandContext
from client.ui.commands.scroller import Scroller
from client.ui.keyboard.key_binder import Action, KeyBinder
from client.ui.model.screen_state import KeyTarget


class RoomKeys:
    """The keys beside the input line and the search. The terminal's thread."""

    def __init__(
        self,
        context: CommandContext,
        scroller: Scroller,
        commands: CommandSet,
        runner: CommandRunner,
    ) -> None:
        self._context = context
        self._scroller = scroller
        self._commands = commands
        self._runner = runner

    def bind(self, binder: KeyBinder) -> None:
        """Add the bindings."""
        self._bind_scrolling(binder)
        self._bind_rooms(binder)
        self._bind_commands(binder)

    def _bind_scrolling(self, binder: KeyBinder) -> None:
        scroller, both = self._scroller, (KeyTarget.INPUT, KeyTarget.SEARCH)
        binder.on("pageup", partial(scroller.scroll_pages, 1), *both)
        binder.on("pagedown", partial(scroller.scroll_pages, -1), *both)
        binder.on("escape k", partial(scroller.scroll_lines, 1), *both)
        binder.on("escape j", partial(scroller.scroll_lines, -1), *both)
        binder.on("escape <", scroller.to_start, *both)
        binder.on("escape >", scroller.to_end, *both)

    def _bind_rooms(self, binder: KeyBinder) -> None:
        rooms, both = self._commands.rooms, (KeyTarget.INPUT, KeyTarget.SEARCH)
        for keys, step in (("c-n", 1), ("c-p", -1), ("escape down", 1), ("escape up", -1)):
            binder.on(keys, partial(rooms.neighbour, step), *both)
        for number in range(1, 10):
            binder.on(f"escape {number}", partial(rooms.numbered, number), *both)
        binder.on("escape /", rooms.previous, *both)
        binder.on("escape a", self._command(rooms.next_unread), *both)
        binder.on("escape n", self._command(rooms.first_new), *both)
        binder.on("c-k", rooms.switch, KeyTarget.INPUT)
        binder.on("f2", rooms.toggle_list, *both)

    def _bind_commands(self, binder: KeyBinder) -> None:
        commands, both = self._commands, (KeyTarget.INPUT, KeyTarget.SEARCH)
        binder.on("c-f", self._command(commands.search.search), KeyTarget.INPUT)
        binder.on("escape l", self._command(commands.transcript.copy_view), *both)
        binder.on("escape r", self._command(commands.messages.retry), *both)
        binder.on("escape u", self._command(commands.messages.unsend), *both)
        binder.on("f5", self._command(commands.program.reconnect), *both)

    def _command(self, action: Action) -> Action:
        """The action, with its InputError as a notice."""

        def call() -> None:
            self._context.state.notice = None
            self._runner.attempt(action)

        return call
