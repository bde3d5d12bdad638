"""chatserver with a deliberate bug, which the checker must find.

Usage: buggy_server.py BUG HOST PORT [FLAG …]
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from chat import app
from chat.bus.redis.publisher import PublisherLink
from chat.bus.redis.redis_bus import RedisBus
from chat.connection.server import ChatServer
from chat.delivery import commit_transaction, group_events, owed
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.group_events import GroupEvents
from chat.delivery.submission import Outcome, answer_senders
from chat.login.login_entry import LoginEntry
from chat.mailbox import gap, mailbox
from chat.mailbox.pump import Pump
from chat.mailbox_number import owner
from chat.protocol import ONE_CHAT
from chat.storage.tables import (
    DeviceModel,
    GroupModel,
    MailboxGapModel,
    MessageModel,
    OfflineMessageModel,
    OwnedRowsModel,
)


def delete_before_ack() -> None:
    """Mail is deleted when it has been written to the socket."""
    give = Pump._give

    def give_and_delete(self: Any, message: Any, out: Any) -> None:
        give(self, message, out)
        self.connection.loop.queue_in_loop(lambda: self.acknowledge([message.seq]))

    Pump._give = give_and_delete  # type: ignore[method-assign]


def trust_the_count() -> None:
    """Delete messages from the mailbox when Redis counts a receiver, without an acknowledgement."""
    database: list[Any] = []
    init, publish, on_counts = CommitQueue.__init__, PublisherLink.publish, RedisBus.on_counts

    def remember(self: Any, db: Any, *others: Any, **options: Any) -> None:
        init(self, db, *others, **options)
        database.append(db)

    def publish_all(self: Any, channel: bytes, payload: bytes, tag: Any = None) -> None:
        if payload.startswith(b'["w"') and channel.startswith(b"chat:6:"):
            tag = Owed((int(channel.split(b":")[2]), json.loads(payload)[3]))
        publish(self, channel, payload, tag)

    def trust(self: Any, counts: Any) -> None:
        received = [tag for tag, count in counts if isinstance(tag, Owed) and count]
        if received:
            database[0].submit(lambda tx: OfflineMessageModel(tx).delete(received), print)
        on_counts(self, [(tag, count) for tag, count in counts if not isinstance(tag, Owed)])

    CommitQueue.__init__ = remember  # type: ignore[method-assign, assignment]
    PublisherLink.publish = publish_all  # type: ignore[method-assign]
    RedisBus.on_counts = trust  # type: ignore[method-assign]


class Owed(tuple[int, int]):
    """A user, and the seq of a message."""


def forget_mids() -> None:
    """A message that is sent again is stored again."""
    insert = MessageModel.insert_new
    count = iter(range(10**9))

    def insert_all(self: Any, rows: Any) -> Any:
        fresh = [dataclasses.replace(row, mid=f"{row.mid}#{next(count)}") for row in rows]
        return insert(self, fresh)

    MessageModel.insert_new = insert_all  # type: ignore[method-assign]
    commit_transaction._split = lambda submissions: (list(submissions), [])


def forget_gaps() -> None:
    """A gap is closed, and its messages get no rows."""

    def close(tx: Any, mailbox: int) -> None:
        gaps = MailboxGapModel(tx)
        group_id = gaps.oldest_group(mailbox)
        if group_id is not None:
            gaps.close(group_id, mailbox)

    mailbox.fill_gap = close  # type: ignore[attr-defined]


def drop_when_full() -> None:
    """A message to a full mailbox is acknowledged, and gets no row."""
    dropped = set()
    receivers = owed.Owed.of

    def take(tx: Any, submissions: Any, targets: Any, fills: Any, known: Any) -> Any:
        for submission in submissions:
            message = submission.message
            fill = fills.get(message.target)
            if message.kind == ONE_CHAT and fill is not None and fill.refuses(message.sender):
                dropped.add((message.sender, submission.mid))
        return submissions

    def receivers_left(self: Any, submission: Any) -> Any:
        if (submission.message.sender, submission.mid) in dropped:
            return frozenset()
        return receivers(self, submission)

    commit_transaction.refuse_full = take  # type: ignore[attr-defined]
    owed.Owed.of = receivers_left  # type: ignore[method-assign]


def close_before_commit() -> None:
    """A server that drains acknowledges messages at once, and ends without storing them."""
    stop, add = ChatServer.stop, CommitQueue.add
    seqs = itertools.count(2**40)
    draining = []

    def stop_early(self: Any, *arguments: Any) -> None:
        draining.append(True)
        stop(self, *arguments)

    def answer(self: Any, submission: Any) -> bool:
        if not draining or submission.login is None:
            return add(self, submission)
        submission.outcome, submission.seq = Outcome.STORED, next(seqs)
        submission.login.loop.queue_in_loop(lambda: answer_senders([submission]))
        return True

    ChatServer.stop = stop_early  # type: ignore[method-assign, assignment]
    CommitQueue.add = answer  # type: ignore[method-assign]


def delete_for_all() -> None:
    """What one device acknowledges is deleted from the mailboxes of all devices of its user."""
    delete = OfflineMessageModel.delete

    def delete_all(self: Any, rows: Any) -> None:
        for place, seq in rows:
            sql = "DELETE FROM offlinemessage WHERE seq = ? AND userid % ? = ?"
            self._tx.execute(sql, (seq, 2**31, owner(place)))
        delete(self, rows)

    OfflineMessageModel.delete = delete_all  # type: ignore[method-assign, assignment]


def send_no_copies() -> None:
    """The sender's other devices get no copies."""
    owed._others = lambda own, submission: frozenset()


