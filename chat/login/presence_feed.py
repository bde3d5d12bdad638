"""PresenceFeed: tells online users that their friends have come or gone.

There are two steps. Each gathers changes for GATHER_SECONDS, so a crowd that reconnects costs a few
queries only:

    who    the node of the change finds the online users with that friend in their list, and
           notifies their nodes
    state  the receiver's node reads the friend's state, and sends it at once

The state is read last, so the last message is right. Example: A comes and goes within a second, and
the two notices about A arrive in the wrong order. Both make B's node read the table, where A is
offline.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from chat.bus import Bus
from chat.login.registry import LoginRegistry
from chat.login.visibility import Visibility
from chat.notice import PRESENCE, Notice
from chat.protocol import MsgType, encode
from chat.storage import Database, StorageError
from chat.storage.tables import UserModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.3
"""How long changes are gathered before they are sent."""


class PresenceFeed:
    """Gathers changes and sends them. Any thread, unless a method says otherwise."""

    def __init__(
        self,
        loop: EventLoop,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        workers: ThreadPool,
        visibility: Visibility | None = None,
    ) -> None:
        """``loop``: for the timer. ``visibility``: by default all users see all others."""
        self._visibility = visibility or Visibility()
        self._loop = loop
        self._database = database
        self._bus = bus
        self._logins = logins
        self._workers = workers
        self._lock = threading.Lock()  # guards the attributes below
        self._changed: set[int] = set()
        self._news: defaultdict[int, set[int]] = defaultdict(set)  # receiver: friends
        self._due = False

    def changed(self, user_ids: Iterable[int]) -> None:
        """These users have come or gone; the table says so already."""
        with self._lock:
            self._changed.update(user_ids)
            if not self._changed:
                return
        self._gather()

    def heard(self, user_id: int, friend_ids: Iterable[int]) -> None:
        """Another node asks to tell this user about these friends."""
        with self._lock:
            self._news[user_id].update(friend_ids)
        self._gather()

    def tell(self, user_id: int, watchers: Iterable[int]) -> None:
        """This user has come or gone; tell only these users, wherever they are."""
        told = []
        for watcher in watchers:
            if not self._hears_itself and self._logins.of_user(watcher):
                self.heard(watcher, [user_id])
            else:
                told.append(Notice(watcher, PRESENCE, (user_id,)))
        if told:
            self._bus.tell(told)

    @property
    def _hears_itself(self) -> bool:
        """Notices on the bus come to all nodes with devices of their users, this one included."""
        return not self._bus.alone and self._bus.healthy

    def _gather(self) -> None:
        with self._lock:
            if self._due:
                return
            self._due = True
        self._loop.run_after(GATHER_SECONDS, self._start)

    def _start(self) -> None:
        with self._lock:
            self._due = False
        # While the workers are busy, presence can wait.
        if not self._workers.try_run(self.tell_now):
            self._gather()

    def tell_now(self) -> None:
        """Send the gathered changes. Worker thread, or the main thread at the end: blocks."""
        with self._lock:
            changed, self._changed = self._changed, set()
            news, self._news = self._news, defaultdict(set)
        try:
            self._find_receivers(changed, news)
            friends = {friend for friend_ids in news.values() for friend in friend_ids}
            states = self._database.read(lambda tx: UserModel(tx).states(friends))
        except StorageError as exc:
            log.warning("friends were not told who is online: %s", exc)
            return
        for login in self._logins.of_users(list(news)):
            frames = [
                encode({"msgid": int(MsgType.PRESENCE_MSG), "id": friend, "state": states[friend]})
                for friend in sorted(news[login.user_id])
                if friend in states
            ]
            if frames:
                login.loop.queue_in_loop(partial(login.send_notices, *frames))

    def _find_receivers(self, changed: set[int], news: defaultdict[int, set[int]]) -> None:
        """Notify the nodes of the receivers. Without a bus, add those that are here to ``news``."""
        if not changed:
            return
        listing = self._database.read(lambda tx: self._visibility.watchers(tx, changed))
        told: defaultdict[int, list[int]] = defaultdict(list)
        for user_id, friend_id in listing:
            if not self._hears_itself and self._logins.of_user(user_id):
                news[user_id].add(friend_id)
            else:
                told[user_id].append(friend_id)
        if told:
            self._bus.tell([Notice(user_id, PRESENCE, tuple(ids)) for user_id, ids in told.items()])
