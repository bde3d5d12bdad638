"""ContactCommands: the commands about friends and groups."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial

from client.account.roster import ADMIN, CREATOR, ONLINE
from client.errors import ClientError
from client.ui.commands.command_group import RequestCommands
from client.ui.commands.context import CommandContext
from client.ui.commands.room_controller import RoomController
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.command_line import InputError, split_name
from client.ui.model.room import Room, RoomKey
from client.ui.model.screen_state import KeyTarget
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line
from client.values import Friend, Group, Member


class ContactCommands(RequestCommands):
    """Friends and groups. The terminal's thread."""

    def __init__(self, context: CommandContext, loader: RoomLoader, rooms: RoomController) -> None:
        super().__init__(context, loader)
        self._rooms = rooms

    # ------------------------------------------------------------------ friends

    def add(self, user_id: int) -> None:
        """Add a user to the friend list."""
        if user_id == self._context.directory.me[0]:
            raise InputError("add myself")

        def done(friend: Friend | None) -> None:
            if friend is None:
                self._context.notice("friend asked", name=self._user_name(user_id), id=user_id)
            else:
                self._context.notice("friend added", name=one_line(friend.name), id=friend.id)

        self._request(self._context.client.add_friend, user_id, done=done)

    def remove(self, user_id: int | None = None) -> None:
        """Remove a friend after a question. Default: the user of the open conversation."""
        if user_id is None:
            room = self._current_room()
            user_id = room.key.id if not room.key.in_group else 0
        name = self._user_name(user_id)
        if not user_id:
            raise InputError("not a user", command="/remove")
        if not self._context.directory.is_friend(user_id):
            self._take_request_back(user_id)
            return

        def done(nothing: None) -> None:
            self._context.notice("friend removed", name=name)

        def yes() -> None:
            self._request(self._context.client.remove_friend, user_id, done=done)

        self._context.state.ask(self._context.state.texts("remove sure", name=name), yes)

    def _take_request_back(self, user_id: int) -> None:
        """The user is no friend, but may have been asked to be one."""
        name = self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("request taken back", name=name)

        def not_found() -> None:
            self._context.notice("not a friend", failed=True, name=name)

        self._request(self._context.client.remove_friend, user_id, done=done, not_found=not_found)

    def friends(self) -> None:
        """Show the friend list as a page."""
        account = self._context.directory.account
        friends = () if account is None else account.friends
        if not friends:
            self._context.notice("no friends yet")
            return
        ordered = sorted(friends, key=lambda f: (f.state != ONLINE, f.name.casefold()))
        self._show_page("friends title", [_user_line(f.id, f.name, f.state, "") for f in ordered])

    def rename(self, name: str) -> None:
        """Change the user's own name."""

        def done(stored: str) -> None:
            self._context.notice("renamed", name=one_line(stored))

        self._request(self._context.client.rename, name, done=done)

    # ------------------------------------------------------------------ blocked users

    def block(self, user_id: int | None = None) -> None:
        """Block a user after a question. Default: the user of the open conversation."""
        if user_id is None:
            room = self._current_room()
            if room.key.in_group:
                raise InputError("not a user", command="/block")
            user_id = room.key.id
        name = self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("user blocked", name=name)

        def yes() -> None:
            self._request(self._context.client.block, user_id, done=done)

        self._context.state.ask(self._context.state.texts("block sure", name=name), yes)

    def unblock(self, user_id: int) -> None:
        """Take messages from a user again."""
        name = self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("user unblocked", name=name)

        self._request(self._context.client.unblock, user_id, done=done)

    def blocked(self) -> None:
        """Show the blocked users as a page."""

        def done(user_ids: tuple[int, ...]) -> None:
            if not user_ids:
                self._context.notice("nothing blocked")
                return
            lines: list[Line] = [
                [("class:help.key", f"{user_id:>10}  "), ("", self._user_name(user_id))]
                for user_id in user_ids
            ]
            self._show_page("blocked title", lines)

        self._request(self._named_blocked, done=done)

    def _named_blocked(self) -> tuple[int, ...]:
        """The blocked users; the client knows their names then. A worker thread."""
        client = self._context.client
        user_ids = client.blocked()
        unknown = [user_id for user_id in user_ids if not client.known_name(user_id)]
        with contextlib.suppress(ClientError):  # a server of version 0.2.0
            client.user_names(unknown)
        return user_ids

    # ------------------------------------------------------------------ groups

    def create(self, text: str) -> None:
        """Create a group and open it. ``text``: its name, and a description after a colon."""
        name, desc = split_name(text)

        def done(group: Group) -> None:
            self._open_group(group, "group created")

        self._request(self._context.client.create_group, name, desc, done=done)

    def join(self, group_id: int) -> None:
        """Join a group and open it. If it is closed, ask for its password."""
        self._join(group_id, None)

    def _join(self, group_id: int, password: str | None) -> None:
        """The answer to a wrong password is that for a group that does not exist."""

        def done(group: Group) -> None:
            self._open_group(group, "group joined")

        def not_found() -> None:
            if self._is_typing():
                self._context.notice("no such group", failed=True, id=group_id)
                return
            self._ask_password("group password", partial(self._join, group_id), id=group_id)
            key = "group closed" if password is None else "group password wrong"
            self._context.notice(key, failed=True, stays=True, id=group_id)

        join = self._context.client.join_group
        self._request(join, group_id, password, done=done, not_found=not_found)

    def _is_typing(self) -> bool:
        """Whether the keys that the user types now are meant for something else."""
        context = self._context
        return context.state.key_target is not KeyTarget.INPUT or bool(
            context.terminal.input_text()[0]
        )

    def _open_group(self, group: Group, key: str) -> None:
        if self._context.state.pending is None:  # otherwise the user goes elsewhere already
            self._rooms.open_key(RoomKey(True, group.id))
        self._context.notice(key, name=one_line(group.name), id=group.id)

    def members(self, group_id: int | None = None) -> None:
        """Show the members of a group as a page."""
        room = self._group_room(group_id)

        def done(members: tuple[Member, ...]) -> None:
            texts = self._context.state.texts
            shown = {CREATOR: texts("role creator"), ADMIN: texts("role admin")}
            lines = [_user_line(m.id, m.name, m.state, shown.get(m.role, "")) for m in members]
            self._show_page("members title", lines, name=self._title(room))

        self._request(self._context.client.members, room.key.id, done=done)

    def kick(self, user_id: int) -> None:
        """Remove a member from the open group."""
        room = self._group_room(None)
        name = self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("member removed", name=name, group=self._title(room))

        self._request(self._context.client.remove_member, room.key.id, user_id, done=done)

    def leave(self, group_id: int | None = None) -> None:
        """Leave a group after a question."""
        room = self._group_room(group_id)
        self._end_membership("leave sure", "group left", room, self._context.client.leave_group)

    def dissolve(self, group_id: int | None = None) -> None:
        """Dissolve a group after a question."""
        room = self._group_room(group_id)
        call = self._context.client.dissolve_group
        self._end_membership("dissolve sure", "group dissolved", room, call)

    def _end_membership(
        self, question: str, result: str, room: Room, call: Callable[[int], None]
    ) -> None:
        title = self._title(room)

        def done(nothing: None) -> None:
            room.hidden = True
            self._context.notice(result, name=title)

        def yes() -> None:
            self._request(call, room.key.id, done=done)

        self._context.state.ask(self._context.state.texts(question, name=title), yes)

    def _group_room(self, group_id: int | None) -> Room:
        """The room of a group; None: the open room, which must be a group."""
        if group_id is not None:
            return self._context.rooms.room(RoomKey(True, group_id))
        room = self._context.rooms.current
        if room is None or not room.key.in_group:
            raise InputError("not a group")
        return room


def _user_line(user_id: int, name: str, state: str, role: str) -> Line:
    online = state == ONLINE
    mark = ("class:online", " ● ") if online else ("class:offline", " ○ ")
    number = ("class:help.key", f"{user_id:>10}  ")
    return [mark, number, ("", one_line(name)), ("class:note", f"  {role}")]