def trust_known_devices() -> None:
    """The devices of a user are looked up once, and not again when they change."""

    def check(self: Any, version: Any) -> None:
        pass

    owed.KnownMailboxes.check = check  # type: ignore[method-assign]


def empty_new_mailbox() -> None:
    """A new device misses the messages that come after its login, and before its subscription."""
    enter, insert = LoginEntry.enter, DeviceModel.insert
    new: set[int] = set()

    def remember(self: Any, device: Any) -> None:
        insert(self, device)
        new.add(device.mailbox)

    def enter_empty(self: Any, *arguments: Any) -> Any:
        number = self._login.mailbox
        if number in new:
            new.discard(number)
            time.sleep(0.2)
            sql = "DELETE FROM offlinemessage WHERE userid = ?"
            self._database.write(lambda tx: tx.execute(sql, (number,)))
        return enter(self, *arguments)

    LoginEntry.enter = enter_empty  # type: ignore[method-assign, assignment]
    DeviceModel.insert = remember  # type: ignore[method-assign]


def end_no_device() -> None:
    """The end of a device is acknowledged, and the device goes on."""
    OwnedRowsModel.delete_device = lambda self, *arguments: None  # type: ignore[method-assign]


def tell_one_device_less() -> None:
    """The event of a change of a group is lost for one device."""
    receivers = group_events._receivers

    def some(tx: Any, change: Any) -> frozenset[int]:
        found = receivers(tx, change)
        return found - {max(found)} if len(found) > 1 else found

    group_events._receivers = some


def tell_no_former_member() -> None:
    """A user that is removed, or leaves, gets no event of it."""
    receivers = group_events._receivers

    def of_members(tx: Any, change: Any) -> frozenset[int]:
        return receivers(tx, dataclasses.replace(change, former=()))

    group_events._receivers = of_members


def record_events_twice() -> None:
    """A change of a group is in the log twice."""
    record = GroupEvents.record

    def record_again(self: Any, tx: Any, *changes: Any) -> Any:
        return [one for _ in range(2) for one in record(self, tx, *changes)]

    GroupEvents.record = record_again  # type: ignore[method-assign]


def announce_before_commit() -> None:
    """The event of a change of a group is sent before the change is committed."""
    record = GroupEvents.record

    def record_and_announce(self: Any, *arguments: Any) -> Any:
        recorded = record(self, *arguments)
        self.announce(recorded)
        time.sleep(0.1)
        return recorded

    GroupEvents.record = record_and_announce  # type: ignore[method-assign, assignment]


def forget_events_of_gaps() -> None:
    """A gap is filled with messages only."""
    gap.event_conversation = lambda group_id: group_id + 10**9  # type: ignore[attr-defined]


def trust_known_members() -> None:
    """The members of a group are looked up once for messages, and not again when they change."""
    member_ids, known = GroupModel.member_ids, dict[int, frozenset[int]]()

    def of_cache(self: Any, group_ids: Any, *arguments: Any, **options: Any) -> Any:
        found = member_ids(self, group_ids, *arguments, **options)
        return {group_id: known.setdefault(group_id, ids) for group_id, ids in found.items()}

    GroupModel.member_ids = of_cache  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    "delete-before-ack": delete_before_ack,
    "trust-the-count": trust_the_count,
    "forget-mids": forget_mids,
    "forget-gaps": forget_gaps,
    "drop-when-full": drop_when_full,
    "close-before-commit": close_before_commit,
    "delete-for-all": delete_for_all,
    "send-no-copies": send_no_copies,
    "trust-known-devices": trust_known_devices,
    "empty-new-mailbox": empty_new_mailbox,
    "end-no-device": end_no_device,
    "tell-one-device-less": tell_one_device_less,
    "tell-no-former-member": tell_no_former_member,
    "record-events-twice": record_events_twice,
    "announce-before-commit": announce_before_commit,
    "forget-events-of-gaps": forget_events_of_gaps,
    "trust-known-members": trust_known_members,
}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    sys.exit(app.main(sys.argv[2:]))
