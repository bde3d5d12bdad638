"""Parsing of logins and failures, and of all that concerns the connection. Pure.

The other subjects are in the modules beside this one.
"""

from __future__ import annotations

from chat.protocol import Message
from client.protocol.events import Goodbye, LoggedIn
from client.protocol.fields import read_id, read_ids, read_objects, read_seq, read_text, to_seconds
from client.protocol.parsing_conversations import read_conversations
from client.protocol.parsing_groups import read_group, read_invitation
from client.protocol.parsing_users import read_friend, read_requests_at
from client.values import Account, Announcement

LONGEST_RETRY = 3600.0
"""The longest pause that a server can request, in seconds. A longer one is shortened to this."""


def read_account(ack: Message) -> Account:
    """The account in a successful LOGIN_MSG_ACK of the v2 dialect."""
    return Account(
        id=read_id(ack, "id"),
        name=read_text(ack, "name"),
        friends=tuple(read_friend(item) for item in read_objects(ack, "friends")),
        groups=tuple(read_group(item) for item in read_objects(ack, "groups")),
        heartbeat=to_seconds(ack.get("heartbeat")),
        device_id=read_id(ack, "deviceid"),
        invitations=tuple(read_invitation(item) for item in read_objects(ack, "invitations")),
        friend_requests=read_requests_at(ack, "friend_requests"),
        service=read_text(ack, "service"),
        epoch=read_text(ack, "epoch"),
        conversations=read_conversations(ack),
        more_conversations=ack.get("conversations_more") is True,
        muted_users=read_ids(ack, "muted", "with"),
        muted_groups=read_ids(ack, "muted", "groupid"),
        newest=read_seq({"seq": ack.get("newest")}) or 0,
    )


def read_logged_in(ack: Message) -> LoggedIn:
    """A successful LOGIN_MSG_ACK."""
    return LoggedIn(read_account(ack), read_text(ack, "token") or None)


def read_announcement(message: Message) -> Announcement:
    """An ANNOUNCE_MSG."""
    return Announcement(read_text(message, "msg"), read_text(message, "time"))


def read_retry_after(answer: Message) -> float | None:
    """Seconds to wait before the next attempt; None if the answer names none."""
    seconds = to_seconds(answer.get("retry_after"))
    return None if seconds is None else min(seconds, LONGEST_RETRY)


def read_goodbye(message: Message) -> Goodbye:
    """A BYE_MSG."""
    return Goodbye(read_text(message, "reason"), message.get("reconnect") is True)


def read_failure(answer: Message) -> tuple[int, str]:
    """``errno`` and ``errmsg`` of an answer. An answer without a proper ``errno`` is a failure."""
    errno = answer.get("errno")
    number = errno if type(errno) is int else -1
    return number, read_text(answer, "errmsg") or f"error {number}"
