"""ModerationCommands: the commands about invitations, roles and bans of groups."""

from __future__ import annotations

from functools import partial

from client.ui.commands.command_group import RequestCommands
from client.ui.model.command_line import InputError, split_name
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line
from client.values import Ban, Group


class ModerationCommands(RequestCommands):
    """Groups and their moderation. All but ``invitations``: of the open group."""

    def invite(self, user_id: int) -> None:
        """Invite a user."""
        group, name = self._group(), self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("invited", name=name, group=one_line(group.name))

        self._request(self._context.client.invite, group.id, user_id, done=done)

    def invitations(self) -> None:
        """Show the invitations that wait for the user as a page."""
        account = self._context.directory.account
        waiting = () if account is None else account.invitations
        if not waiting:
            self._context.notice("no invitations")
            return
        lines = [
            _row(item.group_id, one_line(item.group_name), one_line(item.by_name))
            for item in waiting
        ]
        self._show_page("invitations title", lines)

    def ban(self, user_id: int, reason: str = "") -> None:
        """Ban a user."""
        group, name = self._group(), self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("banned", name=name, group=one_line(group.name))

        self._request(self._context.client.ban_member, group.id, user_id, reason, done=done)

    def unban(self, user_id: int) -> None:
        """Lift a ban."""
        group, name = self._group(), self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("unbanned", name=name, group=one_line(group.name))

        self._request(self._context.client.unban_member, group.id, user_id, done=done)

    def bans(self) -> None:
        """Show the banned and removed users as a page."""
        group = self._group()
        texts = self._context.state.texts

        def done(found: tuple[Ban, ...]) -> None:
            if not found:
                self._context.notice("no bans", name=one_line(group.name))
                return
            for ban in found:
                self._context.directory.add_name(ban.user_id, ban.name, newest=True)
            kinds = {"banned": texts("kind banned"), "removed": texts("kind removed")}
            lines = [
                _row(
                    ban.user_id,
                    one_line(ban.name),
                    f"{kinds.get(ban.kind, '')}  {one_line(ban.reason)}",
                )
                for ban in found
            ]
            self._show_page("bans title", lines, name=one_line(group.name))

        self._request(self._context.client.bans, group.id, done=done)

    def role(self, user_id: int, role: str) -> None:
        """Change the role of a member; handing the group over needs a question."""
        group = self._group()
        texts = self._context.state.texts
        name = self._user_name(user_id)

        def done(nothing: None) -> None:
            self._context.notice("role set", name=name, role=texts(f"role {role}"))

        def change() -> None:
            self._request(self._context.client.set_role, group.id, user_id, role, done=done)

        if role == "creator":
            question = texts("hand over sure", name=name, group=one_line(group.name))
            self._context.state.ask(question, change)
        else:
            change()

    def rename(self, text: str) -> None:
        """Change the name; a description may follow after a colon."""
        group = self._group()
        name, colon, desc = text.partition(":")
        name, desc = split_name(text) if colon else (name.strip(), "")
        self._change(group, name=name or None, desc=desc if colon else None)

    def access(self, mode: str | None = None) -> None:
        """Change the join mode, or show it. The mode "password" asks for the password twice."""
        group, texts = self._group(), self._context.state.texts
        if mode is None:
            name, join = one_line(group.name), texts(f"join {group.join}")
            self._context.notice("group access", name=name, join=join)
        elif mode != "password":
            self._change(group, join=mode)
        else:
            self._need_connection()
            self._ask_password("new group password", partial(self._ask_again, group))

    def _ask_again(self, group: Group, password: str) -> None:
        def change(again: str) -> None:
            if again != password:
                raise InputError("passwords differ")
            self._change(group, join="password", password=password)

        self._ask_password("new group password again", change)

    def _change(self, group: Group, **changes: str | None) -> None:
        def call() -> None:
            self._context.client.change_group(group.id, **changes)

        def done(nothing: None) -> None:
            changed = self._context.directory.group(group.id) or group
            join = self._context.state.texts(f"join {changed.join}")
            self._context.notice("group changed", name=one_line(changed.name), join=join)

        self._request(call, done=done)

    def _group(self) -> Group:
        """The open group."""
        room = self._context.rooms.current
        in_group = room is not None and room.key.in_group
        group = self._context.directory.group(room.key.id) if room and in_group else None
        if group is None:
            raise InputError("not a group")
        return group


def _row(number: int, name: str, more: str) -> Line:
    return [("class:help.key", f"{number:>10}  "), ("", name), ("class:note", f"  {more}")]
