"""Refuses messages to users whose mailboxes have no place for them (chat/mailbox/quota.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from chat.delivery.owed import KnownMailboxes
from chat.delivery.submission import REFUSED, Submission
from chat.mailbox.quota import Fill, Fills
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, ErrNo
from chat.storage import Transaction
from chat.storage.tables import FriendModel, MessageModel


def refuse_full(
    tx: Transaction,
    submissions: list[Submission],
    targets: Collection[int],
    fills: Fills,
    known: KnownMailboxes,
) -> list[Submission]:
    """Refuse new messages to users whose mailboxes have no place for them; returns the others.

    ``targets``: the users that get messages of this transaction, ``known`` if they exist. Messages
    cost nothing here while none of these users has a mailbox that is too full.

    A repetition is not refused. Example: A's message to B is stored, and its acknowledgement is
    lost; meanwhile B's mailbox fills. A repeats the message, and must hear that it is stored. One
    statement for each sender looks for repetitions: a flood to full mailboxes has hundreds of
    messages in a transaction.
    """
    full = _without_place(targets, fills, known)
    if not full:
        return submissions
    friends: dict[tuple[int, int], bool] = {}
    mids: defaultdict[int, list[str]] = defaultdict(list)
    refused = []
    for submission in submissions:
        message = submission.message
        if message.target not in full or message.kind != ONE_CHAT or submission.login is None:
            continue
        if _is_refused(tx, message, full[message.target], friends):
            mids[message.sender].append(submission.mid)
            refused.append(submission)
    if not refused:
        return submissions
    stored = {sender: MessageModel(tx).known_mids(sender, mids[sender]) for sender in mids}
    for submission in refused:
        if submission.mid not in stored[submission.message.sender]:
            problem = "too many messages wait for this user: try again later"
            submission.refuse(ErrNo.MAILBOX_FULL, problem)
    return [submission for submission in submissions if submission.outcome is not REFUSED]


def _without_place(
    targets: Collection[int], fills: Fills, known: KnownMailboxes
) -> Mapping[int, Sequence[Fill]]:
    """Those of these users that have no mailbox with place for all senders, and their fills.

    A mailbox that is behind has no place: it gets its messages later, from the log.
    """
    found = {}
    for user_id in fills.owners.intersection(targets):
        if user_id in known:
            mailboxes = known[user_id] - known.behind
            if mailboxes <= fills.keys():
                found[user_id] = [fills[mailbox] for mailbox in mailboxes]
    return found


def _is_refused(
    tx: Transaction,
    message: ChatMessage,
    fills: Sequence[Fill],
    friends: dict[tuple[int, int], bool],
) -> bool:
    """Has none of these mailboxes place for a message of its sender?

    ``friends``: the pairs of receiver and sender that were looked up in this transaction.
    """
    if all([fill.refuses(message.sender) for fill in fills]):
        return True
    if not all([fill.strangers or fill.refuses(message.sender) for fill in fills]):
        return False
    pair = (message.target, message.sender)
    if pair not in friends:
        friends[pair] = _is_friend(tx, message)
    return not friends[pair]


def _is_friend(tx: Transaction, message: ChatMessage) -> bool:
    """Is the sender in the receiver's list, or the receiver?"""
    return message.sender == message.target or FriendModel(tx).is_one(
        message.target, message.sender
    )
