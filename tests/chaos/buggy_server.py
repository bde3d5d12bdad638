"""chatserver with a deliberate bug, which the checker must find.

Usage: buggy_server.py BUG HOST PORT [FLAG …]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from chat import app
from chat.bus.redis.publisher import PublisherLink
from chat.bus.redis.redis_bus import RedisBus
from chat.delivery import commit_transaction
from chat.delivery.commit_queue import CommitQueue
from chat.mailbox.pump import Pump
from chat.storage.tables import MessageModel, OfflineMessageModel


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

    def remember(self: Any, db: Any, *others: Any) -> None:
        init(self, db, *others)
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
        import dataclasses

        fresh = [dataclasses.replace(row, mid=f"{row.mid}#{next(count)}") for row in rows]
        return insert(self, fresh)

    MessageModel.insert_new = insert_all  # type: ignore[method-assign]
    commit_transaction._split = lambda submissions: (list(submissions), [])


BUGS: dict[str, Callable[[], None]] = {
    "delete-before-ack": delete_before_ack,
    "trust-the-count": trust_the_count,
    "forget-mids": forget_mids,
}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    sys.exit(app.main(sys.argv[2:]))
