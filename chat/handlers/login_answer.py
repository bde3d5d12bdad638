"""The lists in the answer to a login, within a bound of bytes. Pure.

A user does not control the size of the lists: others join the groups, choose names and send
messages. So the answer has a part of each list if all of them are too long, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

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
from chat.login.snapshot import AnswerRoom
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
        mail: the messages in ``lists``.
        all_mail: the mailbox has no others.
    """

    entered: Entered
    lists: Message
    mail: list[ChatMessage]
    all_mail: bool


def answer_of(entered: Entered, room: AnswerRoom, *, v2: bool) -> LoginAnswer:
    """Choose the parts of the lists. In the worker, because long lists take milliseconds."""
    snapshot = entered.snapshot
    mail, _ = _first(snapshot.mail, lambda item: item.fields(v2), room.mail_bytes)
    # The rest of the room of friends is for groups, and then for members. By default 1,000 friends
    # and 200 groups fit, with the longest names.
    keep = room.list_bytes * 2 // 5
    friends, left = _first(snapshot.friends, contact_fields, room.list_bytes, keep)
    groups, left = _first(
        snapshot.groups, lambda group: group_fields(replace(group, users=())), left
    )
    invitations, left = _first(snapshot.invitations, invitation_fields, left)
    requests, left = _first(snapshot.friend_requests, friend_request_fields, left)
    page = snapshot.conversations
    conversations, left = _first(page.conversations, conversation_fields, left)
    muted, left = _first(snapshot.muted, partial(place_fields, entered.login.user_id), left)
    for fields, group in zip(groups, snapshot.groups, strict=False):
        fields["users"], left = _first(group.users, member_fields, left)
        fields["more"] = len(fields["users"]) < group.members
    lists: Message = {"friends": friends, "groups": groups, "offlinemsg": mail}
    if invitations:
        lists["invitations"] = invitations
    if requests:
        lists["friend_requests"] = requests
    if room.conversations:
        lists["conversations"], lists["receipts"] = conversations, snapshot.receipts
        if muted:
            lists["muted"] = muted
        if page.more or len(conversations) < len(page.conversations):
            lists["conversations_more"] = True
    if snapshot.friends_more or len(friends) < len(snapshot.friends):
        lists["friends_more"] = True
    if snapshot.groups_more or len(groups) < len(snapshot.groups):
        lists["groups_more"] = True
    all_mail = snapshot.all_mail and len(mail) == len(snapshot.mail)
    return LoginAnswer(entered, lists, snapshot.mail[: len(mail)], all_mail)


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
