"""DAO models: one class a table, with the SQL of that table. A model lives in one transaction."""

from chat.storage.tables.account import AccountModel, AccountNumbers, AccountRow
from chat.storage.tables.addressban import AddressBan, AddressBanModel
from chat.storage.tables.audit import AuditModel, AuditRow
from chat.storage.tables.blocked import BlockedModel
from chat.storage.tables.conversation import ConversationModel, partner_of
from chat.storage.tables.conversation_list import (
    LAST_CHARACTERS,
    ConversationListModel,
    ConversationRow,
    Unread,
)
from chat.storage.tables.device import DEVICES, Device, DeviceModel, SeenDevice
from chat.storage.tables.directory import DirectoryModel, UserName
from chat.storage.tables.friend import FriendModel
from chat.storage.tables.friendrequest import FriendRequestModel
from chat.storage.tables.group import (
    ADMIN,
    CREATOR,
    INVITE,
    NORMAL,
    OPEN,
    PASSWORD,
    GroupModel,
)
from chat.storage.tables.group_event import EventRow, GroupEventModel
from chat.storage.tables.group_list import GroupListModel, GroupRow
from chat.storage.tables.groupban import BANNED, REMOVED, GroupBanModel
from chat.storage.tables.groupinvite import GroupInviteModel
from chat.storage.tables.history import (
    HistoryModel,
    event_conversation,
    group_conversation,
    is_of_events,
    user_conversation,
)
from chat.storage.tables.invitation import Invitation, InvitationModel, code_hash, new_code
from chat.storage.tables.knowndevice import KnownDeviceModel, device_hash
from chat.storage.tables.mailboxgap import BETWEEN_USERS, Gaps, MailboxGapModel
from chat.storage.tables.message import LogRow, MessageModel
from chat.storage.tables.name import GROUPS, HASHES, USERS, Named, NameModel
from chat.storage.tables.node import DRAIN, NodeModel, NodeRow
from chat.storage.tables.offlinemessage import MailRow, MailShare, OfflineMessageModel
from chat.storage.tables.owned_rows import OwnedRowsModel
from chat.storage.tables.retention import RetentionModel
from chat.storage.tables.rows import (
    ACTIVE,
    DELETED,
    DISABLED,
    NO_HASHES,
    OFFLINE,
    ONLINE,
    Contact,
    FriendRequestRow,
    Group,
    GroupBan,
    GroupInvitation,
    GroupUser,
    JoinRule,
    Membership,
    NameHashes,
    User,
)
from chat.storage.tables.searchblock import ENDS, BlockRange, Part, SearchBlockModel
from chat.storage.tables.searchprogress import Progress, SearchProgressModel
from chat.storage.tables.session import Session, SessionModel
from chat.storage.tables.setting import EPOCH, SERVICE, SettingModel
from chat.storage.tables.token import TokenModel
from chat.storage.tables.user import UserModel

__all__ = [
    "ACTIVE",
    "ADMIN",
    "BANNED",
    "BETWEEN_USERS",
    "CREATOR",
    "DELETED",
    "DEVICES",
    "DISABLED",
    "DRAIN",
    "ENDS",
    "EPOCH",
    "GROUPS",
    "HASHES",
    "INVITE",
    "LAST_CHARACTERS",
    "NORMAL",
    "NO_HASHES",
    "OFFLINE",
    "ONLINE",
    "OPEN",
    "PASSWORD",
    "REMOVED",
    "SERVICE",
    "USERS",
    "AccountModel",
    "AccountNumbers",
    "AccountRow",
    "AddressBan",
    "AddressBanModel",
    "AuditModel",
    "AuditRow",
    "BlockRange",
    "BlockedModel",
    "Contact",
    "ConversationListModel",
    "ConversationModel",
    "ConversationRow",
    "Device",
    "DeviceModel",
    "DirectoryModel",
    "EventRow",
    "FriendModel",
    "FriendRequestModel",
    "FriendRequestRow",
    "Gaps",
    "Group",
    "GroupBan",
    "GroupBanModel",
    "GroupEventModel",
    "GroupInvitation",
    "GroupInviteModel",
    "GroupListModel",
    "GroupModel",
    "GroupRow",
    "GroupUser",
    "HistoryModel",
    "Invitation",
    "InvitationModel",
    "JoinRule",
    "KnownDeviceModel",
    "LogRow",
    "MailRow",
    "MailShare",
    "MailboxGapModel",
    "Membership",
    "MessageModel",
    "NameHashes",
    "NameModel",
    "Named",
    "NodeModel",
    "NodeRow",
    "OfflineMessageModel",
    "OwnedRowsModel",
    "Part",
    "Progress",
    "RetentionModel",
    "SearchBlockModel",
    "SearchProgressModel",
    "SeenDevice",
    "Session",
    "SessionModel",
    "SettingModel",
    "TokenModel",
    "Unread",
    "User",
    "UserModel",
    "UserName",
    "code_hash",
    "device_hash",
    "event_conversation",
    "group_conversation",
    "is_of_events",
    "new_code",
    "partner_of",
    "user_conversation",
]
