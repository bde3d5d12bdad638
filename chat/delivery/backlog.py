"""Backlog: the submissions that did not fit into a batch, taken from each sender in turn.

Without turns, a flood delays all other messages. Example: ten users have 256 messages each in the
queue, and A sends one to B. In the order of arrival A's message would be in the third batch; with
turns it is in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chat.delivery.submission import Submission

LEAST_SHARE = 4
"""Submissions of one turn at the least: a turn costs as much time as four of them."""

LITTLE, MUCH = 2, 16
"""Submissions of a sender that is hurt by a flood, and of a sender that floods."""

Rows = Callable[[Submission], int]
"""The mailbox rows of a submission, as far as is known; 0: it needs no room."""


class Backlog:
    """Waiting submissions by sender, each sender's in order. The queue's lock guards it."""

    def __init__(self) -> None:
        self._queues: dict[int, list[Submission]] = {}  # in the order of the senders' turns
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_uneven(self) -> bool:
        """Does some sender flood while others send little?"""
        lengths = [len(queue) for queue in self._queues.values()]
        return bool(lengths) and min(lengths) <= LITTLE and max(lengths) >= MUCH

    def add(self, submissions: Sequence[Submission]) -> None:
        """Keep these behind the others. A new sender is the last in the line."""
        self._count += len(submissions)
        queues = self._queues
        for submission in submissions:
            sender = submission.message.sender
            queue = queues.get(sender)
            if queue is None:
                queues[sender] = [submission]
            else:
                queue.append(submission)

    def put_back(self, submissions: Sequence[Submission]) -> None:
        """Keep these before the others. Their senders are the first in the line."""
        self._count += len(submissions)
        first: dict[int, list[Submission]] = {}
        for submission in submissions:
            first.setdefault(submission.message.sender, []).append(submission)
        for sender, queue in first.items():
            queue.extend(self._queues.pop(sender, ()))
        self._queues = {**first, **self._queues}

    def take(self, limit: int, room: int, rows: Rows | None) -> list[Submission]:
        """Remove and return up to ``limit`` submissions with up to ``room`` rows.

        Each sender has an equal share; a share that is not used goes to the others. The first
        submission is always taken, even if it has more than ``room`` rows. ``rows``: None if each
        submission has one row.
        """
        queues = self._queues
        taken: list[Submission] = []
        turns = list(queues)
        share = max(limit // max(len(turns), 1), LEAST_SHARE)
        share_of_room = room // max(len(turns), 1)
        while turns and len(taken) < limit:
            again = []
            for sender in turns:
                queue = queues[sender]
                count = min(share, limit - len(taken), len(queue))
                if rows is not None:
                    count, used = _fit(queue, count, share_of_room, room, rows)
                    if not (count or taken):
                        count = 1  # and the room is for others
                    room -= used
                if not count:  # too large for this batch; the next one begins with it
                    continue
                taken += queue[:count]
                del queue[:count], queues[sender]
                if queue:
                    queues[sender] = queue  # now the last in the line
                    again.append(sender)
                if len(taken) == limit:
                    break
            turns = again
        self._count -= len(taken)
        return taken


def _fit(queue: list[Submission], most: int, share: int, room: int, rows: Rows) -> tuple[int, int]:
    """How many of the first ``most`` submissions fit into ``room``, and their rows.

    The first one may have more rows than the ``share``; all together may not.
    """
    used = 0
    for count in range(most):
        needed = rows(queue[count])
        if needed and (used + needed > room or (count and used + needed > share)):
            return count, used
        used += needed
    return most, used
