"""RoomCommands: the commands that go somewhere: to a conversation, to a message, into a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from chat.protocol import ErrNo
from client.errors import ClientError, RefusedError
from client.ui.commands import export
from client.ui.commands.command_group import CommandGroup
from client.ui.commands.controller import Controller
from client.ui.commands.export import ExportError
from client.ui.model.command_line import (
    InputError,
)
from client.ui.model.message_item import Mark
from client.ui.model.room import HistoryState, Room, RoomKey
from client.ui.model.room_switcher import RoomSwitcher
from client.ui.model.search import Search
from client.ui.text.cells import clip, lines, one_line
from client.ui.text.links import links_in
from client.ui.view.copy_view import copy_lines

_UNKNOWN: dict[tuple[bool, int], str] = {
    (False, ErrNo.NOT_FOUND): "no such user",
    (True, ErrNo.NOT_FOUND): "no such group",
    (True, ErrNo.NOT_A_MEMBER): "not a member",
}
"""In a group?, the server's answer → what is said."""


_TYPING_SECONDS = 0.3
"""A pause after which what was typed is tokened for on the server."""

_QUERY_CELLS = 24


class RoomCommands(CommandGroup):
    """Conversations and what is in them. The terminal's thread."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        self._loading: object = None  # which search is loading older messages

    def chat(self, user_id: int) -> None:
        """A conversation with somebody."""
        self.visit(RoomKey(False, user_id))

    def group(self, group_id: int) -> None:
        """A group's conversation."""
        self.visit(RoomKey(True, group_id))

    def visit(
        self,
        key: RoomKey,
        arrived: Callable[[], None] = lambda: None,
        missing: Callable[[], None] = lambda: None,
    ) -> None:
        """Open a conversation. One that is not known yet must be known to the server.

        Then ``arrived`` is called; or ``missing``, and nothing is opened.
        """
        known = self._is_known(key)
        if not known and self._is_online:
            self._state.visiting = key
            self._controller.terminal.spawn(self._visit(key, arrived, missing))
        elif not known and key.in_group and self._chats.account is not None:
            missing()
            raise InputError("not a member", id=str(key.id))
        else:
            self._controller.open_key(key)
            arrived()

    def _is_known(self, key: RoomKey) -> bool:
        if key.in_group:
            return self._chats.group(key.id) is not None
        room = self._chats.rooms.get(key)
        spoken = room is not None and bool(room.items or room.active)
        return spoken or key.id == self._chats.me[0] or self._chats.is_friend(key.id)

    async def _visit(
        self, key: RoomKey, arrived: Callable[[], None], missing: Callable[[], None]
    ) -> None:
        controller, chats = self._controller, self._chats
        try:
            await controller.look_up(key)
        except RefusedError as exc:
            unknown = _UNKNOWN.get((key.in_group, exc.errno))
        except ClientError:
            unknown = None  # it may be there; what is written waits
        else:
            unknown = None
        self._state.visiting = None
        if chats is not self._state.chats:
            return  # the user has signed out meanwhile
        if unknown is None:
            controller.open_key(key)
            arrived()
        else:
            self._notice(unknown, failed=True, id=key.id)
            missing()
        controller.terminal.show()

    def switch(self) -> None:
        """Choose a conversation by some letters."""
        self._state.switcher = RoomSwitcher(self._chats, self._texts)

    def switched(self) -> None:
        """One was chosen, or none."""
        switcher, self._state.switcher = self._state.switcher, None
        if switcher is not None:
            self._controller.open(switcher.chosen)

    def next_unread(self) -> None:
        """To the next conversation with something new."""
        room = self._chats.next_unread()
        if room is not None:
            self._controller.open(room)
        elif self._chats.current is None or not self._chats.current.unread:
            self._notice("nothing unread")
        else:
            self._controller.to_new(self._chats.current)

    def to_new(self) -> None:
        """To the first new message of this conversation."""
        if not self._controller.to_new(self._room()):
            self._notice("nothing new")

    def toggle_list(self) -> None:
        """Show the list of conversations, or do not."""
        self._state.toggle_list(self._controller.terminal.columns())

    def search(self, text: str = "") -> None:
        """Begin to search in the conversation. The view is held meanwhile."""
        room = self._room()
        self._state.search = search = Search(room)
        self._notice("search keys", stays=True)
        if text:
            self.look_for(search, text)

    def look_for(self, search: Search, text: str) -> None:
        """Other words to search for."""
        if search.look_for(text):
            self._found(search)
        else:
            self._search_past(search)

    def search_on(self, *, older: bool) -> None:
        """To the next place where it is found."""
        search = self._state.search
        if search is None or not search.query:
            return
        if search.older() if older else search.newer():
            self._found(search)
        elif older:
            self._search_past(search)
        else:
            self._say_not_found("no newer match", search)

    def search_done(self) -> None:
        """Back to writing, where one is."""
        self._state.search = None
        self._state.notice = None

    def _found(self, search: Search) -> None:
        self._notice("search keys", stays=True)  # always one line, so that nothing moves
        self._loading = None
        if search.found is not None:
            self._controller.message_view.show(search.room, search.found)

    def _search_past(self, search: Search) -> None:
        """No loaded message matches any more: load older ones until one does."""
        self._loading = token = object()
        self._say_not_found("searching", search)
        self._controller.terminal.spawn(self._load_until_found(search, token))

    async def _load_until_found(self, search: Search, token: object) -> None:
        """``token`` is another one as soon as something else is tokened for."""
        room, controller = search.room, self._controller
        key = "searching"
        await asyncio.sleep(_TYPING_SECONDS)
        while key == "searching" and self._is_wanted(search, token):
            if room.history is HistoryState.LOADING:
                await asyncio.sleep(_TYPING_SECONDS)
            elif not room.has_more:
                key = "no older match" if search.matches else "not found"
            else:
                first = room.items[0] if room.items else None
                if self._is_online:
                    room.history = HistoryState.LOADING
                    await controller.load_page(room)
                added = len(room.items) if first is None else room.index(first)
                if not self._is_wanted(search, token):
                    return
                if search.is_in_first(added):
                    self._found(search)
                elif not added and room.has_more:
                    key = "not found yet"
                if self._loading is token:
                    self._say_not_found(key, search)
            controller.terminal.show()
        if key != "searching" and self._is_wanted(search, token):
            self._say_not_found(key, search)
            controller.terminal.show()

    def _is_wanted(self, search: Search, token: object) -> bool:
        return self._loading is token and self._state.search is search

    def _say_not_found(self, key: str, search: Search) -> None:
        query, count = clip(one_line(search.text), _QUERY_CELLS), len(search.room.items)
        self._notice(key, failed=key != "searching", stays=True, query=query, count=count)

    def export(self, name: str) -> None:
        """Write the whole conversation to a new file."""
        room = self._room()
        try:
            path = export.to_path(name)
        except ExportError as exc:
            raise InputError("export failed", file=name, why=str(exc)) from exc
        self._controller.terminal.spawn(self._write_file(room, path))

    async def _write_file(self, room: Room, path: Path) -> None:
        shown = one_line(str(path))
        terminal = self._controller.terminal
        self._notice("exporting", stays=True)
        await self._load_everything(room)
        items = [item for item in room.items if item.mark in (Mark.RECEIVED, Mark.STORED)]
        try:
            count = await terminal.run_call(export.write, path, items)
        except ExportError as exc:
            if exc.exists:
                self._notice("export exists", failed=True, file=shown)
            else:
                self._notice("export failed", failed=True, file=shown, why=one_line(str(exc)))
        else:
            self._notice("exported", count=count, file=shown)
        terminal.show()

    async def _load_everything(self, room: Room) -> None:
        while room.has_more and self._is_online:
            before = room.oldest_seq
            await self._controller.load_page(room)
            if room.history is HistoryState.MORE and room.oldest_seq == before:
                return  # it does not get any further

    def open_link(self) -> None:
        """Show the web page that was named last in this conversation."""
        for item in reversed(self._room().items):
            found = [link.url for line in lines(item.text) for link in links_in(line)]
            if found:
                opens = self._controller.terminal.open_link(found[-1])
                key = "opening" if opens else "no opener"
                self._notice(key, failed=not opens, url=found[-1])
                return
        raise InputError("no link")

    def bare(self) -> None:
        """The messages without anything beside them, for the terminal's own selection."""
        printed = copy_lines(self._room())
        hint = self._texts("bare hint")
        self._controller.terminal.spawn(self._controller.terminal.print_bare(printed, hint))

    def close(self) -> None:
        """Take the conversation off the list, until something is said in it."""
        room = self._room()
        following = self._chats.neighbour(1)
        room.draft = ("", 0)
        if following is room or following is None:
            self._chats.open(None)
        else:
            self._controller.open(following)
        room.hidden = True
