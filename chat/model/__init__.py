"""DAO models: one class a table, SQL and nothing else. Each lives inside one transaction."""

from chat.model.friend import FriendModel
from chat.model.group import CREATOR, NORMAL, GroupModel
from chat.model.history import HistoryModel, group_conversation, user_conversation
from chat.model.message import LogRow, MessageModel
from chat.model.name import GROUPS, HASHES, USERS, Named, NameModel
from chat.model.node import NodeModel, NodeRow
from chat.model.offlinemessage import MailRow, OfflineMessageModel
from chat.model.rows import OFFLINE, ONLINE, Contact, Group, GroupUser, Membership, User
from chat.model.setting import SettingModel
from chat.model.token import TokenModel
from chat.model.user import UserModel

__all__ = [
    "CREATOR",
    "GROUPS",
    "HASHES",
    "NORMAL",
    "OFFLINE",
    "ONLINE",
    "USERS",
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
    "NameModel",
    "Named",
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
