"""The public values: users, groups and messages as the server reports them. Immutable."""

from client.values.account import Account
from client.values.conversations import (
    Conversation,
    ConversationPage,
    MuteNotice,
    ReadNotice,
    TypingNotice,
)
from client.values.devices import Device, DeviceNotice
from client.values.groups import (
    Ban,
    Group,
    GroupNotice,
    Invitation,
    Member,
)
from client.values.messages import (
    Announcement,
    ChatMessage,
    History,
    Hit,
    SearchPage,
)
from client.values.users import (
    Friend,
    FriendNotice,
    FriendRequest,
    Presence,
    User,
)

__all__ = [
    "Account",
    "Announcement",
    "Ban",
    "ChatMessage",
    "Conversation",
    "ConversationPage",
    "Device",
    "DeviceNotice",
    "Friend",
    "FriendNotice",
    "FriendRequest",
    "Group",
    "GroupNotice",
    "History",
    "Hit",
    "Invitation",
    "Member",
    "MuteNotice",
    "Presence",
    "ReadNotice",
    "SearchPage",
    "TypingNotice",
    "User",
]
