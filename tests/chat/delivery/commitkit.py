"""What the commit queue's tests are made of: users and groups in a real database, senders."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from chat.delivery.commit_queue import CommitQueue
from chat.delivery.members import Members
from chat.delivery.submission import Submission
from chat.message import ChatMessage, Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT
from chat.storage import Database
from chat.storage.tables import (
    CREATOR,
    NORMAL,
    GroupModel,
    OfflineMessageModel,
    UserModel,
)
from muduopy import EventLoop
from tests.chat.loopkit import FailingDatabase, Passes
from tests.chat.sessionkit import go_online

TIME = "2026-01-02 03:04:05"


class Announcements:
    """Keeps the announced messages."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self.batches: list[int] = []

    def announce(self, messages: Sequence[ChatMessage]) -> None:
        self.messages += messages
        self.batches.append(len(messages))


class Sender:
    """Stands for a login: ``outcomes`` are the sends that it was told of, in ``calls`` calls."""

    def __init__(self, loop: EventLoop, user_id: int, generation: int) -> None:
        self.loop = self.home = loop
        self.user_id = self.mailbox = user_id
        self.generation = generation
        self.outcomes: list[Submission] = []
        self.calls = 0
        self.connection = SimpleNamespace(flow=SimpleNamespace(in_flight=0))

    def answer(self, submissions: Sequence[Submission]) -> None:
        """Instead of ``answer_sender``."""
        assert self.loop.is_in_loop_thread
        self.calls += 1
        self.outcomes += submissions
        self.home.queue_in_loop(lambda: None)  # the test, which may be asleep in its own loop


class CommitDesk:
    """A commit queue on a real database, with senders in the test's loop."""

    def __init__(self, database: Database, passes: Passes) -> None:
        self.database = FailingDatabase(database)
        self.passes = passes
        self.announcements = Announcements()
        self.members: list[Members] = []
        self.queue = CommitQueue(
            self.database,
            self.announcements.announce,
            lambda members, read_at: self.members.append(members),
        )

    # ------------------------------------------------------------------ users and groups

    def users(self, *names: str) -> list[int]:
        return [self.user(name) for name in names]

    def user(self, name: str) -> int:
        return self.database.write(lambda tx: UserModel(tx).insert(name, "h"))

    def group(self, name: str, *members: int) -> int:
        group_id = self.database.write(lambda tx: GroupModel(tx).insert(name, ""))
        for number, user_id in enumerate(members):
            self.join(group_id, user_id, NORMAL if number else CREATOR)
        return group_id

    def join(self, group_id: int, user_id: int, role: str = NORMAL) -> None:
        self.database.write(lambda tx: GroupModel(tx).add_member(group_id, user_id, role))

    def log_in(self, user_id: int) -> Sender:
        user = self.database.read(lambda tx: UserModel(tx).find(user_id))
        assert user is not None
        generation = go_online(self.database, user, "n")
        assert generation is not None
        return Sender(self.passes.loop, user_id, generation)

    # ------------------------------------------------------------------ sending

    def one(self, sender: Sender, to: int, text: str = "hi", mid: str | None = None) -> Submission:
        message = ChatMessage(0, ONE_CHAT, sender.user_id, "name", to, text, TIME)
        return Submission(sender, sender.generation, message, mid)  # type: ignore[arg-type]

    def many(
        self,
        sender: Sender,
        group_id: int,
        text: str = "hi",
        mid: str | None = None,
        only: frozenset[int] | None = None,
    ) -> Submission:
        message = ChatMessage(0, GROUP_CHAT, sender.user_id, "name", group_id, text, TIME)
        return Submission(sender, sender.generation, message, mid, None, only)  # type: ignore[arg-type]

    def settle(self, *sends: Submission) -> tuple[Submission, ...]:
        """Queue sends and wait for their outcomes."""
        for submission in sends:
            assert self.queue.add(submission)
        self.await_outcomes(*sends)
        return sends

    def await_outcomes(self, *sends: Submission) -> None:
        senders = {submission.login for submission in sends}
        self.passes.until(
            lambda: all(
                any(submission is done for sender in senders for done in outcomes_of(sender))
                for submission in sends
            ),
            "the outcomes",
        )

    # ------------------------------------------------------------------ stored rows

    def owed(self, user_id: int) -> list[int]:
        rows = self.database.read(lambda tx: OfflineMessageModel(tx).sizes(user_id, 100_000))
        return [seq for seq, _ in rows]

    def logged(self) -> list[tuple[int, str]]:
        return self.database.read(lambda tx: tx.query("SELECT sender, text FROM message"))

    @property
    def announced(self) -> list[tuple[Topic, int]]:
        return [(message.topic, message.seq) for message in self.announcements.messages]


def outcomes_of(sender: object) -> list[Submission]:
    assert isinstance(sender, Sender)
    return sender.outcomes
