"""FriendRequestCommands: the commands about users that ask to be a friend."""

from __future__ import annotations

from collections.abc import Callable

from client.ui.commands.command_group import RequestCommands
from client.ui.text import times
from client.ui.text.cells import one_line
from client.ui.text.styled_line import Line
from client.values import Friend, FriendRequest


class FriendRequestCommands(RequestCommands):
    """Lists the requests of other users, and answers them. The terminal's thread."""

    def show(self) -> None:
        """Show the requests that wait as a page."""

        def done(requests: tuple[FriendRequest, ...]) -> None:
            if not requests:
                self._context.notice("no requests")
            else:
                self._show_page("requests title", [_row(request) for request in requests])

        self._request(self._context.client.friend_requests, done=done)

    def accept(self, user_id: int) -> None:
        """Accept a request: each of the two users is a friend of the other."""

        def done(friend: Friend | None) -> None:
            name = self._user_name(user_id) if friend is None else one_line(friend.name)
            self._context.notice("friend added", name=name, id=user_id)

        self._answer(user_id, True, done)

    def decline(self, user_id: int) -> None:
        """Decline a request."""
        name = self._user_name(user_id)

        def done(nothing: Friend | None) -> None:
            self._context.notice("request declined", name=name)

        self._answer(user_id, False, done)

    def _answer(self, user_id: int, accept: bool, done: Callable[[Friend | None], None]) -> None:
        name = self._user_name(user_id)

        def call() -> Friend | None:
            return self._context.client.answer_friend(user_id, accept=accept)

        def not_found() -> None:
            self._context.notice("unknown asker", failed=True, name=name)

        self._request(call, done=done, not_found=not_found)


def _row(request: FriendRequest) -> Line:
    moment = times.parse(request.time_text)
    when = "" if moment is None else times.to_text(moment)
    number = ("class:help.key", f"{request.user_id:>10}  ")
    return [number, ("", one_line(request.name)), ("class:note", f"  {when}")]
