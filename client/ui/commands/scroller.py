"""Scroller: scrolls the open room, and marks the visible messages as read."""

from __future__ import annotations

from client.ui.commands.context import CommandContext
from client.ui.commands.read_marks import ReadMarks
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.room import Room


class Scroller:
    """Moves the message view; scrolling up loads older messages. The terminal's thread."""

    def __init__(self, context: CommandContext, loader: RoomLoader, marks: ReadMarks) -> None:
        self._context = context
        self._marks = marks
        self._view = context.message_view
        self._loader = loader

    def scroll_pages(self, up: int) -> None:
        """Move by ``up`` pages; down if negative."""
        room = self._context.rooms.current
        if room is not None:
            if up > 0:
                self._load_ahead(room)
            self._view.scroll_pages(room, up)

    def scroll_lines(self, up: int) -> None:
        """Move by ``up`` lines; down if negative."""
        room = self._context.rooms.current
        if room is not None:
            if up > 0:
                self._load_ahead(room)
            self._view.scroll_lines(room, up)

    def to_start(self) -> None:
        """Go to the oldest loaded message."""
        room = self._context.rooms.current
        if room is not None:
            self._view.to_start(room)

    def to_end(self) -> None:
        """Go to the newest message."""
        room = self._context.rooms.current
        if room is not None:
            self._view.to_end(room)

    def mark_shown(self) -> None:
        """Mark the messages of the last drawing as read, if the terminal has the focus."""
        room, shown = self._context.rooms.current, self._view.shown
        if room is None or shown is None or shown.room is not room:
            return
        if not self._context.state.focused or room.seeking:
            return
        if room.mark_shown(room.items[shown.first : shown.last + 1]):
            self._context.terminal.redraw()  # the counts of unread messages
        self._marks.shown(room)

    def _load_ahead(self, room: Room) -> None:
        """Load older messages before the top is reached. They do not move the view."""
        if not room.has_more:
            return
        if self._context.state.is_online:
            if self._view.is_near_top(room):
                self._loader.load_older(room)
        elif self._view.at_top:
            self._context.notice("no online", failed=True)
