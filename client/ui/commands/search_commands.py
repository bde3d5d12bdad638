"""SearchCommands: the search in the open room, which loads older messages as needed."""

from __future__ import annotations

import asyncio

from client.ui.commands.command_group import CommandGroup
from client.ui.commands.context import CommandContext
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.room import HistoryState, Room
from client.ui.model.search import Search
from client.ui.text.cells import clip, one_line

_TYPING_SECONDS = 0.3
"""The pause in typing after which older messages are loaded."""

_QUERY_CELLS = 24


class SearchCommands(CommandGroup):
    """Search. The terminal's thread.

    One coroutine at a time loads older messages. Example: while it waits for a page for "tea", the
    user types on to "team". The new text starts a coroutine with a new token; the old one sees
    that its token is not the current one, and ends.
    """

    def __init__(self, context: CommandContext, loader: RoomLoader) -> None:
        super().__init__(context)
        self._loader = loader
        self._token: object = None  # of the coroutine that may load

    def search(self, text: str = "") -> None:
        """Begin a search in the open room. New messages do not move the view meanwhile."""
        search = self._context.state.search = Search(self._current_room())
        self._context.notice("search keys", stays=True)
        if text:
            self.set_text(search, text)

    def set_text(self, search: Search, text: str) -> None:
        """Search another text."""
        if search.set_text(text):
            self._show_match(search)
        else:
            self._search_older(search)

    def next_match(self, *, older: bool) -> None:
        """Go to the next match above or below."""
        search = self._context.state.search
        if search is None or not search.query:
            return
        if search.find_older() if older else search.find_newer():
            self._show_match(search)
        elif older:
            self._search_older(search)
        else:
            self._report("no newer match", search)

    def end(self) -> None:
        """End the search; the keys go to the input line again."""
        self._context.state.search = None
        self._context.state.notice = None

    def _show_match(self, search: Search) -> None:
        self._context.notice("search keys", stays=True)  # always one row, so the view stays
        self._token = None
        if search.found is not None:
            self._context.message_view.show(search.room, search.found)

    # ------------------------------------------------------------------ older messages

    def _search_older(self, search: Search) -> None:
        """Load older messages until one matches."""
        self._token = token = object()
        self._report("searching", search)
        self._context.terminal.spawn(self._load_until_found(search, token))

    async def _load_until_found(self, search: Search, token: object) -> None:
        await asyncio.sleep(_TYPING_SECONDS)
        while self._is_current(search, token):
            if search.room.history is HistoryState.LOADING:  # by another request
                await asyncio.sleep(_TYPING_SECONDS)
                key = "searching"
            else:
                key = await self._search_page(search, token)
                if not self._is_current(search, token):
                    return
                self._report(key, search)
            self._context.terminal.redraw()
            if key != "searching":
                return

    async def _search_page(self, search: Search, token: object) -> str:
        """Load a page and search in it. Returns the key of the text that reports the result."""
        room = search.room
        if not room.has_more:
            return "no older match" if search.matches else "not found"
        added = await self._load_page(room)
        if self._is_current(search, token):
            if search.find_in_first(added):
                self._show_match(search)
                self._context.terminal.redraw()
            elif not added and room.has_more:
                return "not found yet"
        return "searching"

    async def _load_page(self, room: Room) -> int:
        """Load a page. Returns the number of messages that it has added at the top."""
        first = room.items[0] if room.items else None
        if self._context.state.is_online:
            room.history = HistoryState.LOADING
            await self._loader.load_page(room)
        return len(room.items) if first is None else room.index(first)

    def _is_current(self, search: Search, token: object) -> bool:
        return self._token is token and self._context.state.search is search

    def _report(self, key: str, search: Search) -> None:
        query, count = clip(one_line(search.text), _QUERY_CELLS), len(search.room.items)
        failed = key != "searching"
        self._context.notice(key, failed=failed, stays=True, query=query, count=count)
