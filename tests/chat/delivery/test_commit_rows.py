"""CommitQueue: batches and bounds count mailbox rows, not sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chat.delivery.commit_batch
import chat.delivery.commit_queue
from chat.delivery.commit_batch import BATCH_ROWS, MAX_BATCH, choose
from chat.delivery.submission import Outcome, Submission
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT
from chat.storage import Transaction
from tests.chat.delivery.commitkit import CommitDesk
from tests.chat.delivery.test_devices import devices
from tests.chat.loopkit import Outcomes, writer_held

GROUP_SIZE = 6


def allow_rows(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """The rows of one transaction."""
    for module in (chat.delivery.commit_batch, chat.delivery.commit_queue):
        monkeypatch.setattr(module, "BATCH_ROWS", rows)


class Crowd:
    """A group of which everybody is logged in."""

    def __init__(self, commits: CommitDesk) -> None:
        self.commits = commits
        self.users = commits.users(*(f"user {number}" for number in range(GROUP_SIZE)))
        self.group = commits.group("crowd", *self.users)
        self.senders = [commits.log_in(user) for user in self.users]

    def to_all(self, number: int, text: str = "to all") -> Submission:
        return self.commits.many(self.senders[number], self.group, text)

    def to_one(self, number: int, text: str = "to one") -> Submission:
        return self.commits.one(self.senders[number], self.users[0], text)

    def commit(self, *sends: Submission) -> list[int]:
        """What gathers while the writer is busy; returns how many were in each batch."""
        self.commits.announcements.batches.clear()
        with writer_held(self.commits.database):
            for submission in sends:
                assert self.commits.queue.add(submission)
        self.commits.await_outcomes(*sends)
        assert all(submission.outcome is Outcome.STORED for submission in sends)
        return self.commits.announcements.batches


@pytest.fixture
def crowd(commits: CommitDesk) -> Crowd:
    return Crowd(commits)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    allow_rows(monkeypatch, 8)


def test_a_batch_is_cut_when_its_groups_are_larger_than_was_known(crowd: Crowd, rows: None) -> None:
    sends = [crowd.to_all(number) for number in range(3)]
    assert crowd.commit(*sends) == [1, 1, 1]
    seqs = [submission.seq for submission in sends]
    assert seqs == sorted(seqs)
    assert crowd.commits.owed(crowd.users[5]) == seqs


def test_then_their_size_is_known(crowd: Crowd, rows: None) -> None:
    queue = crowd.commits.queue
    assert queue.rows_for(crowd.group) == 1
    crowd.commit(crowd.to_all(0))
    assert queue.rows_for(crowd.group) == GROUP_SIZE
    assert crowd.commit(*(crowd.to_all(number) for number in range(3))) == [1, 1, 1]
    assert (queue._rows, queue._characters, queue._waiting) == (0, 0, [])


def test_each_device_of_a_member_counts(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """One member has three devices, so a message has more rows than the group has members."""
    allow_rows(monkeypatch, 2 * GROUP_SIZE)
    devices(crowd.commits, crowd.users[5], 1, 2, 3)
    crowd.commit(crowd.to_all(0))
    assert crowd.commits.queue.rows_for(crowd.group) == GROUP_SIZE - 1 + 2
    assert crowd.commit(*(crowd.to_all(number) for number in range(2))) == [1, 1]


def test_a_message_to_one_does_not_wait_for_those_to_all(crowd: Crowd, rows: None) -> None:
    """Whether or not it is known how large the group is."""
    for _ in range(2):
        large = [crowd.to_all(number) for number in range(5) for _ in range(10)]
        witness = crowd.to_one(5)
        batches = crowd.commit(*large, witness)
        assert batches[0] == 2, "the first of all, and the witness"
        assert witness.seq < large[1].seq
        assert sum(batches) == 51


def test_a_message_to_one_is_in_a_small_transaction(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if all would fit into a large one."""
    monkeypatch.setattr(chat.delivery.commit_queue, "MIXED_ROWS", 2 * GROUP_SIZE)
    monkeypatch.setattr(chat.delivery.commit_queue, "CALM", 2)
    crowd.commit(crowd.to_all(0))  # its size is known now
    large = [crowd.to_all(number) for number in range(5)]
    for submission in large:
        submission.rows = GROUP_SIZE
    assert crowd.commit(*large, crowd.to_one(5)) == [3, 2, 1]
    large = [crowd.to_all(number) for number in range(5)]
    for submission in large:
        submission.rows = GROUP_SIZE
    assert crowd.commit(*large) == [5]


