"""Names: the names of users that the client has learned. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from client.values import Account

MOST_NAMES = 10_000
"""The number of names that are remembered. The oldest goes first."""


class Names:
    """Names by number, from messages, notices and answers. Not thread-safe."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def __repr__(self) -> str:
        return f"<Names of {len(self._names)} users>"

    def note(self, user_id: int, name: str) -> None:
        """Remember the newest name of a user. An empty one says nothing."""
        if not name:
            return
        self._names.pop(user_id, None)
        self._names[user_id] = name
        if len(self._names) > MOST_NAMES:
            del self._names[next(iter(self._names))]

    def note_all(self, names: Mapping[int, str]) -> None:
        """``note`` for several users."""
        for user_id, name in names.items():
            self.note(user_id, name)

    def get(self, user_id: int, account: Account | None) -> str:
        """The name of a user; empty if it is not known. ``account``: has names, too."""
        name = self._names.get(user_id)
        if name is not None or account is None:
            return name or ""
        if user_id == account.id:
            return account.name
        for friend in account.friends:
            if friend.id == user_id:
                return friend.name
        for group in account.groups:
            for member in group.members:
                if member.id == user_id:
                    return member.name
        return next((one.name for one in account.friend_requests if one.user_id == user_id), "")
