"""MessageSearchCommands: the search on the server, in all conversations, and its list of hits."""

from __future__ import annotations

import asyncio
from functools import partial

from client.ui.commands.command_group import RequestCommands
from client.ui.commands.context import CommandContext
from client.ui.commands.room_controller import RoomController
from client.ui.commands.room_loader import RoomLoader
from client.ui.commands.search_commands import SearchCommands
from client.ui.model.hit_list import HitList
from client.ui.model.message_item import MessageItem
from client.ui.model.room import HistoryState, Room, RoomKey
from client.ui.model.search import Search
from client.ui.text import times
from client.ui.text.cells import clip, one_line
from client.ui.text.snippets import snippet
from client.ui.text.styled_line import Line
from client.values import Hit, SearchPage

_QUERY_CELLS = 40

_WAIT_SECONDS = 0.1
"""Between two looks whether another request has loaded a page."""

_MOST_PAGES = 20
"""Pages without hits that are asked for in a row. For one the server reads thousands of texts."""


class MessageSearchCommands(RequestCommands):
    """Search in all conversations. The terminal's thread."""

    def __init__(
        self,
        context: CommandContext,
        loader: RoomLoader,
        rooms: RoomController,
        in_room: SearchCommands,
    ) -> None:
        super().__init__(context, loader)
        self._rooms = rooms
        self._in_room = in_room

    def search(self, text: str = "") -> None:
        """Show the messages with all words of the text. Without a text: search in the open room."""
        if not text:
            self._in_room.search()
            return
        self._need_connection()
        shown = clip(one_line(text), _QUERY_CELLS)

        def done(page: SearchPage) -> None:
            if not page.hits:
                self._context.notice("no hits", query=shown)
                return
            found = HitList(self._context.state.texts("hits title", query=shown), text)
            self._add(found, page)
            self._context.state.notice = None
            self._context.state.page = found

        self._context.notice("searching the server", stays=True, query=shown)
        self._request(partial(self._next_page, text), None, done=done)

    def load_more(self) -> None:
        """Load the next hits, if the list is at its end."""
        found = self._context.state.page
        if not isinstance(found, HitList) or not found.wants_more:
            return

        def done(page: SearchPage) -> None:
            found.loading = False
            self._add(found, page)

        if self._context.state.is_online:
            found.loading = True
            self._request(partial(self._next_page, found.query), found.before, done=done)

    def choose(self) -> None:
        """Open the conversation of the chosen hit at the hit."""
        found = self._context.state.page
        self._context.state.page = None
        if not isinstance(found, HitList) or not found.hits:
            return
        hit = found.hits[found.chosen]
        room = self._context.rooms.room(self._context.rooms.key_of(hit.message))
        self._rooms.open_room(room)
        search = self._context.state.search = Search(room)
        search.text = _found_word(hit)
        self._context.notice("search keys", stays=True)
        self._context.terminal.spawn(self._show(room, search, hit))

    # ------------------------------------------------------------------ a worker thread

    def _next_page(self, text: str, before: int | None) -> SearchPage:
        """The next page with hits, or the last page. Blocks."""
        page = self._context.client.search_page(text, before=before)
        for _ in range(_MOST_PAGES):
            if page.hits or page.before is None:
                break
            page = self._context.client.search_page(text, before=page.before)
        return page

    # ------------------------------------------------------------------ the list

    def _add(self, found: HitList, page: SearchPage) -> None:
        found.add([(hit, self._lines(hit)) for hit in page.hits], page.before)

    def _lines(self, hit: Hit) -> list[Line]:
        message = hit.message
        key = self._context.rooms.key_of(message)
        moment = times.parse(message.time_text)
        when = one_line(message.time_text) if moment is None else times.to_text(moment)[:16]
        head: Line = [
            ("class:help.key", f" {when}  "),
            ("", f"{self._name(key)}  "),
            ("class:note", one_line(message.sender_name)),
        ]
        return [head, [("", "   "), *snippet(message.text, hit.marks)]]

    def _name(self, key: RoomKey) -> str:
        """The name of a conversation, escaped. It opens no room."""
        if not key.in_group:
            return self._user_name(key.id)
        group = self._context.directory.group(key.id)
        return (
            self._context.state.texts("group", id=key.id) if group is None else one_line(group.name)
        )

    # ------------------------------------------------------------------ the chosen hit

    async def _show(self, room: Room, search: Search, hit: Hit) -> None:
        """Load older messages until the hit is there, and show it; the user may end it."""
        state, terminal = self._context.state, self._context.terminal
        while state.search is search and (item := _item(room, hit)) is None:
            if room.history is HistoryState.LOADING:  # by another request
                await asyncio.sleep(_WAIT_SECONDS)
            elif not await self._load_page(room):
                self._context.notice("hit is gone", failed=True)
                terminal.redraw()
                return
        if state.search is search and item is not None:
            search.found = item
            search.set_text(_found_word(hit))
            self._context.message_view.show_in_middle(room, item)
            terminal.redraw()

    async def _load_page(self, room: Room) -> bool:
        """Load older messages of a room; False if there are none."""
        if not room.has_more or not self._context.state.is_online:
            return False
        oldest = room.oldest_seq
        room.history = HistoryState.LOADING
        await self._loader.load_page(room)
        return room.oldest_seq != oldest


def _found_word(hit: Hit) -> str:
    """The first word that was found in the message."""
    first, behind = hit.marks[0] if hit.marks else (0, 0)
    return hit.message.text[first:behind]


def _item(room: Room, hit: Hit) -> MessageItem | None:
    """The message of a hit in a room, if it is loaded."""
    for item in room.items:
        if item.seq == hit.message.seq:
            return item
    return None
