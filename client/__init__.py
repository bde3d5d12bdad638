"""The chat client: ChatClient, a library for programs, and ``bin/chatclient``, for people.

    from client import ChatClient

    with ChatClient("127.0.0.1", 6000) as client:
        client.login("li si", "secret-1")
        for message in client.messages():
            client.send(message.sender_id, f"you said: {message.text}")

docs/client.md describes the library. ``client.errors`` has all exceptions.

The folders: ``protocol`` is one connection, ``account`` has the parts that outlive connections,
``plain`` is the line mode, and ``ui`` the windows. ``client.main`` is ``bin/chatclient``. The
package imports the standard library and ``chat.protocol``. The windows also need prompt_toolkit.
"""

from chat.version import __version__ as __version__
from client.account.lifecycle import State, Status
from client.account.outbox import Withdrawal
from client.account.sending import Receipt, Sending
from client.chat_client import ChatClient
from client.errors import (
    CallbackFailedError,
    ClientError,
    ClosedError,
    ConnectError,
    ConnectionLostError,
    NoAnswerError,
    NotConfirmedError,
    NotLoggedInError,
    RefusedError,
    ReplacedError,
    StoreError,
    TooLargeError,
    TooManyDevicesError,
)
from client.timing import Timing
from client.values import (
    Account,
    Announcement,
    Ban,
    ChatMessage,
    Conversation,
    ConversationPage,
    Device,
    DeviceNotice,
    Friend,
    FriendNotice,
    FriendRequest,
    Group,
    GroupNotice,
    History,
    Hit,
    Invitation,
    Member,
    MuteNotice,
    Presence,
    ReadNotice,
    SearchPage,
    TypingNotice,
    User,
)

__all__ = [
    "Account",
    "Announcement",
    "Ban",
    "CallbackFailedError",
    "ChatClient",
    "ChatMessage",
    "ClientError",
    "ClosedError",
    "ConnectError",
    "ConnectionLostError",
    "Conversation",
    "ConversationPage",
    "Device",
    "DeviceNotice",
    "Friend",
    "FriendNotice",
    "FriendRequest",
    "Group",
    "GroupNotice",
    "History",
    "Hit",
    "Invitation",
    "Member",
    "MuteNotice",
    "NoAnswerError",
    "NotConfirmedError",
    "NotLoggedInError",
    "Presence",
    "ReadNotice",
    "Receipt",
    "RefusedError",
    "ReplacedError",
    "SearchPage",
    "Sending",
    "State",
    "Status",
    "StoreError",
    "Timing",
    "TooLargeError",
    "TooManyDevicesError",
    "TypingNotice",
    "User",
    "Withdrawal",
]
