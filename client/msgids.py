"""Message numbers that chat.protocol does not name yet. They move there with the server's part."""

from __future__ import annotations

HISTORY_MSG = 29
HISTORY_ACK = 30
REMOVE_FRIEND_MSG = 40
REMOVE_FRIEND_ACK = 41
LEAVE_GROUP_MSG = 42
LEAVE_GROUP_ACK = 43
REMOVE_MEMBER_MSG = 44
REMOVE_MEMBER_ACK = 45
DISSOLVE_GROUP_MSG = 46
DISSOLVE_GROUP_ACK = 47
MEMBERS_MSG = 48
MEMBERS_ACK = 49
