"""The lists in the answer to a login, within a bound of bytes. Pure.

A user does not control the size of the lists: others join the groups, choose names and send
messages. So the answer has a part of each list if all of them are too long, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

from chat.handlers.answer_fields import (
    contact_fields,
    conversation_fields,
    friend_request_fields,
    group_fields,
    invitation_fields,
    member_fields,
    place_fields,
)
from chat.login.login_flow import Entered
from chat.login.snapshot import AnswerRoom, Snapshot
from chat.message import ChatMessage
from chat.protocol import Message, encode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """A registered login, and the lists of its answer. Goes from the worker to the loop.

    Attributes:
        entered: the login.
        lists: the fields of the answer for friends, groups, invitations, requests, conversations
            and messages.
        encoded: the same as JSON.
        mail: the messages in ``lists``.
        all_mail: the mailbox has no others.
    """

    entered: Entered
    lists: Message
    encoded: bytes
    mail: list[ChatMessage]
    all_mail: bool


class _Lists(NamedTuple):
    """The fields of the entries of each list."""

    friends: list[Message]
    groups: list[Message]
    invitations: list[Message]
    requests: list[Message]
    conversations: list[Message]
    muted: list[Message]
    mail: list[Message]


def answer_of(entered: Entered, room: AnswerRoom, *, v2: bool) -> LoginAnswer:
    """Choose the parts of the lists. In the worker, because long lists take milliseconds."""
    snapshot = entered.snapshot
    lists = _all(entered, v2=v2)
    message = _message(lists, snapshot, room)
    encoded = encode(message)
    # To encode each entry by itself takes twice the time of all together. So that is done only for
    # lists that may be too long.
    if len(encoded) > min(room.mail_bytes, room.list_bytes - _kept(room)):
        lists = _first_of_each(entered, room, v2=v2)
        message = _message(lists, snapshot, room)
        encoded = encode(message)
    mail = snapshot.mail[: len(lists.mail)]
    all_mail = snapshot.all_mail and len(mail) == len(snapshot.mail)
    return LoginAnswer(entered, message, encoded, mail, all_mail)


def _kept(room: AnswerRoom) -> int:
    """The bytes that are not for friends.

    They are for groups, and then for members. By default 1,000 friends and 200 groups fit, with the
    longest names.
    """
    return room.list_bytes * 2 // 5


def _message(lists: _Lists, snapshot: Snapshot, room: AnswerRoom) -> Message:
    """The fields of the answer for these lists."""
    message: Message = {
        "friends": lists.friends,
        "groups": lists.groups,
        "offlinemsg": lists.mail,
    }
    if lists.invitations:
        message["invitations"] = lists.invitations
    if lists.requests:
        message["friend_requests"] = lists.requests
    if room.conversations:
        page = snapshot.conversations
        message["conversations"], message["receipts"] = lists.conversations, snapshot.receipts
        if lists.muted:
            message["muted"] = lists.muted
        if page.more or len(lists.conversations) < len(page.conversations):
            message["conversations_more"] = True
    if snapshot.friends_more or len(lists.friends) < len(snapshot.friends):
        message["friends_more"] = True
    if snapshot.groups_more or len(lists.groups) < len(snapshot.groups):
        message["groups_more"] = True
    return message


def _all(entered: Entered, *, v2: bool) -> _Lists:
    snapshot, login = entered.snapshot, entered.login
    page = snapshot.conversations
    return _Lists(
        [contact_fields(contact) for contact in snapshot.friends],
        [group_fields(group) for group in snapshot.groups],
        [invitation_fields(invitation) for invitation in snapshot.invitations],
        [friend_request_fields(row) for row in snapshot.friend_requests],
        [conversation_fields(login.name, listed) for listed in page.conversations],
        [place_fields(login.user_id, number) for number in snapshot.muted],
        [message.fields(v2) for message in snapshot.mail],
    )


def _first_of_each(entered: Entered, room: AnswerRoom, *, v2: bool) -> _Lists:
    """The first entries of each list, as many as fit."""
    snapshot = entered.snapshot
    mail, _ = _first(snapshot.mail, lambda item: item.fields(v2), room.mail_bytes)
    friends, left = _first(snapshot.friends, contact_fields, room.list_bytes, _kept(room))
    groups, left = _first(
        snapshot.groups, lambda group: group_fields(replace(group, users=())), left
    )
    invitations, left = _first(snapshot.invitations, invitation_fields, left)
    requests, left = _first(snapshot.friend_requests, friend_request_fields, left)
    page = snapshot.conversations
    of_reader = partial(conversation_fields, entered.login.name)
    conversations, left = _first(page.conversations, of_reader, left)
    muted, left = _first(snapshot.muted, partial(place_fields, entered.login.user_id), left)
    for fields, group in zip(groups, snapshot.groups, strict=False):
        fields["users"], left = _first(group.users, member_fields, left)
        fields["more"] = len(fields["users"]) < group.members
    return _Lists(friends, groups, invitations, requests, conversations, muted, mail)


def _first(
    items: Iterable[T], fields_of: Callable[[T], Message], left: int, keep: int = 0
) -> tuple[list[Message], int]:
    """The fields of the first items that fit, and the bytes that are left: ``keep`` at least."""
    chosen: list[Message] = []
    for item in items:
        fields = fields_of(item)
        left_then = left - len(encode(fields)) - 1  # and a comma
        if left_then < keep:
            break
        chosen.append(fields)
        left = left_then
    return chosen, left
