"""MemberLists: a cache of the members of groups, for ``direct``.

The age of a list counts from the begin of its reading. A list that was read before a change of its
group is not used. Example: a worker reads the members of a group; meanwhile B joins, and the notice
about B arrives. Then the worker has its list, without B. It must not be kept.
"""

from __future__ import annotations

import logging
import threading
import time

from chat.storage import Database, StorageError
from chat.storage.tables import GroupModel
from muduopy import ThreadPool

log = logging.getLogger(__name__)

Members = dict[int, frozenset[int]]
"""The members of each group."""

MEMBERS_SECONDS = 5.0
"""A list is used for so long, and not longer, because a notice of a change may get lost."""

REFRESH_SECONDS = 2.0
"""A list in use is read again this long before its end, so that a busy group always has one.
Without a list, a message is stored for all members, and they get no live message until they have
acknowledged that one."""

MAX_LISTS = 10_000
"""Lists that are kept, and times of changes. Beyond it, all of them are dropped."""


class MemberLists:
    """See the module's text. Any thread."""

    def __init__(self, database: Database, workers: ThreadPool) -> None:
        self._database = database
        self._workers = workers
        self._lock = threading.Lock()  # guards the attributes below
        self._lists: dict[int, tuple[float, frozenset[int]]] = {}  # read at, members
        self._changed: dict[int, float] = {}  # the time of the last change
        self._all_changed = 0.0
        self._reading: set[int] = set()

    def of(self, group_id: int) -> frozenset[int] | None:
        """The members; None: not known now.

        If the list is soon too old, a worker begins to read it again.
        """
        now = time.monotonic()
        with self._lock:
            read_at, members = self._lists.get(group_id, (0.0, None))
            left = read_at + MEMBERS_SECONDS - now
            if left <= 0:
                return None
            refresh = left < REFRESH_SECONDS and group_id not in self._reading
            if refresh:
                self._reading.add(group_id)
        if refresh and not self._workers.try_run(lambda: self._read(group_id)):
            self._done(group_id)
        return members

    def learn(self, members: Members, read_at: float) -> None:
        """These lists were read at ``read_at`` or later, monotonic seconds."""
        with self._lock:
            if len(self._lists) > MAX_LISTS:
                self._lists.clear()
            for group_id, users in members.items():
                if read_at > max(self._changed.get(group_id, 0.0), self._all_changed):
                    self._lists[group_id] = (read_at, users)

    def forget(self, group_id: int) -> None:
        """The group has changed."""
        now = time.monotonic()
        with self._lock:
            self._lists.pop(group_id, None)
            if len(self._changed) > MAX_LISTS:
                # The times are lost, so each group counts as changed now.
                self._changed.clear()
                self._all_changed = now
            self._changed[group_id] = now

    def forget_all(self) -> None:
        """Any group may have changed."""
        with self._lock:
            self._lists.clear()
            self._changed.clear()
            self._all_changed = time.monotonic()

    def _read(self, group_id: int) -> None:
        """Worker thread."""
        begun = time.monotonic()
        try:
            found = self._database.read(lambda tx: GroupModel(tx).member_ids([group_id]))
        except StorageError as exc:
            log.warning("members of group %d were not read: %s", group_id, exc)
        else:
            self.learn(found, begun)
            if not found:
                self.forget(group_id)
        finally:
            self._done(group_id)

    def _done(self, group_id: int) -> None:
        with self._lock:
            self._reading.discard(group_id)
