"""Gaps: messages that are not in a mailbox yet, because it is too full.

    the mailbox fills ──open_gaps──▶ messages of the group get no row in this mailbox
    the mailbox is read to its end ──fill_gap──▶ the next messages get their rows, and so on,
                                                 until none is left: the gap is closed

So a gap bounds the rows of a mailbox, and no message is lost: the log has it. All clients get it in
the same way as any other message.

A device that is not used must not silence its owner. So if another device of the owner has place,
the full mailbox gets a gap for the messages between users, too (``open_user_gaps``, BETWEEN_USERS).

All functions lock the group against messages that are being stored. Otherwise a message could be
missed, because numbers are given at the insert, and become visible at the commit. Example: node 1
inserts 7 to a group, and is slow; node 2 inserts 8 and commits. Without the lock, ``fill_gap``
would find 8 alone, and move the gap behind it. With the lock it waits for node 1.

A server of version 0.2.0 knows no gaps. It inserts rows for messages behind the beginning of a gap,
so these come too early, and may come a second time.
"""

from __future__ import annotations

from collections.abc import Collection

from chat.mailbox_number import is_named, owner
from chat.storage import Transaction
from chat.storage.tables import (
    BETWEEN_USERS,
    DEVICES,
    DeviceModel,
    GroupModel,
    HistoryModel,
    MailboxGapModel,
    MessageModel,
    OfflineMessageModel,
    RetentionModel,
    SettingModel,
    event_conversation,
    group_conversation,
)

FILL_ROWS = 200
"""Rows that ``fill_gap`` inserts: as many as a pump can have outstanding."""


def open_gaps(tx: Transaction, group_id: int, mailboxes: Collection[int]) -> set[int]:
    """Later messages of the group get no rows in these mailboxes.

    Returns those without a gap before.

    The locked group has no message in the making. So each earlier message has its rows, and each
    later one finds the gap.
    """
    if not GroupModel(tx).change(group_id):
        return set()
    members = GroupModel(tx).member_ids([group_id]).get(group_id, frozenset())
    after = MessageModel(tx).newest()
    of_members = [mailbox for mailbox in mailboxes if owner(mailbox) in members]
    return MailboxGapModel(tx).open(group_id, of_members, after)


def fill_gap(tx: Transaction, mailbox: int) -> None:
    """Insert rows for the next messages of a mailbox's oldest gap, and move or close the gap.

    The mailbox of a named device gets the group's events and the messages of its owner, too, from
    the opening of the device on. The log does not know which device has sent them, so the sending
    device may get them back, with their numbers. Example for the opening: an old client is away,
    and its mailbox has a gap; its new version opens a device, which takes the gap over. It gets
    what other users have sent meanwhile, but no events, for which the old client had notices.
    """
    user_id = owner(mailbox)
    boundary = RetentionModel(tx).boundary()
    gaps = MailboxGapModel(tx)
    group_id = gaps.oldest_group(mailbox)
    if group_id is None:
        return
    if group_id == BETWEEN_USERS:
        _fill_user_gap(tx, mailbox, boundary)
        return
    # So that the device does not end meanwhile. Example: B's gap is being filled; B ends the
    # device, which deletes its rows; the rows of the gap would stay behind for ever.
    SettingModel(tx).get(DEVICES, share=True)
    GroupModel(tx).change(group_id)
    after = gaps.of_groups([group_id]).get(group_id, {}).get(mailbox)
    membership = GroupModel(tx).membership(group_id, user_id)
    if after is None or membership is None:
        gaps.close(group_id, mailbox)
        return
    after = max(after, membership.since, boundary)
    found = HistoryModel(tx).numbers_after(group_conversation(group_id), after, FILL_ROWS)
    opened = DeviceModel(tx).since(mailbox) if is_named(mailbox) else None
    if opened is not None:
        events = event_conversation(group_id)
        found += HistoryModel(tx).numbers_after(events, max(after, opened), FILL_ROWS)
        found = sorted(found)[:FILL_ROWS]
    own = {seq for seq, by in found if by == user_id and (opened is None or seq <= opened)}
    _add(tx, mailbox, after, [seq for seq, _ in found if seq not in own])
    if len(found) < FILL_ROWS:
        gaps.close(group_id, mailbox)
    else:
        gaps.move(group_id, mailbox, found[-1][0])


def open_user_gaps(tx: Transaction, mailboxes: Collection[int]) -> set[int]:
    """Later messages between users get no rows in these mailboxes; returns those with a gap.

    A mailbox gets none if its owner has no further device without such a gap: one must get these
    messages.
    """
    DeviceModel(tx).changed()
    known = DeviceModel(tx).mailboxes([owner(mailbox) for mailbox in mailboxes])
    behind = MailboxGapModel(tx).behind(frozenset().union(*known.values()))
    after = MessageModel(tx).newest()
    for mailbox in sorted(mailboxes):
        devices = known.get(owner(mailbox), frozenset())
        if mailbox in devices and mailbox not in behind and devices - behind - {mailbox}:
            MailboxGapModel(tx).open(BETWEEN_USERS, [mailbox], after)
            behind |= {mailbox}
    return behind.intersection(mailboxes)


def _fill_user_gap(tx: Transaction, mailbox: int, boundary: int) -> None:
    DeviceModel(tx).hold()
    gaps = MailboxGapModel(tx)
    after = gaps.of_groups([BETWEEN_USERS]).get(BETWEEN_USERS, {}).get(mailbox)
    if after is None:
        return
    after = max(after, boundary)
    user_id = owner(mailbox)
    found = HistoryModel(tx).numbers_between_users(user_id, after, FILL_ROWS)
    copies = is_named(mailbox)
    _add(tx, mailbox, after, [seq for seq, to in found if copies or to == user_id])
    if len(found) < FILL_ROWS:
        gaps.close(BETWEEN_USERS, mailbox)
        DeviceModel(tx).changed()
    else:
        gaps.move(BETWEEN_USERS, mailbox, found[-1][0])


def _add(tx: Transaction, mailbox: int, after: int, seqs: Collection[int]) -> None:
    """Insert rows for these messages, except those that have one from an older server."""
    mail = OfflineMessageModel(tx)
    there = mail.numbers_after(mailbox, after)
    mail.insert([(mailbox, seq) for seq in seqs if seq not in there])
