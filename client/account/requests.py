"""Requests: what a logged-in client asks the server, and what its roster learns from the answers.

A part of ChatClient, which says what they raise; the other part is in client.chat_client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chat.protocol import ErrNo
from client import values
from client.account.client_state import SharedState
from client.account.roster import Roster
from client.errors import RefusedError
from client.ids import check_id
from client.limits import check_text
from client.protocol.session import Session
from client.timing import Timing
from client.values import Friend, Group, History, Member

T = TypeVar("T")


class Requests:
    """Friends, groups and history."""

    def __init__(self, shared: SharedState, timing: Timing) -> None:
        self._shared = shared
        self._timing = timing

    def history(
        self,
        *,
        user_id: int | None = None,
        group_id: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> History:
        """A page of a conversation's past, oldest message first. Any thread; blocks.

        The newest one, or the one before the message whose ``seq`` is ``before``.
        """
        if (user_id is None) == (group_id is None):
            raise ValueError("either a user or a group")
        in_group = group_id is not None
        target = check_id(group_id if group_id is not None else user_id or 0)
        return self._ask(
            lambda session: session.history(target, in_group=in_group, before=before, limit=limit)
        )

    # ------------------------------------------------------------------ friends and groups

    def add_friend(self, friend_id: int) -> Friend:
        """Put somebody on the contact list; one who is there already is returned, too.

        Any thread; blocks.
        """
        check_id(friend_id)
        since = self._note(lambda roster: roster.heard)
        try:
            friend = self._ask(lambda session: session.add_friend(friend_id))
        except RefusedError as exc:
            if exc.errno != ErrNo.EXISTS or "friend" not in exc.answer:
                raise
            friend = values.read_friend(values.read_object(exc.answer, "friend"))
        self._note(lambda roster: roster.add_friend(friend, since))
        return friend

    def remove_friend(self, friend_id: int) -> None:
        """Take somebody off the contact list. Any thread; blocks."""
        check_id(friend_id)
        self._ask(lambda session: session.remove_friend(friend_id))
        self._note(lambda roster: roster.remove_friend(friend_id))

    def create_group(self, name: str, desc: str = "") -> Group:
        """Create a group with oneself in it. Any thread; blocks."""
        check_text(name)
        check_text(desc)
        group_id = self._ask(lambda session: session.create_group(name, desc))
        group = self._note(lambda roster: roster.created_group(group_id, name, desc))
        return group or Group(group_id, name, desc, ())

    def join_group(self, group_id: int) -> Group:
        """Join a group; one that one is in already is returned, too. Any thread; blocks."""
        check_id(group_id)
        try:
            group = self._ask(lambda session: session.join_group(group_id))
        except RefusedError as exc:
            if exc.errno != ErrNo.EXISTS or "group" not in exc.answer:
                raise
            group = values.read_group(values.read_object(exc.answer, "group"))
        self._note(lambda roster: roster.add_group(group))
        return group

    def leave_group(self, group_id: int) -> None:
        """Leave a group. Any thread; blocks."""
        check_id(group_id)
        self._ask(lambda session: session.leave_group(group_id))
        self._note(lambda roster: roster.remove_group(group_id))

    def members(self, group_id: int) -> tuple[Member, ...]:
        """Who is in a group, and online. Any thread; blocks."""
        check_id(group_id)
        members = self._ask(lambda session: session.members(group_id))
        self._note(lambda roster: roster.set_members(group_id, members))
        return members

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Put somebody out of a group of one's own. Any thread; blocks."""
        check_id(group_id)
        check_id(user_id)
        self._ask(lambda session: session.remove_member(group_id, user_id))
        self._note(lambda roster: roster.remove_member(group_id, user_id))

    def dissolve_group(self, group_id: int) -> None:
        """End a group of one's own. Any thread; blocks."""
        check_id(group_id)
        self._ask(lambda session: session.dissolve_group(group_id))
        self._note(lambda roster: roster.remove_group(group_id))

    # ------------------------------------------------------------------ how

    def _ask(self, question: Callable[[Session], T], *, logged_in: bool = True) -> T:
        session = self._shared.wait_for_session(self._timing.answer, logged_in=logged_in)
        return question(session)

    def _note(self, change: Callable[[Roster], T]) -> T | None:
        """Look into the roster, or change it after a request that has succeeded."""
        with self._shared.changed:
            desk = self._shared.desk
            return None if desk is None or desk.roster is None else change(desk.roster)
