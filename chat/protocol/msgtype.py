"""The message numbers (``msgid``) of the wire protocol."""

from __future__ import annotations

from enum import IntEnum


class MsgType(IntEnum):
    """Every ``msgid``. Values 1 to 10 are the original system's."""

    LOGIN_MSG = 1
    LOGIN_MSG_ACK = 2
    LOGINOUT_MSG = 3
    REG_MSG = 4
    REG_MSG_ACK = 5
    ONE_CHAT_MSG = 6
    ADD_FRIEND_MSG = 7
    CREATE_GROUP_MSG = 8
    ADD_GROUP_MSG = 9
    GROUP_CHAT_MSG = 10
    CHAT_ACK = 20
    DELIVERED_MSG = 21
    ADD_FRIEND_ACK = 22
    CREATE_GROUP_ACK = 23
    ADD_GROUP_ACK = 24
    LOGINOUT_ACK = 25
    PING_MSG = 26
    PONG_MSG = 27
    PRESENCE_MSG = 28
    HISTORY_MSG = 29
    HISTORY_ACK = 30
    ERROR_MSG = 31
    BYE_MSG = 32
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
    CHANGE_PASSWORD_MSG = 50
    CHANGE_PASSWORD_ACK = 51
    RENAME_MSG = 52
    RENAME_ACK = 53
    DELETE_ACCOUNT_MSG = 54
    DELETE_ACCOUNT_ACK = 55
    BLOCK_MSG = 56
    BLOCK_ACK = 57
    UNBLOCK_MSG = 58
    UNBLOCK_ACK = 59
    BLOCKS_MSG = 60
    BLOCKS_ACK = 61
    FRIEND_REQUESTS_MSG = 62
    FRIEND_REQUESTS_ACK = 63
    ANSWER_FRIEND_MSG = 64
    ANSWER_FRIEND_ACK = 65
    FRIEND_NOTICE_MSG = 67
    CHANGE_GROUP_MSG = 70
    CHANGE_GROUP_ACK = 71
    SET_ROLE_MSG = 72
    SET_ROLE_ACK = 73
    BAN_MEMBER_MSG = 74
    BAN_MEMBER_ACK = 75
    UNBAN_MEMBER_MSG = 76
    UNBAN_MEMBER_ACK = 77
    INVITE_MSG = 78
    INVITE_ACK = 79
    BANS_MSG = 80
    BANS_ACK = 81
    GROUP_NOTICE_MSG = 83
    ANNOUNCE_MSG = 89
    FIND_USER_MSG = 96
    FIND_USER_ACK = 97
    USER_MSG = 98
    USER_ACK = 99
    SEARCH_MSG = 114
    SEARCH_ACK = 115


# The answer to each request in the v2 dialect. DELIVERED_MSG is absent: the server answers it only
# if it fails, with ERROR_MSG.
ACK_OF: dict[int, MsgType] = {
    MsgType.LOGIN_MSG: MsgType.LOGIN_MSG_ACK,
    MsgType.LOGINOUT_MSG: MsgType.LOGINOUT_ACK,
    MsgType.REG_MSG: MsgType.REG_MSG_ACK,
    MsgType.ONE_CHAT_MSG: MsgType.CHAT_ACK,
    MsgType.ADD_FRIEND_MSG: MsgType.ADD_FRIEND_ACK,
    MsgType.CREATE_GROUP_MSG: MsgType.CREATE_GROUP_ACK,
    MsgType.ADD_GROUP_MSG: MsgType.ADD_GROUP_ACK,
    MsgType.GROUP_CHAT_MSG: MsgType.CHAT_ACK,
    MsgType.PING_MSG: MsgType.PONG_MSG,
    MsgType.HISTORY_MSG: MsgType.HISTORY_ACK,
    MsgType.REMOVE_FRIEND_MSG: MsgType.REMOVE_FRIEND_ACK,
    MsgType.LEAVE_GROUP_MSG: MsgType.LEAVE_GROUP_ACK,
    MsgType.REMOVE_MEMBER_MSG: MsgType.REMOVE_MEMBER_ACK,
    MsgType.DISSOLVE_GROUP_MSG: MsgType.DISSOLVE_GROUP_ACK,
    MsgType.MEMBERS_MSG: MsgType.MEMBERS_ACK,
    MsgType.CHANGE_PASSWORD_MSG: MsgType.CHANGE_PASSWORD_ACK,
    MsgType.RENAME_MSG: MsgType.RENAME_ACK,
    MsgType.DELETE_ACCOUNT_MSG: MsgType.DELETE_ACCOUNT_ACK,
    MsgType.BLOCK_MSG: MsgType.BLOCK_ACK,
    MsgType.UNBLOCK_MSG: MsgType.UNBLOCK_ACK,
    MsgType.BLOCKS_MSG: MsgType.BLOCKS_ACK,
    MsgType.FRIEND_REQUESTS_MSG: MsgType.FRIEND_REQUESTS_ACK,
    MsgType.ANSWER_FRIEND_MSG: MsgType.ANSWER_FRIEND_ACK,
    MsgType.CHANGE_GROUP_MSG: MsgType.CHANGE_GROUP_ACK,
    MsgType.SET_ROLE_MSG: MsgType.SET_ROLE_ACK,
    MsgType.BAN_MEMBER_MSG: MsgType.BAN_MEMBER_ACK,
    MsgType.UNBAN_MEMBER_MSG: MsgType.UNBAN_MEMBER_ACK,
    MsgType.INVITE_MSG: MsgType.INVITE_ACK,
    MsgType.BANS_MSG: MsgType.BANS_ACK,
    MsgType.FIND_USER_MSG: MsgType.FIND_USER_ACK,
    MsgType.USER_MSG: MsgType.USER_ACK,
    MsgType.SEARCH_MSG: MsgType.SEARCH_ACK,
}

# Plain ints for the hot paths: the look-up of an enum's member costs more than the comparison.
ONE_CHAT = int(MsgType.ONE_CHAT_MSG)
GROUP_CHAT = int(MsgType.GROUP_CHAT_MSG)
