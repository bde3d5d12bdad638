"""Delivery: constructs and wires the objects of this package for one delivery mode.

It has no rule of its own: the modes are in stored.py and direct.py.
"""

from __future__ import annotations

from chat.delivery.announcements import Announcements
from chat.delivery.arrivals import Arrivals, OnNotices
from chat.delivery.codec import MessageBus
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.conversation_notices import ConversationNotices
from chat.delivery.direct import DirectMode
from chat.delivery.group_events import GroupEvents
from chat.delivery.group_notices import GroupNotices
from chat.delivery.live_receiver import LiveReceiver
from chat.delivery.members import MemberLists
from chat.delivery.mode import DeliveryMode
from chat.delivery.router import Router
from chat.delivery.stored import StoredMode
from chat.group_notice import DISSOLVED
from chat.login.registry import LoginRegistry
from chat.mailbox.quota import MailboxLimit, MailboxQuota
from chat.message import MAX_EXTRA
from chat.notice import MEMBERS, Notice
from chat.protocol import Limits
from chat.storage import Database
from muduopy import EventLoop, ThreadPool

STORED = "stored"
DIRECT = "direct"
"""The values of the setting ``chat.delivery``."""

OVERDUE_SECONDS = 0.25
"""Between two searches for live messages whose answers are overdue (forwarding.py)."""


_DEFAULT_LIMITS = Limits()


def mailbox_limit(limits: Limits) -> MailboxLimit:
    """The limit of a mailbox from the settings. Pure."""
    longest = limits.text_bytes + MAX_EXTRA
    return MailboxLimit(limits.mailbox_rows, limits.mailbox_bytes, longest)


class Delivery:
    """Takes messages from logins, and brings them to their receivers.

    Attributes:
        mode: stored or direct.
        quota: the mailboxes that are too full.
        group_events: stores the changes of groups for the devices of the members.
        group_notices: tells clients without a named device about these changes.
        announcements: shows texts of operators to all users.
        conversation_notices: tells clients of read marks, typing and muting.
        send: see DeliveryMode.send. An attribute, which saves a call for each message.
        commits: the queue of messages that are stored.
    """

    def __init__(
        self,
        database: Database,
        bus: MessageBus,
        logins: LoginRegistry,
        workers: ThreadPool,
        mode: str,
        on_notices: OnNotices,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> None:
        """``on_notices`` gets notices of other nodes about users, in the bus's thread."""
        self._bus = bus
        self._logins = logins
        self.quota = MailboxQuota(database, workers, mailbox_limit(limits), self._read_mailbox)
        self.mode: DeliveryMode
        router = Router(logins, bus)
        if mode == DIRECT:
            members = MemberLists(database, workers)
            commits = CommitQueue(
                database, router.announce, members.learn, self.quota, one_device=True
            )
            self.mode = DirectMode(bus, logins, commits, members)
        else:
            commits = CommitQueue(database, router.announce, quota=self.quota)
            self.mode = StoredMode(commits)
        self.group_events = GroupEvents(router, self.quota, one_device=mode == DIRECT)
        self.send = self.mode.send
        self.commits = commits
        self.group_notices = GroupNotices(database, bus, logins, workers)
        self._receiver = LiveReceiver(bus, logins, commits, self.mode.on_answers)
        self.announcements = Announcements(bus, logins)
        self.conversation_notices = ConversationNotices(bus, logins)
        self._arrivals = Arrivals(
            router,
            self._receiver,
            self.mode,
            self.group_notices,
            self.announcements,
            self.conversation_notices,
            on_notices,
        )

    def change_limits(self, limits: Limits) -> None:
        """Use these limits of mailboxes from now on. Any thread."""
        self.quota.change_limit(mailbox_limit(limits))

    def start(self, loop: EventLoop) -> None:
        """Start the bus, and the counting of mailboxes. ``loop``: for timers. Loop thread."""
        self._bus.start(self._arrivals)
        self.quota.start(loop)
        if not self._bus.alone:
            loop.run_every(OVERDUE_SECONDS, self.mode.end_overdue)

    def _read_mailbox(self, mailbox: int) -> None:
        """It has a new gap: the pump must read the mailbox to its end. Any thread."""
        login = self._logins.find(mailbox)
        if login is not None:
            login.loop.queue_in_loop(login.pump.mark_dirty)

    def members_changed(self, group_id: int, left: int = 0) -> None:
        """A user has joined or left the group, which is committed. Any thread.

        ``left``: the user that has left it; 0: none.
        """
        self.mode.forget_members(group_id)
        self._bus.tell([Notice(group_id, MEMBERS, (left,) if left else ())])
        if left:
            self.group_notices.left(group_id, (left,))

    def group_dissolved(self, group_id: int, by: int = 0) -> None:
        """A user, or an operator (0), has dissolved the group, which is committed. Any thread."""
        self.members_changed(group_id)
        self.group_notices.tell(group_id, DISSOLVED, 0, by)
