"""ContactCommands: the commands about friends and groups."""

from __future__ import annotations

from collections.abc import Callable

from client.account.roster import CREATOR, ONLINE
from client.ui.commands.command_group import CommandGroup
from client.ui.model.command_line import (
    InputError,
    split_name,
)
from client.ui.model.room import Room, RoomKey
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line
from client.values import Friend, Member


class ContactCommands(CommandGroup):
    """Friends and groups. The terminal's thread."""

    def add(self, user_id: int) -> None:
        """Put somebody on the list."""
        if user_id == self._chats.me[0]:
            raise InputError("add myself")

        def done(friend: Friend) -> None:
            name = one_line(friend.name)
            self._notice("friend added", name=name, id=friend.id)

        self._ask_server(self._controller.client.add_friend, user_id, done=done)

    def remove(self, user_id: int | None = None) -> None:
        """Remove a friend after a question. Default: the user of the open conversation."""
        if user_id is None:
            room = self._room()
            user_id = room.key.id if not room.key.in_group else 0
        name = one_line(self._chats.name_of(user_id)) or str(user_id)
        if not self._chats.is_friend(user_id):
            raise InputError("not a friend", name=name)

        def yes() -> None:
            self._ask_server(
                self._controller.client.remove_friend,
                user_id,
                done=lambda nothing: self._notice("friend removed", name=name),
            )

        self._state.ask(self._texts("remove sure", name=name), yes)

    def friends(self) -> None:
        """The list, as a page."""
        friends = () if self._chats.account is None else self._chats.account.friends
        if not friends:
            self._notice("nobody else")
            return
        ordered = sorted(friends, key=lambda f: (f.state != ONLINE, f.name.casefold()))
        self._view("friends title", [_person(f.id, f.name, f.state, "") for f in ordered])

    # ------------------------------------------------------------------ groups

    def create(self, text: str) -> None:
        """Make a group, and go there."""
        name, desc = split_name(text)
        self._ask_server(
            self._controller.client.create_group,
            name,
            desc,
            done=lambda group: self._in_group(group.id, "group created", group.name),
        )

    def join(self, group_id: int) -> None:
        """Join a group, and go there."""
        self._ask_server(
            self._controller.client.join_group,
            group_id,
            done=lambda group: self._in_group(group.id, "group joined", group.name),
        )

    def _in_group(self, group_id: int, key: str, name: str) -> None:
        self._controller.open_key(RoomKey(True, group_id))
        self._notice(key, name=one_line(name), id=group_id)

    def members(self, group_id: int | None = None) -> None:
        """Who is in a group, as a page."""
        room = self._group_room(group_id)

        def done(members: tuple[Member, ...]) -> None:
            creator = self._texts("role creator")
            lines = [
                _person(m.id, m.name, m.state, creator if m.role == CREATOR else "")
                for m in members
            ]
            self._view("members title", lines, name=self._title(room))

        self._ask_server(self._controller.client.members, room.key.id, done=done)

    def kick(self, user_id: int) -> None:
        """Put somebody out of the group."""
        room = self._group_room(None)
        name = one_line(self._chats.name_of(user_id)) or str(user_id)
        self._ask_server(
            self._controller.client.remove_member,
            room.key.id,
            user_id,
            done=lambda nothing: self._notice("member removed", name=name, group=self._title(room)),
        )

    def leave(self, group_id: int | None = None) -> None:
        """Leave a group, if the user is sure."""
        room = self._group_room(group_id)
        self._sure("leave sure", "group left", room, self._controller.client.leave_group)

    def dissolve(self, group_id: int | None = None) -> None:
        """End a group, if the user is sure."""
        room = self._group_room(group_id)
        self._sure("dissolve sure", "group dissolved", room, self._controller.client.dissolve_group)

    def _sure(self, question: str, done: str, room: Room, call: Callable[[int], None]) -> None:
        title = self._title(room)

        def gone(nothing: None) -> None:
            room.hidden = True
            self._notice(done, name=title)

        def yes() -> None:
            self._ask_server(call, room.key.id, done=gone)

        self._state.ask(self._texts(question, name=title), yes)


def _person(user_id: int, name: str, state: str, role: str) -> Line:
    online = state == ONLINE
    mark = ("class:online", " ● ") if online else ("class:offline", " ○ ")
    number = ("class:help.key", f"{user_id:>10}  ")
    return [mark, number, ("", one_line(name)), ("class:note", f"  {role}")]
