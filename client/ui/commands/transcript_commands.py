"""TranscriptCommands: the messages of the open room as a file, as plain lines, and their links."""

from __future__ import annotations

from pathlib import Path

from client.ui.commands import export
from client.ui.commands.command_group import CommandGroup
from client.ui.commands.context import CommandContext
from client.ui.commands.export import ExportError
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.command_line import InputError
from client.ui.model.message_item import Mark
from client.ui.model.room import HistoryState, Room
from client.ui.text.cells import lines, one_line
from client.ui.text.links import links_in
from client.ui.view.copy_view import copy_lines


class TranscriptCommands(CommandGroup):
    """Export, copy view and links. The terminal's thread."""

    def __init__(self, context: CommandContext, loader: RoomLoader) -> None:
        super().__init__(context)
        self._loader = loader

    def export(self, name: str) -> None:
        """Write the whole conversation to a new file."""
        room = self._current_room()
        try:
            path = export.to_path(name)
        except ExportError as exc:
            raise InputError("export failed", file=name, reason=str(exc)) from exc
        self._context.terminal.spawn(self._export(room, path))

    async def _export(self, room: Room, path: Path) -> None:
        context, shown = self._context, one_line(str(path))
        context.notice("exporting", stays=True)
        await self._load_all(room)
        items = [item for item in room.items if item.mark in (Mark.RECEIVED, Mark.STORED)]
        try:
            count = await context.terminal.run_blocking(export.write_messages, path, items)
        except ExportError as exc:
            if exc.exists:
                context.notice("export exists", failed=True, file=shown)
            else:
                context.notice("export failed", failed=True, file=shown, reason=one_line(str(exc)))
        else:
            context.notice("exported", count=count, file=shown)
        context.terminal.redraw()

    async def _load_all(self, room: Room) -> None:
        while room.has_more and self._context.state.is_online:
            before = room.oldest_seq
            await self._loader.load_page(room)
            if room.history is HistoryState.MORE and room.oldest_seq == before:
                return  # the server is busy: export the loaded messages

    def open_link(self) -> None:
        """Open the last web address of the room in the browser."""
        for item in reversed(self._current_room().items):
            found = [link.url for line in lines(item.text) for link in links_in(line)]
            if found:
                opens = self._context.terminal.open_link(found[-1])
                key = "opening" if opens else "no opener"
                self._context.notice(key, failed=not opens, url=found[-1])
                return
        raise InputError("no link")

    def copy_view(self) -> None:
        """Print the messages as plain lines, for the terminal's own selection."""
        printed = copy_lines(self._current_room())
        hint = self._context.state.texts("copy hint")
        self._context.terminal.spawn(self._context.terminal.show_copy_view(printed, hint))
