"""The handler table: which function serves which message."""

from __future__ import annotations

from chat.handlers.account import (
    abandon_login,
    finish_login,
    finish_logout,
    login,
    logout,
)
from chat.handlers.blocked import block, blocks, unblock
from chat.handlers.chat import delivered, ping, send
from chat.handlers.context import WAIT, Context, Request, Route, Where
from chat.handlers.conversations import (
    change_settings,
    list_conversations,
    mute,
    read_up_to,
    tell_typing,
)
from chat.handlers.devices import devices, end, finish_end
from chat.handlers.friend_requests import answer_friend, friend_requests
from chat.handlers.friends import add_friend, remove_friend
from chat.handlers.group_members import (
    abandon_joining,
    finish_joining,
    finish_leave_group,
    invite,
    join_group,
    leave_group,
)
from chat.handlers.group_moderation import (
    ban_member,
    bans,
    remove_member,
    set_role,
    unban_member,
)
from chat.handlers.groups import change_group, create_group, dissolve_group, members
from chat.handlers.history import history
from chat.handlers.own_account import (
    change_password,
    delete_account,
    finish_delete_account,
    finish_rename,
    rename,
)
from chat.handlers.registration import register
from chat.handlers.search import search
from chat.handlers.users import find_user, user_names
from chat.protocol import MsgType

ROUTES: dict[int, Route] = {
    MsgType.LOGIN_MSG: Route(login, login=False, finish=finish_login, abandon=abandon_login),
    MsgType.LOGINOUT_MSG: Route(logout, finish=finish_logout),
    MsgType.REG_MSG: Route(register, login=False),
    MsgType.ONE_CHAT_MSG: Route(send, Where.LOOP),
    MsgType.ADD_FRIEND_MSG: Route(add_friend),
    MsgType.CREATE_GROUP_MSG: Route(
        create_group, hashes=True, finish=finish_joining, abandon=abandon_joining
    ),
    MsgType.ADD_GROUP_MSG: Route(
        join_group, hashes=True, finish=finish_joining, abandon=abandon_joining
    ),
    MsgType.GROUP_CHAT_MSG: Route(send, Where.LOOP),
    MsgType.DELIVERED_MSG: Route(delivered, Where.LOOP),
    MsgType.PING_MSG: Route(ping, Where.LOOP, login=False),
    MsgType.HISTORY_MSG: Route(history),
    MsgType.REMOVE_FRIEND_MSG: Route(remove_friend),
    MsgType.LEAVE_GROUP_MSG: Route(leave_group, finish=finish_leave_group),
    MsgType.REMOVE_MEMBER_MSG: Route(remove_member),
    MsgType.DISSOLVE_GROUP_MSG: Route(dissolve_group),
    MsgType.MEMBERS_MSG: Route(members),
    MsgType.CHANGE_PASSWORD_MSG: Route(change_password, hashes=True),
    MsgType.RENAME_MSG: Route(rename, finish=finish_rename),
    MsgType.BLOCK_MSG: Route(block),
    MsgType.UNBLOCK_MSG: Route(unblock),
    MsgType.BLOCKS_MSG: Route(blocks),
    MsgType.FRIEND_REQUESTS_MSG: Route(friend_requests),
    MsgType.ANSWER_FRIEND_MSG: Route(answer_friend),
    MsgType.DELETE_ACCOUNT_MSG: Route(delete_account, finish=finish_delete_account, hashes=True),
    MsgType.DEVICES_MSG: Route(devices),
    MsgType.END_DEVICE_MSG: Route(end, finish=finish_end),
    MsgType.CHANGE_GROUP_MSG: Route(change_group, hashes=True),
    MsgType.SET_ROLE_MSG: Route(set_role),
    MsgType.BAN_MEMBER_MSG: Route(ban_member),
    MsgType.UNBAN_MEMBER_MSG: Route(unban_member),
    MsgType.INVITE_MSG: Route(invite),
    MsgType.BANS_MSG: Route(bans),
    MsgType.FIND_USER_MSG: Route(find_user),
    MsgType.USER_MSG: Route(user_names),
    MsgType.SEARCH_MSG: Route(search),
    MsgType.CONVERSATIONS_MSG: Route(list_conversations),
    MsgType.READ_MSG: Route(read_up_to),
    MsgType.TYPING_MSG: Route(tell_typing),
    MsgType.MUTE_MSG: Route(mute),
    MsgType.SETTINGS_MSG: Route(change_settings),
}

__all__ = ["ROUTES", "WAIT", "Context", "Request", "Route", "Where"]
