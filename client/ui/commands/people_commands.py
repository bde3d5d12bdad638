"""PeopleCommands: finds users by name."""

from __future__ import annotations

from collections.abc import Callable

from chat.protocol import ErrNo
from client.errors import RefusedError
from client.ui.commands.command_group import RequestCommands
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line
from client.values import User


class PeopleCommands(RequestCommands):
    """Users by name. The terminal's thread."""

    def find(self, name: str) -> None:
        """Show the users of this name, or whose names begin with it."""

        def done(users: tuple[User, ...]) -> None:
            for user in users:
                self._context.directory.add_name(user.id, user.name, newest=True)
            if not users:
                self._context.notice("no user called", failed=True, name=one_line(name))
            elif len(users) == 1:
                self._context.notice(
                    "one user found", stays=True, name=one_line(users[0].name), id=users[0].id
                )
            else:
                lines: list[Line] = [
                    [("class:help.key", f"{user.id:>10}  "), ("", one_line(user.name))]
                    for user in users
                ]
                self._show_page("found title", lines, name=one_line(name))

        self._request(self._find, name, done=done)

    def _find(self, name: str) -> tuple[User, ...]:
        """A worker thread."""
        client = self._context.client
        try:
            return client.find_users(name)
        except RefusedError as exc:
            if exc.errno != ErrNo.REFUSED:
                raise
        user = client.find_user(name)  # the server has no directory
        return () if user is None else (user,)

    def look_up(
        self,
        name: str,
        found: Callable[[int], None],
        missing: Callable[[], None],
        *,
        in_line: bool,
    ) -> None:
        """Find the user with this name at the server; then call ``found`` with the number.

        ``missing`` is called, after a notice, if there is no such user, and without an answer.
        ``in_line``: more words follow the name, and they may belong to it.
        """

        def done(user: User | None) -> None:
            if user is None:
                key = "no user called in line" if in_line else "no user called"
                self._context.notice(key, failed=True, name=one_line(name))
                missing()
                return
            self._context.directory.add_name(user.id, user.name, newest=True)
            found(user.id)

        self._request(self._context.client.find_user, name, done=done, failed=missing)
