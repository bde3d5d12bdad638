"""The schema: the fields of each request, in functions by subject."""

from __future__ import annotations

from chat.protocol.fields import (
    MAX_ID,
    MAX_SEQ,
    Check,
    Field,
    Limits,
    Schema,
    at_most_bytes,
    message_numbers,
    one_of,
    user_numbers,
)
from chat.protocol.msgtype import MsgType
from chat.protocol.names import LONGEST_LABEL, plain_label, plain_name

JOIN_MODES = ("open", "invite", "password")
ROLES = ("creator", "admin", "normal")
LONGEST_NAME = 50
"""Characters of a name, whatever ``limits.name`` is now: the width of the columns."""

MOST_NAMES = 200
"""Users in one USER_MSG."""
LISTED_CONVERSATIONS = 100
"""Conversations in one answer."""

LONGEST_WORD = 64
"""Characters of a word from a list, before it is compared with the list."""

ME = Field("id", int, 1, MAX_ID)
USER = Field("userid", int, 1, MAX_ID)
FRIEND = Field("friendid", int, 1, MAX_ID)
GROUP = Field("groupid", int, 1, MAX_ID)
AFTER = Field("after", int, 1, MAX_ID, required=False)
VERSION = Field("v", int, 1, MAX_ID, required=False)
JOIN = Field("join", str, 0, LONGEST_WORD, one_of(JOIN_MODES), required=False)

Rows = dict[int, tuple[Field, ...]]
"""The fields of requests by ``msgid``, without ``rid``."""


def build_schema(limits: Limits, shortest_password: int | None = None) -> Schema:
    """The fields of each request.

    ``shortest_password``: the limit for registrations, if a dialect has a lower one than
    ``limits``.
    """
    rows = {
        **_entrances(limits, shortest_password),
        **_messages(limits),
        **_conversations(),
        **_contacts(),
        **_people(),
        **_groups(limits),
        **_members(limits),
        **_own_account(limits),
    }
    rid = Field("rid", str, 0, limits.opaque, required=False)  # each request may have one
    return {msgid: tuple(map(_plain, (*fields, rid))) for msgid, fields in rows.items()}


def _entrances(limits: Limits, shortest_password: int | None) -> Rows:
    """Login, logout, registration."""
    opaque, password_min = limits.opaque, limits.password_min
    if shortest_password is not None:
        password_min = min(password_min, shortest_password)
    return {
        MsgType.LOGIN_MSG: (
            ME._replace(required=False),
            Field("name", str, 0, LONGEST_NAME, required=False),
            VERSION,
            Field("password", str, 0, limits.password_max, required=False),
            Field("token", str, 0, opaque, required=False),
            Field("device", str, 0, opaque, required=False),
            Field("replace", bool, 0, 1, required=False),
            Field("devices", bool, 0, 1, required=False),
            Field("label", str, 0, LONGEST_LABEL, plain_label, required=False),
            Field("end_device", int, 0, MAX_ID, required=False),
        ),
        MsgType.LOGINOUT_MSG: (ME,),
        MsgType.REG_MSG: (
            VERSION,
            Field("name", str, 1, limits.name, plain_name(limits.name)),
            Field("password", str, password_min, limits.password_max),
            Field("code", str, 0, opaque, required=False),
        ),
    }


def _messages(limits: Limits) -> Rows:
    """Chat messages, their receipt, history and search; pings."""
    chat = (
        ME,
        Field("msg", str, 0, limits.text_bytes, at_most_bytes(limits.text_bytes)),
        Field("time", str, 0, limits.classic_time, required=False),
        Field("mid", str, 1, limits.opaque, required=False),
    )
    return {
        MsgType.ONE_CHAT_MSG: (Field("toid", int, 1, MAX_ID), *chat),
        MsgType.GROUP_CHAT_MSG: (GROUP, *chat),
        MsgType.DELIVERED_MSG: (Field("seqs", list, 0, limits.seqs, message_numbers),),
        MsgType.HISTORY_MSG: (
            ME,
            Field("with", int, 1, MAX_ID, required=False),
            Field("groupid", int, 1, MAX_ID, required=False),
            Field("before", int, 1, MAX_SEQ, required=False),
            Field("limit", int, 1, limits.history, required=False),
        ),
        MsgType.SEARCH_MSG: (
            ME,
            Field("query", str, 1, limits.query),
            Field("with", int, 1, MAX_ID, required=False),
            Field("groupid", int, 1, MAX_ID, required=False),
            Field("before", int, 1, MAX_SEQ, required=False),
            Field("limit", int, 1, limits.history, required=False),
        ),
        MsgType.PING_MSG: (),
    }


