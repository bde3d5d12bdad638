"""Requests: a table with one row for each request of the protocol. Pure.

A new request needs its row here, and one method in ``client.chat_client.ChatClient``. All code
between the two is the same for each request: the ``rid`` identifies the answer, and the row parses
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chat.protocol import ACK_OF, Message, MsgType
from client.protocol.parsing import read_account
from client.protocol.parsing_conversations import read_conversation_page, read_mark, read_receipts
from client.protocol.parsing_groups import (
    read_bans,
    read_changed_group,
    read_joined_group,
    read_member_page,
    read_new_group,
)
from client.protocol.parsing_messages import read_history, read_search_page
from client.protocol.parsing_users import (
    read_added_friend,
    read_blocked,
    read_devices,
    read_friend_requests,
    read_new_name,
    read_new_user,
    read_users,
)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request(Generic[Result]):
    """A row of the table.

    Attributes:
        msgid: the number of the request.
        read: parses a successful answer; returns the result.
        before_login: whether the request needs no login. Such a request carries the version of
            the protocol; all others carry the id of the user.
    """

    msgid: MsgType
    read: Callable[[Message], Result]
    before_login: bool = False

    @property
    def answer(self) -> MsgType:
        """The number of the answer."""
        return ACK_OF[self.msgid]


def _no_result(answer: Message) -> None:
    pass


LOGIN = Request(MsgType.LOGIN_MSG, read_account, before_login=True)
REGISTER = Request(MsgType.REG_MSG, read_new_user, before_login=True)
LOGOUT = Request(MsgType.LOGINOUT_MSG, _no_result)
HISTORY = Request(MsgType.HISTORY_MSG, read_history)
SEARCH = Request(MsgType.SEARCH_MSG, read_search_page)
ADD_FRIEND = Request(MsgType.ADD_FRIEND_MSG, read_added_friend)
REMOVE_FRIEND = Request(MsgType.REMOVE_FRIEND_MSG, _no_result)
CREATE_GROUP = Request(MsgType.CREATE_GROUP_MSG, read_new_group)
JOIN_GROUP = Request(MsgType.ADD_GROUP_MSG, read_joined_group)
LEAVE_GROUP = Request(MsgType.LEAVE_GROUP_MSG, _no_result)
MEMBERS = Request(MsgType.MEMBERS_MSG, read_member_page)
REMOVE_MEMBER = Request(MsgType.REMOVE_MEMBER_MSG, _no_result)
CHANGE_PASSWORD = Request(MsgType.CHANGE_PASSWORD_MSG, _no_result)
RENAME = Request(MsgType.RENAME_MSG, read_new_name)
BLOCK = Request(MsgType.BLOCK_MSG, _no_result)
UNBLOCK = Request(MsgType.UNBLOCK_MSG, _no_result)
BLOCKED = Request(MsgType.BLOCKS_MSG, read_blocked)
FRIEND_REQUESTS = Request(MsgType.FRIEND_REQUESTS_MSG, read_friend_requests)
ANSWER_FRIEND = Request(MsgType.ANSWER_FRIEND_MSG, read_added_friend)
DELETE_ACCOUNT = Request(MsgType.DELETE_ACCOUNT_MSG, _no_result)
DISSOLVE_GROUP = Request(MsgType.DISSOLVE_GROUP_MSG, _no_result)
CHANGE_GROUP = Request(MsgType.CHANGE_GROUP_MSG, read_changed_group)
SET_ROLE = Request(MsgType.SET_ROLE_MSG, _no_result)
BAN_MEMBER = Request(MsgType.BAN_MEMBER_MSG, _no_result)
UNBAN_MEMBER = Request(MsgType.UNBAN_MEMBER_MSG, _no_result)
INVITE = Request(MsgType.INVITE_MSG, _no_result)
BANS = Request(MsgType.BANS_MSG, read_bans)
FIND_USER = Request(MsgType.FIND_USER_MSG, read_users)
USER_NAMES = Request(MsgType.USER_MSG, read_users)
CONVERSATIONS = Request(MsgType.CONVERSATIONS_MSG, read_conversation_page)
READ = Request(MsgType.READ_MSG, read_mark)
MUTE = Request(MsgType.MUTE_MSG, _no_result)
SETTINGS = Request(MsgType.SETTINGS_MSG, read_receipts)
DEVICES = Request(MsgType.DEVICES_MSG, read_devices)
END_DEVICE = Request(MsgType.END_DEVICE_MSG, _no_result)
