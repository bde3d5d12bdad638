"""Visibility: which users may see the presence of a user. Other users see it as offline.

    all        each user, as in the original system
    friends    the users in the user's own list
    none       no other user

A blocked user never sees the presence of the user that blocks it.

It also decides whose names a user may learn for their numbers. Numbers are consecutive, so this is
the list of all users. A user may always name those that it knows: friends, members of its groups,
and users that it has a conversation with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from chat.storage import Transaction
from chat.storage.tables import (
    OFFLINE,
    ONLINE,
    BlockedModel,
    Contact,
    DirectoryModel,
    FriendModel,
    Group,
    GroupUser,
    UserName,
)

ALL, FRIENDS, NONE = "all", "friends", "none"
"""The values of the setting ``chat.presence``."""


class Visibility:
    """Hides states in answers. Worker thread, inside a transaction.

    Attributes:
        rule: ALL, FRIENDS or NONE.
    """

    def __init__(self, rule: str = ALL) -> None:
        self.rule = rule

    def contacts(self, tx: Transaction, viewer: int, contacts: Sequence[Contact]) -> list[Contact]:
        """The friends with the states that the user ``viewer`` may see."""
        hidden = self._hidden(tx, viewer, _online(contacts))
        return [
            replace(contact, state=OFFLINE) if contact.id in hidden else contact
            for contact in contacts
        ]

    def members(self, tx: Transaction, viewer: int, users: Sequence[GroupUser]) -> list[GroupUser]:
        """The members of a group, likewise."""
        hidden = self._hidden(tx, viewer, _online(users))
        return [_hide(user, hidden) for user in users]

    def groups(self, tx: Transaction, viewer: int, groups: Sequence[Group]) -> list[Group]:
        """Groups with members, likewise."""
        hidden = self._hidden(tx, viewer, _online([u for group in groups for u in group.users]))
        if not hidden:
            return list(groups)
        return [
            replace(group, users=tuple(_hide(user, hidden) for user in group.users))
            for group in groups
        ]

    def names(
        self, tx: Transaction, viewer: int, user_ids: Collection[int], *, all_names: bool
    ) -> list[UserName]:
        """The names of these users, as far as ``viewer`` may learn them; by id.

        ``all_names``: the server tells the names of all users.
        """
        model = DirectoryModel(tx)
        if not all_names:
            user_ids = model.acquaintances(viewer, user_ids) | ({viewer} & set(user_ids))
        return model.names(user_ids)

    def watchers(self, tx: Transaction, user_ids: Collection[int]) -> list[tuple[int, int]]:
        """The online users that are told about these users: pairs (watcher, user)."""
        if self.rule == NONE:
            return []
        rows = FriendModel(tx).online_who_list(user_ids, mutual=self.rule == FRIENDS)
        return [(watcher, user_id) for watcher, user_id in rows]

    def shows(self, tx: Transaction, user_id: int, viewer: int) -> bool:
        """May this one user see the presence of another? ``viewer`` 0: may each user?"""
        if self.rule == ALL and not viewer:
            return True
        return bool(viewer) and not self._hidden(tx, viewer, {user_id})

    def _hidden(self, tx: Transaction, viewer: int, online: set[int]) -> Collection[int]:
        """Those of these users that the viewer may not see online."""
        online.discard(viewer)
        if not online or self.rule == NONE:
            return online
        hidden = {blocker for blocker, _ in BlockedModel(tx).between(online, [viewer])}
        if self.rule == FRIENDS:
            hidden |= online - FriendModel(tx).with_friend(viewer, online)
        return hidden


def _online(users: Iterable[Contact | GroupUser]) -> set[int]:
    return {user.id for user in users if user.state == ONLINE}


def _hide(user: GroupUser, hidden: Collection[int]) -> GroupUser:
    return replace(user, state=OFFLINE) if user.id in hidden else user
