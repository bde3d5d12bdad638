"""Requests: a table with one row for each request of the protocol. Pure.

A new request needs its row here and one method in ``client.chat_client.ChatClient``. Everything
between them is general: an answer is found by its ``rid``, and its row reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chat.protocol import Message, MsgType
from client.protocol.parsing import (
    read_account,
    read_added_friend,
    read_history,
    read_joined_group,
    read_members,
    read_new_group,
    read_new_user,
)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request(Generic[Result]):
    """A row of the table.

    Attributes:
        msgid: the number of the request.
        answer: the number of the answer.
        read: makes the result from a successful answer.
        before_login: it needs no login. It then carries the version of the protocol, else the
            id of the user.
    """

    msgid: MsgType
    answer: MsgType
    read: Callable[[Message], Result]
    before_login: bool = False


def _no_result(answer: Message) -> None:
    pass


LOGIN = Request(MsgType.LOGIN_MSG, MsgType.LOGIN_MSG_ACK, read_account, before_login=True)
REGISTER = Request(MsgType.REG_MSG, MsgType.REG_MSG_ACK, read_new_user, before_login=True)
LOGOUT = Request(MsgType.LOGINOUT_MSG, MsgType.LOGINOUT_ACK, _no_result)
HISTORY = Request(MsgType.HISTORY_MSG, MsgType.HISTORY_ACK, read_history)
ADD_FRIEND = Request(MsgType.ADD_FRIEND_MSG, MsgType.ADD_FRIEND_ACK, read_added_friend)
REMOVE_FRIEND = Request(MsgType.REMOVE_FRIEND_MSG, MsgType.REMOVE_FRIEND_ACK, _no_result)
CREATE_GROUP = Request(MsgType.CREATE_GROUP_MSG, MsgType.CREATE_GROUP_ACK, read_new_group)
JOIN_GROUP = Request(MsgType.ADD_GROUP_MSG, MsgType.ADD_GROUP_ACK, read_joined_group)
LEAVE_GROUP = Request(MsgType.LEAVE_GROUP_MSG, MsgType.LEAVE_GROUP_ACK, _no_result)
MEMBERS = Request(MsgType.MEMBERS_MSG, MsgType.MEMBERS_ACK, read_members)
REMOVE_MEMBER = Request(MsgType.REMOVE_MEMBER_MSG, MsgType.REMOVE_MEMBER_ACK, _no_result)
DISSOLVE_GROUP = Request(MsgType.DISSOLVE_GROUP_MSG, MsgType.DISSOLVE_GROUP_ACK, _no_result)