def test_a_group_that_is_larger_than_a_batch(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    allow_rows(monkeypatch, 3)
    sends = [crowd.to_all(0), *(crowd.to_one(number % 3 + 1) for number in range(5))]
    assert crowd.commit(*sends) == [4, 2]


def test_each_sender_is_answered_in_order(crowd: Crowd, rows: None) -> None:
    sends = [
        [crowd.to_all(number) if turn % 2 else crowd.to_one(number) for turn in range(6)]
        for number in range(4)
    ]
    crowd.commit(*(send for turn in zip(*sends, strict=True) for send in turn))
    for sender, its in zip(crowd.senders, sends, strict=False):
        assert sender.outcomes == its
        seqs = [submission.seq for submission in its]
        assert seqs == sorted(seqs)


def test_what_was_cut_off_is_not_in_a_repeated_attempt(crowd: Crowd, rows: None) -> None:
    """Work beside it fails: MySQL's writer begins the transaction anew."""

    def fail(tx: Transaction) -> None:
        raise ValueError("for the test")

    commits, failed = crowd.commits, Outcomes()
    sends = [crowd.to_all(number) for number in range(3)]
    with writer_held(commits.database):
        for submission in sends:
            commits.queue.add(submission)
        commits.database.submit(fail, failed)
    commits.await_outcomes(*sends)
    assert isinstance(failed.next()[1], ValueError)
    seqs = [submission.seq for submission in sends]
    assert (commits.announcements.batches, seqs) == ([1, 1, 1], sorted(set(seqs)))
    assert commits.owed(crowd.users[5]) == seqs


def test_rows_that_wait_have_a_bound(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of groups: a message to one user is refused for too many sends only."""
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_ROWS", 10)
    sends = [crowd.to_all(0), crowd.to_all(1), crowd.to_all(2), crowd.to_one(3)]
    for submission in sends[:3]:
        submission.rows = GROUP_SIZE
    with writer_held(crowd.commits.database):
        taken = [crowd.commits.queue.add(submission) for submission in sends]
    assert taken == [True, True, False, True]
    crowd.commits.await_outcomes(*sends[:2], sends[3])


# ---------------------------------------------------------------------- the choice


def send(sender: int, number: int) -> Submission:
    message = ChatMessage(0, GROUP_CHAT, sender, "", 1, "", "")
    return Submission(None, 0, message, f"{number}")


SIZES = st.one_of(st.just(1), st.integers(1, 3 * BATCH_ROWS))


@given(st.lists(st.tuples(st.integers(1, 9), SIZES), min_size=1))
def test_choose(drawn: list[tuple[int, int]]) -> None:
    sends = [send(sender, number) for number, (sender, _) in enumerate(drawn)]
    sizes = {submission: size for submission, (_, size) in zip(sends, drawn, strict=True)}
    taken, left = choose(sends, sizes.__getitem__)
    assert taken[0] is sends[0], "it goes on in any case"
    assert sorted(taken + left, key=sends.index) == sends
    assert sum(sizes[submission] for submission in taken[1:]) <= BATCH_ROWS
    for sender in range(1, 10):
        its = [submission for submission in taken + left if submission.message.sender == sender]
        assert its == [submission for submission in sends if submission.message.sender == sender]
    room = BATCH_ROWS - sum(sizes[submission] for submission in taken)
    behind = {submission.message.sender for submission in left if sizes[submission] > room}
    for submission in left:
        assert room <= 0 or submission.message.sender in behind, "left though it would have fitted"


def test_so_many_sends_at_the_most() -> None:
    sends = [send(1, number) for number in range(MAX_BATCH + 5)]
    taken, left = choose(sends, lambda submission: 1)
    assert (len(taken), left) == (MAX_BATCH, sends[MAX_BATCH:])
