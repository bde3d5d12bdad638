"""The first message of a conversation inserts its rows, whatever happens to the transaction."""

from __future__ import annotations

from chat.delivery.known_conversations import KnownConversations
from chat.storage.base import Row
from tests.chat.delivery.commitkit import CommitDesk
from tests.chat.loopkit import writer_held


def rows(commits: CommitDesk) -> list[Row]:
    sql = "SELECT userid, conversation, readmark FROM conversation ORDER BY userid, conversation"
    return commits.database.read(lambda tx: tx.query(sql))


def test_both_users_get_a_row(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    for _ in range(2):
        commits.settle(commits.one(sender, bob))
    number = ann << 31 | bob
    assert rows(commits) == [(ann, number, 0), (bob, number, 0)]


def test_messages_in_both_directions_in_one_transaction(commits: CommitDesk) -> None:
    ann, bob, eve = commits.users("ann", "bob", "eve")
    senders = [commits.log_in(user) for user in (ann, bob)]
    sent = [
        commits.one(senders[0], bob),
        commits.one(senders[1], ann),
        commits.one(senders[0], ann),
        commits.one(senders[0], eve),
    ]
    with writer_held(commits.database):
        for submission in sent:
            assert commits.queue.add(submission)
    commits.await_outcomes(*sent)
    assert [row[:2] for row in rows(commits)] == [
        (ann, ann << 31 | ann),
        (ann, ann << 31 | bob),
        (ann, ann << 31 | eve),
        (bob, ann << 31 | bob),
        (eve, ann << 31 | eve),
    ]


def test_a_refused_message_makes_no_conversation(commits: CommitDesk) -> None:
    (ann,) = commits.users("ann")
    commits.settle(commits.one(commits.log_in(ann), 99))
    assert rows(commits) == []


def test_a_message_to_a_group_makes_no_row(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    group = commits.group("tea", ann, bob)
    commits.settle(commits.many(commits.log_in(ann), group))
    assert rows(commits) == []


def test_rows_that_were_undone_are_inserted_again(commits: CommitDesk) -> None:
    """The transaction of the first message fails as a whole; the client repeats the message."""
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    commits.database.lose_commits = True
    commits.settle(commits.one(sender, bob))
    assert rows(commits) == []
    commits.database.lose_commits = False
    commits.settle(commits.one(sender, bob))
    assert len(rows(commits)) == 2


def test_the_set_is_bounded() -> None:
    known = KnownConversations()
    known.committed(set(range(100_001)))
    known.committed({5})
    assert known._known == {5}
