"""The fields of each request, as types. A handler gets one of these, after ``validate``.

``validate`` checks a request against its row in fields.py. A test compares that row with the type
in the signature of the request's handler. A request may hold further fields, of unknown names and
types.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class _Request(TypedDict):
    msgid: int
    rid: NotRequired[str]


class _UserRequest(_Request):
    """``id``: the sender, who is the user of the login."""

    id: int


class LoginRequest(_Request):
    """LOGIN_MSG, with a password or a token. With a ``name``, ``Entrances`` adds its ``id``."""

    id: NotRequired[int]
    name: NotRequired[str]
    v: NotRequired[int]
    password: NotRequired[str]
    token: NotRequired[str]
    device: NotRequired[str]
    replace: NotRequired[bool]
    devices: NotRequired[bool]
    label: NotRequired[str]
    end_device: NotRequired[int]


class LogoutRequest(_UserRequest):
    """LOGINOUT_MSG."""


class RegisterRequest(_Request):
    """REG_MSG."""

    v: NotRequired[int]
    name: str
    password: str
    code: NotRequired[str]


class ChatRequest(_UserRequest):
    """The common fields of chat messages."""

    msg: str
    time: NotRequired[str]
    mid: NotRequired[str]


class OneChatRequest(ChatRequest):
    """ONE_CHAT_MSG."""

    toid: int


class GroupChatRequest(ChatRequest):
    """GROUP_CHAT_MSG."""

    groupid: int


class AddFriendRequest(_UserRequest):
    """ADD_FRIEND_MSG."""

    friendid: NotRequired[int]
    friendname: NotRequired[str]


class FindUserRequest(_UserRequest):
    """FIND_USER_MSG: the user of this name, or the users whose names begin with it."""

    name: str
    prefix: NotRequired[bool]


class UserNamesRequest(_UserRequest):
    """USER_MSG: the names of these users."""

    ids: list[int]


class FriendRequest(_UserRequest):
    """REMOVE_FRIEND_MSG."""

    friendid: int


class CreateGroupRequest(_UserRequest):
    """CREATE_GROUP_MSG."""

    groupname: str
    groupdesc: str
    join: NotRequired[str]
    password: NotRequired[str]


class GroupRequest(_UserRequest):
    """LEAVE_GROUP_MSG, DISSOLVE_GROUP_MSG."""

    groupid: int


class MembersRequest(GroupRequest):
    """MEMBERS_MSG: the members with ids above ``after``."""

    after: NotRequired[int]
    limit: NotRequired[int]


class JoinGroupRequest(GroupRequest):
    """ADD_GROUP_MSG."""

    password: NotRequired[str]


class ChangeGroupRequest(GroupRequest):
    """CHANGE_GROUP_MSG."""

    groupname: NotRequired[str]
    groupdesc: NotRequired[str]
    join: NotRequired[str]
    password: NotRequired[str]


class MemberRequest(GroupRequest):
    """REMOVE_MEMBER_MSG, UNBAN_MEMBER_MSG, INVITE_MSG: about the user ``userid``."""

    userid: int


class SetRoleRequest(MemberRequest):
    """SET_ROLE_MSG."""

    role: str


class BanMemberRequest(MemberRequest):
    """BAN_MEMBER_MSG."""

    reason: NotRequired[str]


class BansRequest(GroupRequest):
    """BANS_MSG: the bans of users with ids above ``after``."""

    after: NotRequired[int]


class ChangePasswordRequest(_UserRequest):
    """CHANGE_PASSWORD_MSG."""

    old: str
    new: str


class RenameRequest(_UserRequest):
    """RENAME_MSG."""

    name: str


class UserRequest(_UserRequest):
    """BLOCK_MSG, UNBLOCK_MSG."""

    userid: int


class BlocksRequest(_UserRequest):
    """BLOCKS_MSG."""


class FriendRequestsRequest(_UserRequest):
    """FRIEND_REQUESTS_MSG."""


class AnswerFriendRequest(UserRequest):
    """ANSWER_FRIEND_MSG: accept or decline the request of ``userid``."""

    accept: bool


class DevicesRequest(_UserRequest):
    """DEVICES_MSG."""


class EndDeviceRequest(_UserRequest):
    """END_DEVICE_MSG: the device with the number ``deviceid``; 0: the unnamed one."""

    deviceid: int


class DeleteAccountRequest(_UserRequest):
    """DELETE_ACCOUNT_MSG."""

    password: str


HistoryRequest = TypedDict(
    "HistoryRequest",
    {
        "msgid": int,
        "rid": NotRequired[str],
        "id": int,
        "with": NotRequired[int],  # a keyword, so no class can declare it
        "groupid": NotRequired[int],
        "before": NotRequired[int],
        "limit": NotRequired[int],
    },
)
"""HISTORY_MSG: of a conversation with a user (``with``) or in a group."""


SearchRequest = TypedDict(
    "SearchRequest",
    {
        "msgid": int,
        "rid": NotRequired[str],
        "id": int,
        "query": str,
        "with": NotRequired[int],
        "groupid": NotRequired[int],
        "before": NotRequired[int],
        "limit": NotRequired[int],
    },
)
"""SEARCH_MSG: in the conversation with a user (``with``), in a group, or in all conversations."""

ReadRequest = TypedDict(
    "ReadRequest",
    {
        "msgid": int,
        "rid": NotRequired[str],
        "id": int,
        "with": NotRequired[int],
        "groupid": NotRequired[int],
        "seq": int,
    },
)
"""READ_MSG: of a conversation with a user (``with``) or in a group, as the next two."""

TypingRequest = TypedDict(
    "TypingRequest",
    {
        "msgid": int,
        "rid": NotRequired[str],
        "id": int,
        "with": NotRequired[int],
        "groupid": NotRequired[int],
    },
)
"""TYPING_MSG."""

MuteRequest = TypedDict(
    "MuteRequest",
    {
        "msgid": int,
        "rid": NotRequired[str],
        "id": int,
        "with": NotRequired[int],
        "groupid": NotRequired[int],
        "muted": bool,
    },
)
"""MUTE_MSG."""


class ConversationsRequest(_UserRequest):
    """CONVERSATIONS_MSG: those whose newest message has a number below ``before``."""

    before: NotRequired[int]
    limit: NotRequired[int]


class SettingsRequest(_UserRequest):
    """SETTINGS_MSG: switches of the own account."""

    receipts: NotRequired[bool]


class DeliveredRequest(_Request):
    """DELIVERED_MSG: the receiver has the messages with these numbers."""

    seqs: list[int]


class PingRequest(_Request):
    """PING_MSG."""
