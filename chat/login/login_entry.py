"""LoginEntry: takes a login into the registry: the part ``enter`` of LoginFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chat.bus import Bus
from chat.login.login import Login
from chat.login.presence import Presence
from chat.login.registry import LoginRegistry
from chat.login.snapshot import AnswerRoom, Snapshot, SnapshotReader
from chat.message import Topic, user_topics
from chat.notice import TAKEN, Notice
from chat.protocol import GROUP_CHAT
from chat.storage import Database
from chat.storage.tables import GroupModel


class LoginEntry:
    """A login that has taken its row, on its way into the registry. One worker."""

    def __init__(
        self,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        presence: Presence,
        login: Login,
        key: str | None,
        snapshots: SnapshotReader,
    ) -> None:
        """``key``: of the reservation in the registry."""
        self._snapshots = snapshots
        self._database = database
        self._bus = bus
        self._logins = logins
        self._presence = presence
        self._login = login
        self._key = key
        self._topics: list[Topic] = []  # subscribed to, before the registry has the login
        self._added = False

    def enter(self, former_node: str | None, room: AnswerRoom, now: int) -> Snapshot:
        """Subscribe, register, and read the data for the answer. Raises StorageError."""
        user_id = self._login.user_id
        groups = self._database.read(lambda tx: GroupModel(tx).ids_of_user(user_id))
        self._topics = user_topics(user_id, groups)
        self._bus.subscribe(self._topics)
        replaced = self._logins.add(self._login, groups, self._key)
        self._added = True
        if replaced is not None:
            self._bus.unsubscribe(user_topics(user_id, replaced.groups))
            replaced.login.send_away()
        elif former_node is not None and former_node != self._presence.node:
            self._bus.tell([Notice(user_id, TAKEN, (user_id,))])
        mailbox = self._login.mailbox
        snapshot = self._database.read(
            lambda tx: self._snapshots.read(tx, user_id, mailbox, room, now)
        )
        self._leave_late(snapshot, groups)
        # After ``add``, so that no block is missed. Example: B blocks A while A logs in. Either the
        # snapshot has the block, or the handler of B's request finds A's login.
        self._logins.add_blocks(self._login, snapshot.blocks, snapshot.blocked_by)
        return self._join_late(snapshot, groups)

    def _leave_late(self, snapshot: Snapshot, groups: frozenset[int]) -> None:
        """Leave the groups that have removed the user while this login entered.

        Example: we read the groups of A, among them group 7; A is removed from 7 before this login
        is registered, so the notice of the removal has not found it.
        """
        for group_id in groups - snapshot.group_ids:
            if self._logins.leave(self._login, group_id):
                self._bus.unsubscribe([(GROUP_CHAT, group_id)])

    def _join_late(self, snapshot: Snapshot, groups: frozenset[int]) -> Snapshot:
        """Register for the groups that an earlier login joined while this one entered.

        Only a server of version 0.2.0 lets a replaced login join a group. Example: we read the
        groups of A; A's old login joins group 7 at such a server; we read the snapshot, which has
        group 7. A message to 7 that was stored before our subscription has woken no pump, so the
        pump must read the mailbox.
        """
        late = snapshot.group_ids - groups
        for group_id in late:
            topic = (GROUP_CHAT, group_id)
            self._bus.subscribe([topic])
            if not self._logins.join(self._login, group_id):
                self._bus.unsubscribe([topic])
        return replace(snapshot, all_mail=False) if late else snapshot

    def undo(self) -> None:
        """Take back the parts that were done."""
        login = self._login
        if not self._added:
            self._logins.cancel(login.user_id, self._key)
            self._bus.unsubscribe(self._topics)
        else:
            groups = self._logins.remove(login)
            if groups is not None:  # else a later login has replaced this one, and unsubscribed
                self._bus.unsubscribe(user_topics(login.user_id, groups))
        self._presence.release(login.mailbox, login.generation)
