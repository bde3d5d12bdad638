"""chatserver with a deliberate bug, so that the checker can be seen to find it.

Usage: buggy_server.py BUG HOST PORT [FLAG …]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from chat import app
from chat.bus.redis_publisher import Publisher
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.pump import Pump
from chat.model import MessageModel, OfflineMessageModel


def delete_before_ack() -> None:
    """Mail is deleted when it has been written to the socket."""
    give = Pump._give

    def give_and_delete(self: Any, message: Any, out: Any) -> None:
        give(self, message, out)
        self.session.loop.queue_in_loop(lambda: self.acknowledge([message.seq]))

    Pump._give = give_and_delete  # type: ignore[method-assign]


def trust_the_count() -> None:
    """What Redis says somebody has received is deleted from the mailbox."""
    database: list[Any] = []
    init = CommitQueue.__init__

    def remember(self: Any, db: Any, *others: Any) -> None:
        init(self, db, *others)
        database.append(db)

    def run(self: Any) -> None:
        while True:
            with self._lock:
                while not self._queue and not self._closing:
                    self._ready.wait()
                if self._closing:
                    return
                batch = [self._queue.popleft() for _ in range(len(self._queue))]
            try:
                pipeline = self._client.pipeline(transaction=False)
                for channel, payload in batch:
                    pipeline.publish(channel, payload)
                counts = pipeline.execute()
            except Exception as exc:  # noqa: BLE001 - as the honest one, more or less
                self._failed(len(batch), exc)
                continue
            received = [_owed(item) for item, count in zip(batch, counts, strict=True) if count]
            pairs = [pair for pair in received if pair is not None]
            if pairs:
                database[0].write(lambda tx, pairs=pairs: OfflineMessageModel(tx).delete(pairs))

    CommitQueue.__init__ = remember  # type: ignore[method-assign]
    Publisher._run = run  # type: ignore[method-assign]


def _owed(item: tuple[str, bytes]) -> tuple[int, int] | None:
    from chat.bus.redis_codec import decode, parse_channel

    channel = parse_channel(item[0].encode())
    if channel is None or channel[0] != 6 or not item[1].startswith(b'["w"'):
        return None
    found = decode(channel, item[1])
    return (channel[1], found[1 + 1].seq) if isinstance(found, tuple) else None  # type: ignore[union-attr,misc]


def forget_mids() -> None:
    """A message that is sent again is stored again."""
    insert = MessageModel.insert_new
    count = iter(range(10**9))

    def insert_all(self: Any, rows: Any) -> Any:
        import dataclasses

        fresh = [dataclasses.replace(row, mid=f"{row.mid}#{next(count)}") for row in rows]
        return insert(self, fresh)

    MessageModel.insert_new = insert_all  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    "delete-before-ack": delete_before_ack,
    "trust-the-count": trust_the_count,
    "forget-mids": forget_mids,
}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    sys.exit(app.main(sys.argv[2:]))
