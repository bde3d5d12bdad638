"""Gaps: messages of a group that are not in a member's mailbox yet, because it is too full.

    the mailbox fills ──open_gaps──▶ messages of the group get no row for this member
    the mailbox is read to its end ──fill_gap──▶ the next messages get their rows, and so on,
                                                 until none is left: the gap is closed

So a gap bounds the rows of a mailbox, and no message is lost: the log has it. All clients get it in
the same way as any other message.

Both functions lock the group against messages that are being stored. Otherwise a message could be
missed, because numbers are given at the insert, and become visible at the commit. Example: node 1
inserts 7 to a group, and is slow; node 2 inserts 8 and commits. Without the lock, ``fill_gap``
would find 8 alone, and move the gap behind it. With the lock it waits for node 1.

A server of version 0.2.0 knows no gaps. It inserts rows for messages behind the beginning of a gap,
so these come too early, and may come a second time.
"""

from __future__ import annotations

from collections.abc import Collection

from chat.storage import Transaction
from chat.storage.tables import (
    GroupModel,
    HistoryModel,
    MailboxGapModel,
    MessageModel,
    OfflineMessageModel,
    RetentionModel,
    group_conversation,
)

FILL_ROWS = 200
"""Rows that ``fill_gap`` inserts: as many as a pump can have outstanding."""


def open_gaps(tx: Transaction, group_id: int, user_ids: Collection[int]) -> set[int]:
    """Later messages of the group get no rows for these users. Returns those without a gap before.

    The locked group has no message in the making. So each earlier message has its rows, and each
    later one finds the gap.
    """
    if not GroupModel(tx).change(group_id):
        return set()
    members = GroupModel(tx).member_ids([group_id]).get(group_id, frozenset())
    after = MessageModel(tx).newest()
    return MailboxGapModel(tx).open(group_id, members & frozenset(user_ids), after)


def fill_gap(tx: Transaction, user_id: int) -> None:
    """Insert rows for the next messages of a user's oldest gap, and move or close the gap."""
    boundary = RetentionModel(tx).boundary()
    gaps = MailboxGapModel(tx)
    group_id = gaps.oldest_group(user_id)
    if group_id is None:
        return
    GroupModel(tx).change(group_id)
    after = gaps.of_groups([group_id]).get(group_id, {}).get(user_id)
    membership = GroupModel(tx).membership(group_id, user_id)
    if after is None or membership is None:
        gaps.close(group_id, user_id)
        return
    after = max(after, membership.since, boundary)
    found = HistoryModel(tx).numbers_after(group_conversation(group_id), after, FILL_ROWS)
    mailbox = OfflineMessageModel(tx)
    there = mailbox.numbers_after(user_id, after)  # from a server of version 0.2.0
    mailbox.insert(
        [(user_id, seq) for seq, sender in found if sender != user_id and seq not in there]
    )
    if len(found) < FILL_ROWS:
        gaps.close(group_id, user_id)
    else:
        gaps.move(group_id, user_id, found[-1][0])
