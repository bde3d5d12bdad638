"""RoomLoader: loads the history of rooms and the members of groups from the server."""

from __future__ import annotations

from chat.protocol import ErrNo
from client.errors import ClientError, RefusedError
from client.ui.commands.context import CommandContext
from client.ui.model.room import HistoryState, Room, RoomKey

PAGE = 50
"""The number of messages of one request: about two screens, and quick even on a slow network."""

_SEEK_PAGES = 20
"""Pages that are loaded to find the first unread message. PageUp loads the ones before."""

MANY_MEMBERS = 1000
"""Larger groups show the number of members only. Members come 200 at a time, and are loaded again
every 20 seconds while the group is open. ``/members`` loads all."""

_TEMPORARY = (ErrNo.TOO_MANY, ErrNo.UNAVAILABLE)


class RoomLoader:
    """Requests what a room lacks. The terminal's thread; requests block worker threads only.

    A lost connection leaves a room as it is, to be loaded later.
    """

    def __init__(self, context: CommandContext) -> None:
        self._context = context

    def complete(self, room: Room | None) -> None:
        """Load what an open room lacks: its newest messages, and its members."""
        if room is None or not self._context.state.is_online:
            return
        if room.history is HistoryState.UNKNOWN or room.seeking:
            self.load_older(room)
        elif room.stale:
            self._context.terminal.spawn(self._catch_up(room))
        self._complete_members(room)

    # ------------------------------------------------------------------ history

    def load_older(self, room: Room) -> None:
        """Load older messages, if the server has some."""
        if not room.has_more and room.history is not HistoryState.LOADING:
            room.seeking = False  # the unread messages are not on the server any more
        if not room.has_more or not self._context.state.is_online:
            return
        room.history = HistoryState.LOADING
        self._context.terminal.spawn(self._load_older(room))

    async def _load_older(self, room: Room) -> None:
        """Load one page, or more while the first unread message is sought."""
        for _ in range(_SEEK_PAGES):
            room.history = HistoryState.LOADING
            await self.load_page(room)
            if not (room.seeking and room.unloaded and room.history is HistoryState.MORE):
                break
        if room.seeking:
            room.seek_new()
            room.seeking = False
        self._context.terminal.redraw()

    async def load_page(self, room: Room) -> None:
        """Load one page of older messages."""
        context = self._context
        rooms = context.rooms
        try:
            page = await context.terminal.run_blocking(
                context.client.history, **_target(room.key), before=room.oldest_seq, limit=PAGE
            )
        except RefusedError as exc:
            if exc.errno in _TEMPORARY:
                room.history = HistoryState.MORE
                return
            room.set_no_history()
            if rooms.current is room:  # the user or group does not exist
                context.notice_error(exc)
        except ClientError:
            room.history = HistoryState.UNKNOWN  # loaded after the next connect
        else:
            rooms.add_older(room, page.messages, more=page.more)

    async def _catch_up(self, room: Room) -> None:
        context = self._context
        rooms = context.rooms
        try:
            page = await context.terminal.run_blocking(
                context.client.history, **_target(room.key), limit=PAGE
            )
        except ClientError:
            return  # the room stays stale
        rooms.catch_up(room, page.messages, more=page.more)
        context.terminal.redraw()

    def seek_new(self, room: Room) -> bool:
        """Go to the first unread message, or to the divider. Returns whether there is one."""
        divider = room.divider
        room.seek_new()
        room.divider = room.wanted = room.wanted or divider
        if room.seeking:
            self.load_older(room)
        return room.seeking or room.wanted is not None

    async def check_exists(self, key: RoomKey) -> None:
        """Ask the server for a conversation. Raises RefusedError if it does not exist.

        Raises ClientError without an answer.
        """
        context = self._context
        await context.terminal.run_blocking(context.client.history, **_target(key), limit=1)

    async def name_user(self, key: RoomKey) -> None:
        """Ask for the name of a user that is not known yet. Raises ClientError."""
        context = self._context
        if key.in_group or context.directory.name_of(key.id):
            return
        rooms = context.rooms
        name = await context.terminal.run_blocking(context.client.name_of, key.id)
        rooms.name_user(key.id, name)

    def name_rooms(self) -> None:
        """Ask for the names of the users that a conversation has, but no name."""
        by_key = self._context.rooms.by_key
        unnamed = [key.id for key, room in by_key.items() if not (key.in_group or room.title)]
        if unnamed and self._context.state.is_online:
            self._context.terminal.spawn(self._name_rooms(unnamed))

    async def _name_rooms(self, user_ids: list[int]) -> None:
        context, rooms = self._context, self._context.rooms
        try:
            names = await context.terminal.run_blocking(context.client.user_names, user_ids)
        except ClientError:
            return  # the numbers stay: a server of version 0.2.0 does not tell names
        for user_id, name in names.items():
            rooms.name_user(user_id, name)
        context.terminal.redraw()

    # ------------------------------------------------------------------ friends and members

    def refresh_account(self) -> None:
        """Take over the friends and groups that the client has now."""
        context = self._context
        account = context.client.account
        if account is not None and account.id == context.directory.me[0]:
            context.rooms.set_account(account)

    def refresh_members(self) -> None:
        """Load the members of the open group again, and their presence."""
        room = self._context.rooms.current
        if room is not None and self._context.state.is_online:
            self._complete_members(room)

    def _complete_members(self, room: Room) -> None:
        group = self._context.directory.group(room.key.id) if room.key.in_group else None
        if group is not None and group.member_count <= MANY_MEMBERS:
            self._context.terminal.spawn(self._load_members(room))

    async def _load_members(self, room: Room) -> None:
        context = self._context
        try:
            await context.terminal.run_blocking(context.client.members, room.key.id)
        except ClientError:
            return  # the members known before stay
        self.refresh_account()
        context.terminal.redraw()


def _target(key: RoomKey) -> dict[str, int]:
    """The argument that names a room in the client's methods."""
    return {"group_id" if key.in_group else "user_id": key.id}
