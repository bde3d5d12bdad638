"""GroupNotices: tells the clients of a group's members about a change of the group.

The node of the change tells its own logins at once, and publishes the notice once for all other
nodes. Notices are hints. They are not stored, and one may get lost. A named device gets the event
of the change instead (group_events.py).

A user that is removed leaves the registry first, and is told then. So a client that has the notice
gets no later message of the group. Example: A removes B, whose login is at node 2. Node 2 hears of
it, takes B's login out of the group, and queues the notice behind the messages that it has queued
for B already.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from chat.bus import Received
from chat.delivery.codec import MessageBus
from chat.group_notice import BANNED, DISSOLVED, INVITED, LOGGED, REMOVED, GroupNotice
from chat.login.login import Login, Told, send_notices
from chat.login.registry import LoginRegistry
from chat.mailbox_number import is_named
from chat.notice import ENTERED, Notice
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_CHAT, encode
from chat.storage import Database, StorageError
from chat.storage.tables import GroupModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)


class GroupNotices:
    """See the module's text. Any thread, unless a method says otherwise."""

    def __init__(
        self, database: Database, bus: MessageBus, logins: LoginRegistry, workers: ThreadPool
    ) -> None:
        self._database = database
        self._bus = bus
        self._logins = logins
        self._workers = workers

    def tell(self, group_id: int, event: str, user_id: int, by: int, **fields: str | int) -> None:
        """A change is committed: tell the members, or the invited user. See GroupNotice."""
        notice = GroupNotice(self._bus.name, group_id, event, user_id, by, fields)
        self._show([notice])
        if not self._bus.alone:
            self._bus.tell([notice])

    def heard(self, received: Sequence[Received[GroupNotice]]) -> None:
        """Notices on the topics of this node. The bus's thread."""
        self._show([item.payload for item in received if item.payload.node != self._bus.name])

    def begin_to_listen(self, user_id: int, group_id: int) -> None:
        """The user is a member, and this node has one more subscription to the group's topic.

        The subscription goes to a login of the user here that has none for this group. Without
        such a login it ends. A worker subscribes for further devices.
        """
        logins = self._logins.of_user(user_id)
        took = False
        for login in logins:
            if not took:
                took = self._logins.join(login, group_id)
            elif group_id not in login.groups:
                self._workers.try_run(partial(self._return, user_id, group_id))
                break
        if not took:
            self._bus.unsubscribe([(GROUP_CHAT, group_id)])
        for login in logins:
            # A message that was committed between the membership and ``join`` has woken no pump.
            login.loop.run_in_loop(login.pump.mark_dirty)

    def tell_devices(self, user_id: int, group_id: int) -> None:
        """The user has joined the group: the nodes of the user's other devices listen, too."""
        if not self._bus.alone:
            self._bus.tell([Notice(user_id, ENTERED, (group_id,))])

    def entered(self, user_id: int, group_ids: Sequence[int]) -> None:
        """A notice of ``tell_devices``. The bus's thread."""
        for group_id in group_ids:
            if any(group_id not in login.groups for login in self._logins.of_user(user_id)):
                self._workers.try_run(partial(self._return, user_id, group_id))

    def left(self, group_id: int, user_ids: Sequence[int]) -> None:
        """These users have left the group, on some device: all their devices here leave it."""
        for login in self._logins.of_users(user_ids):
            if group_id in login.groups:
                self._leave(login, group_id)
                self._workers.try_run(partial(self._return, login.user_id, group_id))

    def _show(self, notices: Sequence[GroupNotice]) -> None:
        by_loop: defaultdict[EventLoop, list[Told]] = defaultdict(list)
        for notice in notices:
            frame = encode(notice.message)
            for login in self._receivers(notice):
                if notice.event in LOGGED and is_named(login.mailbox):
                    continue
                by_loop[login.loop].append((login, frame))
        queue_in_loops(send_notices, by_loop)

    def _receivers(self, notice: GroupNotice) -> list[Login]:
        """The logins here that are told. Those that are no members any more leave the group."""
        if notice.event == INVITED:
            return self._logins.of_users([notice.user_id])
        members = self._logins.in_group(notice.group_id)
        for login in members:
            if notice.event == DISSOLVED:
                self._leave(login, notice.group_id)
            elif login.user_id == notice.user_id and notice.event in (REMOVED, BANNED):
                self._leave(login, notice.group_id)
                self._workers.try_run(partial(self._return, login.user_id, notice.group_id))
        return [login for login in members if login.user_id != notice.by]

    def _leave(self, login: Login, group_id: int) -> None:
        if self._logins.leave(login, group_id):
            self._bus.unsubscribe([(GROUP_CHAT, group_id)])

    def _return(self, user_id: int, group_id: int) -> None:
        """Register a removed user that is a member again. Worker thread.

        Example: A removes B at node 1, and B joins again at node 2. Then node 2 hears of the
        removal. If the workers are busy, the poll finds B's messages until the next login.
        """
        topic = (GROUP_CHAT, group_id)
        self._bus.subscribe([topic])  # before the reading, so that no wake is missed
        try:
            member = self._database.read(lambda tx: GroupModel(tx).membership(group_id, user_id))
        except StorageError as exc:
            log.warning("a removed member of group %d was not looked up: %s", group_id, exc)
            member = None
        if member is None:
            self._bus.unsubscribe([topic])
        else:
            self.begin_to_listen(user_id, group_id)
