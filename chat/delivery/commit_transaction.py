"""The transaction of the commit queue: log rows and mailbox rows for many submissions.

The order of the locks is the same on every node: users, groups, log, mailboxes. So two transactions
cannot block each other for ever.

The senders' rows are locked, so a login's generation stays valid until the commit. Example: node 1
stores a message of A and has read A's generation; meanwhile A logs in at node 2, which waits for
A's row until node 1 has committed. So no message of A's old login is stored after the new one.

The rows of groups are locked, so their members stay until the commit. Example: a message to a group
is being stored; meanwhile B's leaving waits for the group's row. So B still gets the message. If
B's leaving had been first, the transaction would have read the members without B.

A member whose mailbox is too full has a gap in the group, and gets no row (chat/mailbox/gap.py).
Gaps change under the same lock of the group as its members.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import ujson

from chat.delivery.full_receivers import refuse_full
from chat.delivery.members import Members
from chat.delivery.owed import KnownMailboxes, Owed
from chat.delivery.submission import IN_DOUBT, Outcome, Submission
from chat.mailbox.quota import NO_FILLS, Fills
from chat.mailbox_number import is_named
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT, ErrNo, errors
from chat.storage import Transaction
from chat.storage.tables import (
    OPEN,
    BlockedModel,
    Gaps,
    GroupModel,
    LogRow,
    MailboxGapModel,
    MessageModel,
    OfflineMessageModel,
    SessionModel,
    UserModel,
)

STORED, ADDED, RECOVERED, REPEATED, REFUSED = (
    Outcome.STORED,
    Outcome.ADDED,
    Outcome.RECOVERED,
    Outcome.REPEATED,
    Outcome.REFUSED,
)

Cut = Callable[[Sequence[Submission], Members], Sequence[Submission]]
"""Chooses the submissions that are stored now, once the members of their groups are known."""


def keep_all(submissions: Sequence[Submission], members: Members) -> Sequence[Submission]:
    """The Cut of a batch that is tried again: it was cut at the first attempt."""
    return submissions


Pairs = Collection[tuple[int, int]]
_NO_PAIRS: Pairs = ()


def store(
    tx: Transaction,
    submissions: Sequence[Submission],
    known: KnownMailboxes,
    cut: Cut = keep_all,
    fills: Fills = NO_FILLS,
    *,
    again: bool = False,
) -> Members:
    """Write the rows, and set each submission's outcome. Writer thread. Raises StorageError.

    ``known``: the mailboxes of users; users that are found are added to it. ``cut``: sees the
    members while the groups are locked, so it counts the rows exactly. ``fills``: the mailboxes
    that are too full. ``again``: an attempt before may have been committed. Returns the members of
    the groups.
    """
    messages = [submission.message for submission in submissions]
    senders = {message.sender for message in messages}
    targets = {message.target for message in messages if message.kind == ONE_CHAT}
    groups = {message.target for message in messages if message.kind == GROUP_CHAT}
    generations, blocked, version = UserModel(tx).senders(senders)
    known.check(version)
    if named := {s.mailbox for s in submissions if is_named(s.mailbox)}:
        generations.update(SessionModel(tx).generations(named))
    known.look_up(tx, targets | senders)
    members: Members = {}
    gaps: Gaps = {}
    if groups:
        members = _hold_members(tx, groups)
        gaps = MailboxGapModel(tx).of_groups(groups)
        submissions = cut(submissions, members)
        known.look_up(tx, set().union(*members.values()))
    pairs = BlockedModel(tx).between(targets, blocked) if blocked and targets else _NO_PAIRS
    new = _not_in_log(tx, submissions, known) if again else submissions
    valid = [s for s in new if _may_send(s, generations, known, members, pairs)]
    if groups and len(valid) < len(new):
        _hide_closed_groups(tx, new)
    if fills:
        valid = refuse_full(tx, valid, targets, fills, known)
    if again:
        valid = [s for s in submissions if s.outcome is not REFUSED]
    first, repeated = _split(valid)
    owed = Owed(known, members, gaps)
    _insert(tx, first, owed)
    for submission in repeated:
        _find_row(tx, submission, owed)
    return members


def _hold_members(tx: Transaction, groups: set[int]) -> Members:
    """Lock the groups, so that their members stay until the commit; return the members."""
    GroupModel(tx).hold(groups)
    return GroupModel(tx).member_ids(groups)


def _not_in_log(
    tx: Transaction, submissions: Sequence[Submission], known: KnownMailboxes
) -> list[Submission]:
    """Those that no attempt before has committed. The others are not judged again.

    Example: A's message to B is committed, and the answer to the COMMIT is lost; meanwhile B blocks
    A. If the second attempt refused the message, A would not know that B has it.

    The senders are locked, so an attempt before has ended: committed, or undone.
    """
    mids: defaultdict[int, list[str]] = defaultdict(list)
    for submission in submissions:
        mids[submission.message.sender].append(submission.mid)
    logged = {sender: MessageModel(tx).known_mids(sender, mids[sender]) for sender in mids}
    return [
        submission
        for submission in submissions
        if submission.mid not in logged[submission.message.sender]
        or not _has_users(submission.message, known)
    ]


def _has_users(message: ChatMessage, known: KnownMailboxes) -> bool:
    """Have its sender, and a receiver that is a user, not deleted their accounts?"""
    return message.sender in known and (message.kind != ONE_CHAT or message.target in known)


def _may_send(
    submission: Submission,
    generations: dict[int, int],
    known: KnownMailboxes,
    members: Members,
    blocked: Pairs,
) -> bool:
    """Refuse a submission of an ended login, or to a target that does not take it.

    ``generations``: by mailbox, which is the user's id for the unnamed device. ``blocked``: pairs
    of a receiver and a sender.
    """
    message = submission.message
    is_blocked = False
    if blocked and message.kind == ONE_CHAT:
        is_blocked = (message.target, message.sender) in blocked
    if submission.login is None:
        return _may_be_stored(submission, known, is_blocked=is_blocked)
    if generations.get(submission.mailbox) != submission.generation:
        submission.refuse(ErrNo.NOT_YOU, errors.REPLACED)
    elif message.kind == ONE_CHAT:
        if message.target not in known:
            submission.refuse(ErrNo.NOT_FOUND, "no such user")
        elif is_blocked:
            submission.refuse(ErrNo.BLOCKED, errors.BLOCKED)
        else:
            return True
    elif message.sender in members.get(message.target, frozenset()):
        return True
    elif message.target in members:
        submission.refuse(ErrNo.NOT_A_MEMBER, errors.NOT_A_MEMBER)
    else:  # a group has a member at least, its creator
        submission.refuse(ErrNo.NOT_FOUND, errors.NO_GROUP)
    return False


def _may_be_stored(submission: Submission, known: KnownMailboxes, *, is_blocked: bool) -> bool:
    """The same for a live message of ``direct``: its sender was acknowledged by another node.

    An account may have been deleted since. Example: A's message is under way to B at node 2, and B
    deletes the account; node 2 cannot hand the message over, and there is no mailbox for it.
    """
    if is_blocked:
        submission.refuse(ErrNo.BLOCKED, errors.BLOCKED)
    elif not _has_users(submission.message, known):
        submission.refuse(ErrNo.NOT_FOUND, "no such user")
    else:
        return True
    return False


def _hide_closed_groups(tx: Transaction, submissions: Sequence[Submission]) -> None:
    """Refuse messages to closed groups as if they did not exist.

    Only their members may learn that they exist, and all ids can be tried.
    """
    for submission in submissions:
        if submission.outcome is REFUSED and submission.errno == ErrNo.NOT_A_MEMBER:
            rule = GroupModel(tx).join_rule(submission.message.target)
            if rule is None or rule.mode != OPEN:
                submission.refuse(ErrNo.NOT_FOUND, errors.NO_GROUP)


def _split(submissions: Sequence[Submission]) -> tuple[list[Submission], list[Submission]]:
    """The first submission with each (sender, mid) in this batch, and the repetitions.

    Example: A's client repeats a message, because its acknowledgement is late. Both are in one
    batch, so the log has neither yet. The second must find the row of the first.
    """
    first: dict[tuple[int, str], Submission] = {}
    repeated = []
    for submission in submissions:
        key = (submission.message.sender, submission.mid)
        if key in first:
            repeated.append(submission)
        else:
            first[key] = submission
    return list(first.values()), repeated


def _insert(tx: Transaction, submissions: Sequence[Submission], owed: Owed) -> None:
    """Insert rows for those whose ``mid`` is not in the log yet."""
    seqs = MessageModel(tx).insert_new([_log_row(submission) for submission in submissions])
    rows: list[tuple[int, int]] = []
    for submission, seq in zip(submissions, seqs, strict=True):
        if seq is None:
            _find_row(tx, submission, owed)
            continue
        message = submission.message
        message.receivers = owed.of(submission)
        message.seq = submission.seq = seq
        submission.outcome = STORED
        rows.extend([(mailbox, seq) for mailbox in message.receivers])
    if rows:
        OfflineMessageModel(tx).insert(rows)


def _find_row(tx: Transaction, submission: Submission, owed: Owed) -> None:
    """The log has the ``mid``: take over the number of its row. See submission.py."""
    message = submission.message
    found = MessageModel(tx).find(message.sender, submission.mid)
    assert found is not None
    seq, row = found
    if (row.kind, row.target, row.text) != (message.kind, message.target, message.text):
        submission.refuse(ErrNo.BAD_REQUEST, "mid: was used for another message")
        return
    submission.seq, submission.time = seq, row.time
    if submission.joins:
        # Example: B at node 1 could not take a live message, so node 1 has stored it for B. Node 2
        # stores it for C, under the same mid: C is added to the row.
        message.seq = seq
        message.receivers = owed.of_row(submission, seq)
        new = message.receivers - OfflineMessageModel(tx).holders(seq, message.receivers)
        OfflineMessageModel(tx).insert([(mailbox, seq) for mailbox in new])
        submission.outcome = ADDED
    elif submission.outcome is IN_DOUBT and message.kind == ONE_CHAT:
        message.seq = seq
        there = OfflineMessageModel(tx).holders(seq, owed.of(submission))
        message.receivers = frozenset(there)
        submission.outcome = RECOVERED
    else:
        # A message to a group in doubt is here, too: the receivers of the first attempt are not
        # known, as members may have come or gone since. Their pumps find it by the poll.
        submission.outcome = REPEATED


def _log_row(submission: Submission) -> LogRow:
    message = submission.message
    return LogRow(
        message.sender,
        submission.mid,
        message.kind,
        message.target,
        message.text,
        message.time,
        ujson.dumps(message.extra, ensure_ascii=False) if message.extra else None,
    )
