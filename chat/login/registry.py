"""SessionRegistry: who is logged in at this node, and where to find them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

from chat.connection.session import Session

Here = list[tuple[int, Session]]
"""Users with their sessions. A session may be somebody else's by the time its loop looks."""


class Replaced(NamedTuple):
    """A session that another one has taken the place of, and the groups it was registered for."""

    session: Session
    groups: frozenset[int]


class SessionRegistry:
    """Sessions by user and by group. Any thread.

    A login announces itself with ``begin`` before it takes the user's row and ends with
    ``add`` or ``abandon``: in between the row is owned, though there is no session yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._by_user: dict[int, Session] = {}
        self._generations: dict[int, int] = {}
        self._by_group: dict[int, dict[int, Session]] = {}
        self._beginning: set[int] = set()

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_user)

    def begin(self, user_id: int) -> bool:
        """A verified login is about to take this user; False if another one is."""
        with self._lock:
            if user_id in self._beginning:
                return False
            self._beginning.add(user_id)
            return True

    def abandon(self, user_id: int) -> None:
        """The login that had begun came to nothing."""
        with self._lock:
            self._beginning.discard(user_id)

    def add(
        self, session: Session, user_id: int, groups: frozenset[int], generation: int
    ) -> Replaced | None:
        """The login succeeded: wakes reach the session from now on.

        Returns the session that it replaces, if there was one, no longer registered.
        """
        with self._lock:
            self._beginning.discard(user_id)
            old = self._by_user.get(user_id)
            replaced = None
            if old is not None:
                replaced = Replaced(old, old.groups)
                self._remove(old, user_id)
            self._insert(session, user_id, groups, generation)
            return replaced

    def restore(
        self, session: Session, user_id: int, groups: frozenset[int], generation: int
    ) -> bool:
        """Undo ``remove``, unless somebody else has the user by now."""
        with self._lock:
            if user_id in self._by_user or user_id in self._beginning:
                return False
            self._insert(session, user_id, groups, generation)
            return True

    def remove(
        self, session: Session, user_id: int, generation: int | None = None
    ) -> frozenset[int] | None:
        """The session, or its login of that generation, is over.

        Returns the groups that it was registered for; None if it had been replaced or removed
        before.
        """
        with self._lock:
            if self._by_user.get(user_id) is not session:
                return None
            if generation not in (None, self._generations[user_id]):
                return None
            groups = session.groups
            self._remove(session, user_id)
            return groups

    def join(self, session: Session, user_id: int, group_id: int) -> bool:
        """The session's user is in one more group; False if it was, or the session is over."""
        with self._lock:
            if self._by_user.get(user_id) is not session or group_id in session.groups:
                return False
            session.groups |= {group_id}
            self._by_group.setdefault(group_id, {})[user_id] = session
            return True

    def leave(self, session: Session, user_id: int, group_id: int) -> bool:
        """The session's user is out of a group; False if it was not in, or the session is over."""
        with self._lock:
            if self._by_user.get(user_id) is not session or group_id not in session.groups:
                return False
            session.groups -= {group_id}
            members = self._by_group[group_id]
            del members[user_id]
            if not members:
                del self._by_group[group_id]
            return True

    def find(self, user_id: int) -> Session | None:
        # Without the lock: looking one key up is atomic in every CPython, with or without GIL.
        return self._by_user.get(user_id)

    def find_many(self, user_ids: Iterable[int]) -> Here:
        """Those of the users that are here."""
        with self._lock:
            here = [(user_id, self._by_user.get(user_id)) for user_id in user_ids]
        return [(user_id, session) for user_id, session in here if session is not None]

    def in_group(self, group_id: int) -> Here:
        with self._lock:
            return list(self._by_group.get(group_id, {}).items())

    def owned(self) -> set[int]:
        """The users that a session or a login in progress holds."""
        with self._lock:
            return self._beginning | self._by_user.keys()

    def generations(self) -> dict[int, tuple[int, Session]]:
        """The users with a session, each with the login generation and the session."""
        with self._lock:
            return {
                user_id: (self._generations[user_id], session)
                for user_id, session in self._by_user.items()
            }

    def all(self) -> list[Session]:
        with self._lock:
            return list(self._by_user.values())

    def _insert(
        self, session: Session, user_id: int, groups: frozenset[int], generation: int
    ) -> None:
        self._by_user[user_id] = session
        self._generations[user_id] = generation
        session.groups = groups
        for group_id in groups:
            self._by_group.setdefault(group_id, {})[user_id] = session

    def _remove(self, session: Session, user_id: int) -> None:
        del self._by_user[user_id]
        del self._generations[user_id]
        for group_id in session.groups:
            members = self._by_group[group_id]
            members.pop(user_id, None)
            if not members:
                del self._by_group[group_id]
        session.groups = frozenset()
