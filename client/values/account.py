"""The user that is logged in, as the server reports it. Immutable."""

from __future__ import annotations

from dataclasses import dataclass

from client.values.conversations import Conversation
from client.values.groups import Group, Invitation
from client.values.users import Friend, FriendRequest


@dataclass(frozen=True, slots=True)
class Account:
    """The user that is logged in, with friends and groups.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        friends: the friend list.
        groups: the groups of the user.
        heartbeat: seconds between two PING_MSG; None if the server named no interval.
        invitations: the invitations to groups that wait for this user.
        friend_requests: the requests to be a friend that wait for this user.
        service: the name of the service for this account; empty: the server has none.
        device_id: the number of this device; 0: the unnamed one, of clients that know no devices.
        epoch: the name of the server's history. In another epoch, the ``seq`` of a message may
            have belonged to another one; empty: the server has none.
        conversations: as of the login, the conversations with the newest messages.
        more_conversations: there are others, for ``ChatClient.conversations``.
        muted_users: all users with a muted conversation.
        muted_groups: all muted groups.
        newest: the highest number of a message or event at the login; 0: not known.
    """

    id: int
    name: str
    friends: tuple[Friend, ...]
    groups: tuple[Group, ...]
    heartbeat: float | None
    invitations: tuple[Invitation, ...] = ()
    friend_requests: tuple[FriendRequest, ...] = ()
    service: str = ""
    epoch: str = ""
    device_id: int = 0
    conversations: tuple[Conversation, ...] = ()
    more_conversations: bool = False
    muted_users: frozenset[int] = frozenset()
    muted_groups: frozenset[int] = frozenset()
    newest: int = 0
