"""Snapshot: the data for the answer to a login, and the bounds of that answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chat.login.conversation_list import (
    LISTED_MUTED,
    NO_CONVERSATIONS,
    ConversationPage,
    read_conversations,
)
from chat.login.registry import MAX_BLOCKERS
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import load
from chat.mailbox_number import is_named
from chat.message import ChatMessage
from chat.protocol import MAX_SEQ
from chat.storage import Transaction
from chat.storage.tables import (
    BlockedModel,
    Contact,
    ConversationModel,
    FriendModel,
    FriendRequestModel,
    FriendRequestRow,
    Group,
    GroupInvitation,
    GroupInviteModel,
    GroupModel,
    MessageModel,
    SettingModel,
    UserModel,
)

LISTED_INVITATIONS = 100
"""Invitations to groups in the answer to a login: the newest."""

LISTED_REQUESTS = 100
"""Requests to be a friend in one answer: the newest."""

MOST_FRIENDS = 5000
MOST_GROUPS = 2000
MOST_MEMBERS = 10_000
"""Rows that a login reads at the most, whatever the lists hold. The answer has room for fewer."""


class AnswerRoom(NamedTuple):
    """How much the answer to a login may hold.

    Attributes:
        messages, text_bytes: waiting messages, and bytes of their text.
        members: members of each group.
        mail_bytes: bytes of the messages, in the form of v2.
        list_bytes: bytes of friends, groups and members together, in the form of v2.
        conversations: the conversations with the newest messages; 0: the client wants no list.
    """

    messages: int
    text_bytes: int
    members: int
    mail_bytes: int
    list_bytes: int
    conversations: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The data for a login's answer, all of one moment.

    Attributes:
        friends, groups: the user's lists. They end after MOST_FRIENDS and MOST_GROUPS.
        friends_more, groups_more: a list has further entries.
        group_ids: all groups of the user.
        invitations: the newest invitations to groups.
        mail: the oldest messages of the mailbox.
        all_mail: the mailbox has no others.
        newest: the highest number in the log.
        blocks, blocked_by: the users that the user blocks, and those that block it; of the latter
            at most one more than MAX_BLOCKERS.
        friend_requests: the newest requests to be a friend; none if friends need no approval.
        service, epoch: see ``chat/epoch.py``; empty if the database has none.
        conversations: as many as the AnswerRoom wants.
        muted: all muted conversations, by number, if it wants any conversations.
        receipts: the user shows its read marks to others.
    """

    friends: list[Contact]
    groups: list[Group]
    friends_more: bool
    groups_more: bool
    group_ids: frozenset[int]
    invitations: list[GroupInvitation]
    mail: list[ChatMessage]
    all_mail: bool
    newest: int
    blocks: Sequence[int] = ()
    blocked_by: Sequence[int] = ()
    friend_requests: Sequence[FriendRequestRow] = ()
    service: str = ""
    epoch: str = ""
    conversations: ConversationPage = NO_CONVERSATIONS
    muted: Sequence[int] = ()
    receipts: bool = True


@dataclass(frozen=True, slots=True)
class SnapshotReader:
    """Reads snapshots. Any thread.

    Attributes:
        visibility: the users that a user may see.
        lists_requests: a snapshot has the requests to be a friend.
    """

    visibility: Visibility
    lists_requests: bool

    def read(
        self, tx: Transaction, user_id: int, mailbox: int, room: AnswerRoom, now: int
    ) -> Snapshot:
        """``mailbox``: of the device. ``now``: seconds since 1970. Raises StorageError."""
        requests: list[FriendRequestRow] = []
        if self.lists_requests:
            requests = FriendRequestModel(tx).received(user_id, now, LISTED_REQUESTS)
        page, muted, receipts = NO_CONVERSATIONS, list[int](), True
        if room.conversations:
            page = read_conversations(
                tx, user_id, MAX_SEQ + 1, room.conversations, events=is_named(mailbox)
            )
            muted = ConversationModel(tx).muted(user_id, LISTED_MUTED)
            receipts = UserModel(tx).has_receipts([user_id])
        mail, all_mail = load(tx, mailbox, (), room.messages, room.text_bytes)
        friends = FriendModel(tx).of_user(user_id, MOST_FRIENDS + 1)
        group_ids = GroupModel(tx).ids_of_user(user_id)
        groups = GroupModel(tx).of_user(user_id, MOST_GROUPS, room.members, MOST_MEMBERS)
        return Snapshot(
            self.visibility.contacts(tx, user_id, friends[:MOST_FRIENDS]),
            self.visibility.groups(tx, user_id, groups),
            len(friends) > MOST_FRIENDS,
            len(groups) < len(group_ids),
            group_ids,
            GroupInviteModel(tx).of_user(user_id, now, LISTED_INVITATIONS),
            mail,
            all_mail,
            MessageModel(tx).newest(),
            BlockedModel(tx).of_user(user_id),
            BlockedModel(tx).blockers(user_id, MAX_BLOCKERS + 1),
            requests,
            *SettingModel(tx).identity(),
            page,
            muted,
            receipts,
        )
