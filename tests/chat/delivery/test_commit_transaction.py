"""A repeated transaction: the rows of the attempt before are found, and not written twice."""

from __future__ import annotations

import pytest

from chat.delivery.commit_transaction import store
from chat.delivery.owed import KnownMailboxes
from chat.delivery.submission import ANNOUNCED, Outcome, Submission
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, ErrNo
from chat.storage import Transaction
from chat.storage.tables import UserModel
from tests.chat.delivery.commitkit import TIME, CommitDesk


class Rollback(Exception):
    """Ends a transaction without a commit."""


def attempt(
    commits: CommitDesk, *submissions: Submission, commit: bool = True, again: bool = False
) -> None:
    """One attempt of the transaction."""

    def work(tx: Transaction) -> None:
        store(tx, submissions, KnownMailboxes(), again=again)
        if not commit:
            raise Rollback

    if commit:
        commits.database.write(work)
    else:
        with pytest.raises(Rollback):
            commits.database.write(work)


def retry(commits: CommitDesk, *submissions: Submission) -> None:
    """The outcome of the attempt before is not known: once more."""
    for submission in submissions:
        submission.retry()
    attempt(commits, *submissions, again=True)


def test_the_first_attempt_was_committed(commits: CommitDesk) -> None:
    """Its receiver has not been woken, so it is announced."""
    ann, bob = commits.users("ann", "bob")
    sent = commits.one(commits.log_in(ann), bob)
    attempt(commits, sent)
    seq = sent.seq
    retry(commits, sent)
    assert (sent.outcome, sent.seq, sent.message.seq) == (Outcome.RECOVERED, seq, seq)
    assert sent.outcome in ANNOUNCED
    retry(commits, sent)
    assert sent.outcome is Outcome.RECOVERED
    assert commits.owed(bob) == [seq]


def test_the_first_attempt_was_rolled_back(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sent = commits.one(commits.log_in(ann), bob)
    attempt(commits, sent, commit=False)
    assert commits.owed(bob) == []
    retry(commits, sent)
    assert sent.outcome is Outcome.STORED
    assert commits.owed(bob) == [sent.seq]


def test_a_group_s_message_in_doubt(commits: CommitDesk) -> None:
    """Its receivers may have changed since; they find it in their mailboxes."""
    ann, bob = commits.users("ann", "bob")
    tea = commits.group("tea", ann, bob)
    sent = commits.many(commits.log_in(ann), tea)
    attempt(commits, sent)
    seq = sent.seq
    retry(commits, sent)
    assert (sent.outcome, sent.seq) == (Outcome.REPEATED, seq)
    assert sent.outcome not in ANNOUNCED
    assert commits.owed(bob) == [seq]


def test_a_repetition_by_the_client_stays_one(commits: CommitDesk) -> None:
    """Its receiver may have deleted the row of the mailbox: a wake would bring it again."""
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    first, again = commits.one(sender, bob, mid="m"), commits.one(sender, bob, mid="m")
    attempt(commits, first)
    attempt(commits, again)
    assert (again.outcome, again.seq) == (Outcome.REPEATED, first.seq)
    retry(commits, again)
    assert (again.outcome, again.seq) == (Outcome.REPEATED, first.seq)


def test_another_node_has_stored_it_for_its_own_receivers(commits: CommitDesk) -> None:
    ann, bob, eve = commits.users("ann", "bob", "eve")
    tea = commits.group("tea", ann, bob, eve)
    sender = commits.log_in(ann)
    theirs = commits.many(sender, tea, mid="m", only=frozenset((bob,)))
    ours = commits.many(sender, tea, mid="m", only=frozenset((bob, eve)))
    attempt(commits, theirs)
    attempt(commits, ours)
    assert (ours.outcome, ours.seq) == (Outcome.ADDED, theirs.seq)
    assert ours.outcome in ANNOUNCED
    assert commits.owed(bob) == commits.owed(eve) == [theirs.seq]
    retry(commits, ours)
    assert ours.outcome is Outcome.ADDED
    assert commits.owed(eve) == [theirs.seq]


def test_refused_at_the_second_attempt(commits: CommitDesk) -> None:
    """A later login has taken the user over meanwhile."""
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sent = commits.one(sender, bob)
    attempt(commits, sent, commit=False)
    commits.log_in(ann)
    retry(commits, sent)
    assert sent.outcome is Outcome.REFUSED
    assert commits.owed(bob) == []


@pytest.mark.parametrize("deleted", ["ann", "bob"])
def test_a_live_message_of_a_deleted_account(commits: CommitDesk, deleted: str) -> None:
    """Another node has acknowledged it. Then one of the two users deletes the account.

    The messages in the same transaction are stored.
    """
    ann, bob, eve = commits.users("ann", "bob", "eve")
    sent = commits.one(commits.log_in(eve), eve)
    live = Submission(None, 0, ChatMessage(0, ONE_CHAT, ann, "ann", bob, "hi", TIME))
    user_id = {"ann": ann, "bob": bob}[deleted]
    commits.database.write(lambda tx: UserModel(tx).delete(user_id))
    attempt(commits, live, sent)
    assert (live.outcome, live.errno) == (Outcome.REFUSED, ErrNo.NOT_FOUND)
    assert commits.owed(eve) == [sent.seq]
