"""Who is owed a message: the mailboxes of its receivers, and of the sender's other devices.

A transaction decides it, and not a cache. KnownMailboxes saves a query for each batch; it is valid
only while the counter ``setting.devices`` is the same as when the users were looked up. Each
transaction of messages holds the counter shared until its commit, and a new device increases it.

Example: node 1 stores a message to B, and has B's mailboxes from an earlier batch. B logs in with a
new device at node 2, which must increase the counter. Either it waits for the commit of node 1, and
the message is older than the device, which finds it in the history. Or node 1 waits, sees another
counter, and looks B's mailboxes up.
"""

from __future__ import annotations

from collections.abc import Collection

from chat.delivery.members import Members
from chat.delivery.submission import Submission
from chat.mailbox_number import is_named
from chat.protocol import ONE_CHAT
from chat.storage import Transaction
from chat.storage.tables import DeviceModel, Gaps, MailboxGapModel, UserModel

MAX_KNOWN = 100_000
"""Users whose mailboxes are known; beyond it all are dropped."""

Mailboxes = frozenset[int]


class KnownMailboxes(dict[int, Mailboxes]):
    """The mailboxes of users that certainly exist. Writer thread.

    Attributes:
        version: of the devices and deleted accounts, when the users were looked up.
        behind: mailboxes that get no messages between users, because they are too full (gap.py).
        one_device: in ``direct``, each user has the unnamed device only.
    """

    def __init__(self, *, one_device: bool = False) -> None:
        super().__init__()
        self.version: tuple[str | None, str | None] | None = None
        self.behind: set[int] = set()
        self.one_device = one_device

    def check(self, version: tuple[str | None, str | None]) -> None:
        """Drop all users if ``version``, which the transaction has read, is another one."""
        if len(self) > MAX_KNOWN or version != self.version:
            self.clear()
            self.behind.clear()
            self.version = version

    def look_up(self, tx: Transaction, user_ids: Collection[int]) -> None:
        """Add these users, unless they are known or do not exist. Raises StorageError."""
        unknown = [user_id for user_id in user_ids if user_id not in self]
        if not unknown:
            return
        if self.one_device:
            users = UserModel(tx).not_deleted(unknown)
            found = {user_id: frozenset((user_id,)) for user_id in users}
        else:
            found = DeviceModel(tx).mailboxes(unknown)
        self.update(found)
        self.behind |= MailboxGapModel(tx).behind(frozenset().union(*found.values()))


class Owed:
    """Computes the receivers of messages, within one transaction. Writer thread."""

    def __init__(self, known: KnownMailboxes, members: Members, gaps: Gaps) -> None:
        """All senders and receivers are in ``known``. ``gaps``: of the groups in ``members``."""
        self._known = known
        self._members = members
        self._gaps = gaps
        self._groups: dict[int, Mailboxes] = {}

    def of(self, submission: Submission) -> Mailboxes:
        """The mailboxes that get a row for this message."""
        message = submission.message
        own = self._known[message.sender]
        if message.kind == ONE_CHAT:
            receivers = self._known[message.target]
            if len(own) > 1 and message.target != message.sender:
                receivers |= _others(own, submission)
            return receivers - self._known.behind if self._known.behind else receivers
        receivers = self._of_group(message.target) - own
        if len(own) > 1:
            receivers |= _others(own, submission) & self._of_group(message.target)
        return receivers if submission.only is None else receivers & submission.only

    def of_row(self, submission: Submission, seq: int) -> Mailboxes:
        """The same for a row of the log that is there already: the row ``seq`` (``direct``).

        A gap that has begun behind the row does not concern it.
        """
        message = submission.message
        gaps = self._gaps.get(message.target, {})
        behind = [mailbox for mailbox, after in gaps.items() if after < seq]
        if message.kind == ONE_CHAT:
            receivers = self._known[message.target]
        else:
            receivers = self._members.get(message.target, frozenset()) - {message.sender}
            receivers = receivers.difference(behind)
        return receivers if submission.only is None else receivers & submission.only

    def _of_group(self, group_id: int) -> Mailboxes:
        """The mailboxes of the members, except those with a gap."""
        found = self._groups.get(group_id)
        if found is None:
            known = self._known
            users = self._members.get(group_id, frozenset())
            found = frozenset().union(*[known[user_id] for user_id in users if user_id in known])
            if group_id in self._gaps:
                found = found.difference(self._gaps[group_id])
            self._groups[group_id] = found
        return found


def _others(own: Mailboxes, submission: Submission) -> Mailboxes:
    """The sender's other devices, which get a copy. The unnamed one gets none.

    An old client would take a copy for a message of another user.
    """
    sending = submission.mailbox
    return frozenset([box for box in own if box != sending and is_named(box)])
