"""A chat account for programs, and the chat client for people.

    from client import ChatClient

    with ChatClient("127.0.0.1", 6000) as client:
        client.login(5, "secret")
        for message in client.messages():
            client.send(message.sender_id, f"you said: {message.text}")

``client.errors`` has the whole tree of errors.

The folders: ``protocol`` is one connection, ``account`` the parts that outlive connections,
``plain`` the line mode, ``ui`` the windows. ``client.main`` builds ``bin/chatclient``. The package
imports the standard library and chat.protocol; its windows need prompt_toolkit.
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
)
from client.timing import Timing
from client.values import Account, ChatMessage, Friend, Group, History, Member, Presence

__all__ = [
    "Account",
    "CallbackFailedError",
    "ChatClient",
    "ChatMessage",
    "ClientError",
    "ClosedError",
    "ConnectError",
    "ConnectionLostError",
    "Friend",
    "Group",
    "History",
    "Member",
    "NoAnswerError",
    "NotConfirmedError",
    "NotLoggedInError",
    "Presence",
    "Receipt",
    "RefusedError",
    "ReplacedError",
    "Sending",
    "State",
    "Status",
    "StoreError",
    "Timing",
    "TooLargeError",
    "Withdrawal",
]
