"""PresenceNotices: tells online users that friends of theirs came or went.

Two steps, both gathered for a moment so that a crowd that reconnects costs a few queries: first
who must be told (whoever lists the user as a friend and is online), by the node where something
changed; then, by the node that has the receiver, what is true now. That is read from the table
just before it is sent, so whatever got lost or overtaken on the way, the last notice is right.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from chat.bus import Bus
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.notice import PRESENCE, Notice
from chat.protocol import Message, MsgType
from chat.storage import Database, StorageError
from chat.storage.tables import FriendModel, UserModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.3
"""How long changes are gathered before anybody hears of them."""


class PresenceNotices:
    """Any thread, unless said otherwise."""

    def __init__(
        self,
        loop: EventLoop,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        workers: ThreadPool,
    ) -> None:
        """``loop``: for the timer."""
        self._loop = loop
        self._database = database
        self._bus = bus
        self._logins = logins
        self._workers = workers
        self._lock = threading.Lock()  # guards what follows
        self._changed: set[int] = set()
        self._news: defaultdict[int, set[int]] = defaultdict(set)  # for whom, about whom
        self._due = False

    def changed(self, user_ids: Iterable[int]) -> None:
        """These users came or went; the table says so already."""
        with self._lock:
            self._changed.update(user_ids)
        self._gather()

    def heard(self, user_id: int, about: Iterable[int]) -> None:
        """Another node says: tell this user about these."""
        with self._lock:
            self._news[user_id].update(about)
        self._gather()

    def _gather(self) -> None:
        with self._lock:
            if self._due:
                return
            self._due = True
        self._loop.run_after(GATHER_SECONDS, self._start)

    def _start(self) -> None:
        with self._lock:
            self._due = False
        # When the workers are busy, presence is what can wait.
        if not self._workers.try_run(self.tell_now):
            self._gather()

    def tell_now(self) -> None:
        """Tell what has been gathered. Worker thread, or the main thread at the end: blocks."""
        with self._lock:
            changed, self._changed = self._changed, set()
            news, self._news = self._news, defaultdict(set)
        try:
            self._find_out_whom(changed, news)
            subjects = {subject for about in news.values() for subject in about}
            states = self._database.read(lambda tx: UserModel(tx).states(subjects))
        except StorageError as exc:
            log.warning("friends were not told who is online: %s", exc)
            return
        for login in self._logins.find_many(list(news)):
            told: list[Message] = [
                {"msgid": int(MsgType.PRESENCE_MSG), "id": subject, "state": states[subject]}
                for subject in sorted(news[login.user_id])
                if subject in states
            ]
            login.loop.queue_in_loop(partial(_send, login, told))

    def _find_out_whom(self, changed: set[int], news: defaultdict[int, set[int]]) -> None:
        """Who lists them: those here go to ``news``, the others' nodes are told."""
        if not changed:
            return
        listing = self._database.read(lambda tx: FriendModel(tx).online_who_list(changed))
        elsewhere: defaultdict[int, list[int]] = defaultdict(list)
        for user_id, friend_id in listing:
            if self._logins.find(user_id) is not None:
                news[user_id].add(friend_id)
            else:
                elsewhere[user_id].append(friend_id)
        if elsewhere:
            self._bus.tell(
                [Notice(user_id, PRESENCE, tuple(ids)) for user_id, ids in elsewhere.items()]
            )


def _send(login: Login, told: Sequence[Message]) -> None:
    """Login's loop. To v2 clients that read their output; others ask again some day."""
    connection = login.connection
    if login.alive and connection.v2 and not connection.output_full:
        for message in told:
            connection.send_message(message)
