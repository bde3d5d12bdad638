"""DAO models: one class a table, SQL and nothing else. Each lives inside one transaction."""

from chat.model.friend import FriendModel
from chat.model.group import CREATOR, NORMAL, GroupModel
from chat.model.history import HistoryModel, group_conversation, user_conversation
from chat.model.message import LogRow, MessageModel
from chat.model.node import NodeModel, NodeRow
from chat.model.offlinemessage import MailRow, OfflineMessageModel
from chat.model.rows import OFFLINE, ONLINE, Contact, Group, GroupUser, Membership, User
from chat.model.setting import SettingModel
from chat.model.token import TokenModel
from chat.model.user import UserModel

__all__ = [
    "CREATOR",
    "NORMAL",
    "OFFLINE",
    "ONLINE",
    "Contact",
    "FriendModel",
    "Group",
    "GroupModel",
    "GroupUser",
    "HistoryModel",
    "LogRow",
    "MailRow",
    "Membership",
    "MessageModel",
    "NodeModel",
    "NodeRow",
    "OfflineMessageModel",
    "SettingModel",
    "TokenModel",
    "User",
    "UserModel",
    "group_conversation",
    "user_conversation",
]