def _conversations() -> Rows:
    """Lists of conversations, read marks, typing, muting, and the switch of receipts."""
    place = (Field("with", int, 1, MAX_ID, required=False), GROUP._replace(required=False))
    return {
        MsgType.CONVERSATIONS_MSG: (
            ME,
            Field("before", int, 1, MAX_SEQ, required=False),
            Field("limit", int, 1, LISTED_CONVERSATIONS, required=False),
        ),
        MsgType.READ_MSG: (ME, *place, Field("seq", int, 1, MAX_SEQ)),
        MsgType.TYPING_MSG: (ME, *place),
        MsgType.MUTE_MSG: (ME, *place, Field("muted", bool, 0, 1)),
        MsgType.SETTINGS_MSG: (ME, Field("receipts", bool, 0, 1, required=False)),
    }


def _contacts() -> Rows:
    """Friends, requests to be a friend, blocked users."""
    return {
        MsgType.ADD_FRIEND_MSG: (
            ME,
            FRIEND._replace(required=False),
            Field("friendname", str, 1, LONGEST_NAME, plain_name(LONGEST_NAME), required=False),
        ),
        MsgType.REMOVE_FRIEND_MSG: (ME, FRIEND),
        MsgType.FRIEND_REQUESTS_MSG: (ME,),
        MsgType.ANSWER_FRIEND_MSG: (ME, USER, Field("accept", bool, 0, 1)),
        MsgType.BLOCK_MSG: (ME, USER),
        MsgType.UNBLOCK_MSG: (ME, USER),
        MsgType.BLOCKS_MSG: (ME,),
    }


def _people() -> Rows:
    """Users by their names, and the names of users."""
    return {
        MsgType.FIND_USER_MSG: (
            ME,
            Field("name", str, 1, LONGEST_NAME, plain_name(LONGEST_NAME)),
            Field("prefix", bool, 0, 1, required=False),
        ),
        MsgType.USER_MSG: (ME, Field("ids", list, 1, MOST_NAMES, user_numbers)),
    }


def _groups(limits: Limits) -> Rows:
    """Creation, change and end of groups; joining and leaving."""
    name = Field("groupname", str, 1, limits.group_name, plain_name(limits.group_name))
    desc = Field("groupdesc", str, 0, limits.group_desc)
    new_password = Field("password", str, limits.password_min, limits.password_max, required=False)
    return {
        MsgType.CREATE_GROUP_MSG: (ME, name, desc, JOIN, new_password),
        MsgType.CHANGE_GROUP_MSG: (
            ME,
            GROUP,
            name._replace(required=False),
            desc._replace(required=False),
            JOIN,
            new_password,
        ),
        MsgType.DISSOLVE_GROUP_MSG: (ME, GROUP),
        MsgType.ADD_GROUP_MSG: (
            ME,
            GROUP,
            Field("password", str, 0, limits.password_max, required=False),
        ),
        MsgType.LEAVE_GROUP_MSG: (ME, GROUP),
    }


def _members(limits: Limits) -> Rows:
    """The members of groups: lists, invitations, roles, removals and bans."""
    return {
        MsgType.MEMBERS_MSG: (
            ME,
            GROUP,
            AFTER,
            Field("limit", int, 1, limits.members, required=False),
        ),
        MsgType.INVITE_MSG: (ME, GROUP, USER),
        MsgType.SET_ROLE_MSG: (
            ME,
            GROUP,
            USER,
            Field("role", str, 0, LONGEST_WORD, one_of(ROLES)),
        ),
        MsgType.REMOVE_MEMBER_MSG: (ME, GROUP, USER),
        MsgType.BAN_MEMBER_MSG: (
            ME,
            GROUP,
            USER,
            Field("reason", str, 0, limits.ban_reason, required=False),
        ),
        MsgType.UNBAN_MEMBER_MSG: (ME, GROUP, USER),
        MsgType.BANS_MSG: (ME, GROUP, AFTER),
    }


def _own_account(limits: Limits) -> Rows:
    """Changes of the own account."""
    return {
        MsgType.CHANGE_PASSWORD_MSG: (
            ME,
            Field("old", str, 0, limits.password_max),
            Field("new", str, limits.password_min, limits.password_max),
        ),
        MsgType.RENAME_MSG: (ME, Field("name", str, 1, limits.name, plain_name(limits.name))),
        MsgType.DEVICES_MSG: (ME,),
        MsgType.END_DEVICE_MSG: (ME, Field("deviceid", int, 0, MAX_ID)),
        MsgType.DELETE_ACCOUNT_MSG: (ME, Field("password", str, 0, limits.password_max)),
    }


def _plain(field: Field) -> tuple[str, type, int, int, Check | None, bool]:
    name, wanted, low, high, check, required = field
    return name, wanted, low, high, check, required
