"""CommitQueue: batches, order, failures and limits."""

from __future__ import annotations

import threading

import pytest

import chat.delivery.commit_queue
import chat.delivery.owed
from chat.delivery.commit_queue import FAIR_BATCH, FEW
from chat.delivery.submission import Outcome, Submission
from chat.protocol import ErrNo
from muduopy import EventLoopThread
from tests.chat.delivery.commitkit import CommitDesk
from tests.chat.loopkit import WAIT, writer_held


def test_what_gathers_is_committed_and_answered_together(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    first, second = commits.log_in(ann), commits.log_in(bob)
    sends = [commits.one(sender, ann) for _ in range(50) for sender in (first, second)]
    with writer_held(commits.database):
        for submission in sends:
            commits.queue.add(submission)
    commits.await_outcomes(*sends)
    assert commits.announcements.batches == [100]
    assert (first.calls, second.calls) == (1, 1)


def test_order_is_kept(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sends = [commits.one(sender, bob, f"text {number}") for number in range(300)]
    commits.settle(*sends)
    assert sender.outcomes == sends
    seqs = [submission.seq for submission in sends]
    assert seqs == sorted(set(seqs))
    assert commits.owed(bob) == seqs
    assert [seq for _, seq in commits.announced] == seqs


def test_a_batch_has_its_limit(commits: CommitDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.delivery.commit_queue, "FAIR_BATCH", 10)
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_BATCH", 10)
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sends = [commits.one(sender, bob, f"text {number}") for number in range(35)]
    with writer_held(commits.database):
        for submission in sends:
            commits.queue.add(submission)
    commits.await_outcomes(*sends)
    assert commits.announcements.batches == [10, 10, 10, 5]
    assert sender.outcomes == sends


def test_a_flood_is_cut_into_small_batches(commits: CommitDesk) -> None:
    """Its 500 messages would take one transaction, and B's message would wait for it."""
    ann, bob = commits.users("ann", "bob")
    flooder, other = commits.log_in(ann), commits.log_in(bob)
    flood = [commits.one(flooder, bob, f"text {number}") for number in range(500)]
    single = commits.one(other, ann)
    with writer_held(commits.database):
        for submission in [*flood, single]:
            commits.queue.add(submission)
    commits.await_outcomes(*flood, single)
    assert commits.announcements.batches == [FAIR_BATCH, 373]  # without B's message, all the rest
    assert single.message in commits.announcements.messages[:FAIR_BATCH]
    assert flooder.outcomes == flood


def test_a_mid_repeated_over_a_batchs_end(
    commits: CommitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.delivery.commit_queue, "FAIR_BATCH", 2)
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_BATCH", 2)
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sends = [commits.one(sender, bob, mid="m") for _ in range(5)]
    with writer_held(commits.database):
        for submission in sends:
            commits.queue.add(submission)
    commits.await_outcomes(*sends)
    assert [submission.outcome for submission in sends] == [Outcome.STORED] + [Outcome.REPEATED] * 4
    assert len({submission.seq for submission in sends}) == 1


def test_too_many_may_not_wait(commits: CommitDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_WAITING", 3)
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sends = [commits.one(sender, bob) for _ in range(5)]
    with writer_held(commits.database):
        taken = [commits.queue.add(submission) for submission in sends]
    assert taken == [True, True, True, False, False]
    commits.await_outcomes(*sends[:3])
    assert len(commits.owed(bob)) == 3
    (more,) = commits.settle(commits.one(sender, bob))
    assert more.outcome is Outcome.STORED


def test_a_flood_does_not_delay_a_witness(
    commits: CommitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.delivery.commit_queue, "FAIR_BATCH", 10)
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_BATCH", 10)
    ann, bob, eve = commits.users("ann", "bob", "eve")
    flood, other, witness = (commits.log_in(user) for user in (ann, bob, eve))
    sends = [commits.one(sender, eve, f"{n}") for n in range(40) for sender in (flood, other)]
    one = commits.one(witness, ann)
    with writer_held(commits.database):
        for submission in [*sends, one]:
            commits.queue.add(submission)
    commits.await_outcomes(*sends, one)
    assert sum(submission.seq < one.seq for submission in sends) < 10, "it was in the first batch"
    assert (flood.outcomes, other.outcomes) == (sends[::2], sends[1::2])


def test_a_crowded_queue_takes_from_those_with_few_messages(
    commits: CommitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.delivery.commit_queue, "CROWDED", 2)
    ann, bob = commits.users("ann", "bob")
    busy, idle = commits.log_in(ann), commits.log_in(bob)
    busy.connection.flow.in_flight = FEW + 1
    sends = [commits.one(sender, bob) for sender in (busy, busy, busy, idle)]
    with writer_held(commits.database):
        taken = [commits.queue.add(submission) for submission in sends]
    assert taken == [True, True, False, True]
    commits.await_outcomes(*sends[:2], sends[3])


def test_too_much_may_not_wait(commits: CommitDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_CHARACTERS", 100)
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sends = [commits.one(sender, bob, "x" * 60) for _ in range(3)]
    with writer_held(commits.database):
        taken = [commits.queue.add(submission) for submission in sends]
    assert taken == [True, True, False]
    commits.await_outcomes(*sends[:2])
    (more,) = commits.settle(commits.one(sender, bob, "x" * 60))
    assert more.outcome is Outcome.STORED


def test_so_many_known_users_that_they_are_forgotten(
    commits: CommitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a batch to a known user and to an unknown one."""
    monkeypatch.setattr(chat.delivery.owed, "MAX_KNOWN", 3)
    ann, bob, eve = commits.users("ann", "bob", "eve")
    sender = commits.log_in(ann)
    commits.settle(commits.one(sender, bob))
    commits.queue.known.update({user: frozenset((user,)) for user in range(1000, 1003)})
    sends = [commits.one(sender, bob), commits.one(sender, eve)]
    with writer_held(commits.database):
        for submission in sends:
            commits.queue.add(submission)
    commits.await_outcomes(*sends)
    assert all(submission.outcome is Outcome.STORED for submission in sends)
    assert len(commits.queue.known) <= 3


# ---------------------------------------------------------------------- failures


def assert_unavailable(sends: tuple[Submission, ...] | list[Submission]) -> None:
    for submission in sends:
        assert (submission.outcome, submission.seq) == (Outcome.REFUSED, 0)
        assert submission.errno == ErrNo.UNAVAILABLE
        assert submission.ack()["retry_after"] == 1


@pytest.mark.parametrize("how", ["broken", "lose_commits"])
def test_when_it_cannot_be_stored(commits: CommitDesk, how: str) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    setattr(commits.database, how, True)
    bad = [commits.one(sender, bob, mid=f"m{number}") for number in range(3)]
    assert_unavailable(commits.settle(*bad))
    assert not commits.announced
    setattr(commits.database, how, False)
    again = commits.settle(*(commits.one(sender, bob, mid=f"m{number}") for number in range(3)))
    assert all(submission.outcome is Outcome.STORED for submission in again)
    assert commits.owed(bob) == [submission.seq for submission in again]


def test_what_was_valid_or_not_before_a_lost_commit_is_all_unavailable(
    commits: CommitDesk,
) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    commits.database.lose_commits = True
    assert_unavailable(commits.settle(commits.one(sender, bob), commits.one(sender, 99)))
    assert not commits.owed(bob)


def test_a_closed_database(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    commits.database.close()
    assert_unavailable(commits.settle(commits.one(sender, bob), commits.one(sender, bob)))


def test_a_database_closed_with_several_batches_waiting(
    commits: CommitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each submission is answered, and those that are acknowledged are stored."""
    monkeypatch.setattr(chat.delivery.commit_queue, "FAIR_BATCH", 4)
    monkeypatch.setattr(chat.delivery.commit_queue, "MAX_BATCH", 4)
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sends = [commits.one(sender, bob) for _ in range(18)]
    with writer_held(commits.database):
        for submission in sends:
            commits.queue.add(submission)
        closer = threading.Thread(target=commits.database.close)
        closer.start()
        while not commits.database._real._writer._closing:  # type: ignore[attr-defined]
            pass
    closer.join(WAIT)
    commits.await_outcomes(*sends)
    assert len(sender.outcomes) == 18
    stored = [submission for submission in sends if submission.outcome is Outcome.STORED]
    assert stored == sends[: len(stored)]
    assert_unavailable(sends[len(stored) :])
    assert len(commits.announced) == len(stored)


# ---------------------------------------------------------------------- several loops


def test_each_sender_is_answered_in_its_own_loop(commits: CommitDesk) -> None:
    thread = EventLoopThread("other")
    other_loop = thread.start_loop()
    try:
        ann, bob = commits.users("ann", "bob")
        here, there = commits.log_in(ann), commits.log_in(bob)
        there.loop = other_loop  # its settled() checks the thread
        sends = [commits.one(sender, ann) for _ in range(20) for sender in (here, there)]
        commits.settle(*sends)
        assert len(here.outcomes) == len(there.outcomes) == 20
    finally:
        assert thread.stop(WAIT)


def test_many_threads_add(commits: CommitDesk) -> None:
    users = commits.users("ann", "bob", "eve", "dan")
    senders = [commits.log_in(user) for user in users]
    sends = [[commits.one(sender, users[0], str(n)) for n in range(200)] for sender in senders]

    def add(batch: list[Submission]) -> None:
        for submission in batch:
            assert commits.queue.add(submission)

    threads = [threading.Thread(target=add, args=(batch,)) for batch in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    commits.await_outcomes(*(batch[-1] for batch in sends))
    for sender, batch in zip(senders, sends, strict=True):
        assert sender.outcomes == batch
        seqs = [submission.seq for submission in batch]
        assert seqs == sorted(set(seqs))
    assert len(commits.owed(users[0])) == 800
