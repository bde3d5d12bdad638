"""GOOD: one correct request of each kind, for the tests of all requests."""

from __future__ import annotations

from chat.protocol import Message, MsgType
from tests.chat.nodekit import PASSWORD

UNKNOWN = 99
"""An id without a user or group, so that the requests change nothing."""

GOOD: dict[int, Message] = {
    MsgType.LOGIN_MSG: {
        "id": UNKNOWN,
        "name": "unknown",
        "v": 2,
        "password": PASSWORD,
        "token": "t",
        "device": "d",
        "replace": False,
        "devices": False,
        "label": "my laptop",
        "end_device": 1,
    },
    MsgType.LOGINOUT_MSG: {"id": UNKNOWN},
    MsgType.REG_MSG: {"v": 2, "name": "taken", "password": PASSWORD, "code": "c"},
    MsgType.ONE_CHAT_MSG: {"toid": UNKNOWN, "msg": "x", "time": "now", "mid": "m"},
    MsgType.ADD_FRIEND_MSG: {"friendid": UNKNOWN, "friendname": "unknown"},
    MsgType.CREATE_GROUP_MSG: {
        "groupname": "taken",
        "groupdesc": "",
        "join": "password",
        "password": PASSWORD,
    },
    MsgType.ADD_GROUP_MSG: {"groupid": UNKNOWN, "password": PASSWORD},
    MsgType.GROUP_CHAT_MSG: {"groupid": UNKNOWN, "msg": "x", "time": "now", "mid": "m"},
    MsgType.DELIVERED_MSG: {"seqs": [1]},
    MsgType.PING_MSG: {},
    MsgType.HISTORY_MSG: {"with": UNKNOWN, "groupid": UNKNOWN, "before": 5, "limit": 5},
    MsgType.SEARCH_MSG: {
        "query": "hi",
        "with": UNKNOWN,
        "groupid": UNKNOWN,
        "before": 5,
        "limit": 5,
    },
    MsgType.REMOVE_FRIEND_MSG: {"friendid": UNKNOWN},
    MsgType.LEAVE_GROUP_MSG: {"groupid": UNKNOWN},
    MsgType.REMOVE_MEMBER_MSG: {"groupid": UNKNOWN, "userid": UNKNOWN},
    MsgType.DISSOLVE_GROUP_MSG: {"groupid": UNKNOWN},
    MsgType.MEMBERS_MSG: {"groupid": UNKNOWN, "after": 1, "limit": 10},
    MsgType.CHANGE_GROUP_MSG: {
        "groupid": UNKNOWN,
        "groupname": "other",
        "groupdesc": "",
        "join": "password",
        "password": PASSWORD,
    },
    MsgType.SET_ROLE_MSG: {"groupid": UNKNOWN, "userid": UNKNOWN, "role": "admin"},
    MsgType.BAN_MEMBER_MSG: {"groupid": UNKNOWN, "userid": UNKNOWN, "reason": "spam"},
    MsgType.UNBAN_MEMBER_MSG: {"groupid": UNKNOWN, "userid": UNKNOWN},
    MsgType.INVITE_MSG: {"groupid": UNKNOWN, "userid": UNKNOWN},
    MsgType.BANS_MSG: {"groupid": UNKNOWN, "after": 5},
    MsgType.CHANGE_PASSWORD_MSG: {"old": "wrong", "new": "another-1"},
    MsgType.RENAME_MSG: {"name": "taken"},
    MsgType.BLOCK_MSG: {"userid": UNKNOWN},
    MsgType.UNBLOCK_MSG: {"userid": UNKNOWN - 1},
    MsgType.BLOCKS_MSG: {},
    MsgType.FRIEND_REQUESTS_MSG: {},
    MsgType.ANSWER_FRIEND_MSG: {"userid": UNKNOWN, "accept": True},
    MsgType.FIND_USER_MSG: {"name": "unknown", "prefix": False},
    MsgType.USER_MSG: {"ids": [UNKNOWN]},
    MsgType.DEVICES_MSG: {},
    MsgType.END_DEVICE_MSG: {"deviceid": UNKNOWN},
    MsgType.DELETE_ACCOUNT_MSG: {"password": "wrong"},
    MsgType.CONVERSATIONS_MSG: {"before": 5, "limit": 5},
    MsgType.READ_MSG: {"with": UNKNOWN, "groupid": UNKNOWN, "seq": 5},
    MsgType.TYPING_MSG: {"with": UNKNOWN, "groupid": UNKNOWN},
    MsgType.MUTE_MSG: {"with": UNKNOWN, "groupid": UNKNOWN, "muted": True},
    MsgType.SETTINGS_MSG: {"receipts": True},
}
"""A correct request of each kind, with all fields but ``id`` of the sender and ``rid``."""
