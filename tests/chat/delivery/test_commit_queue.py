"""CommitQueue: the rows of messages, and the outcomes for their senders."""

from __future__ import annotations

import pytest

from chat.delivery.submission import Outcome, Submission
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT, ErrNo
from chat.storage.tables import MessageModel, SessionModel
from tests.chat.delivery.commitkit import TIME, CommitDesk

Result = tuple[Outcome, ErrNo, bool]


def outcome(submission: Submission) -> Result:
    """With the errno, and whether there is a seq."""
    return submission.outcome, submission.errno, bool(submission.seq)


STORED: Result = (Outcome.STORED, ErrNo.OK, True)
REPEATED: Result = (Outcome.REPEATED, ErrNo.OK, True)


def failed(errno: ErrNo) -> Result:
    return Outcome.REFUSED, errno, False


# ---------------------------------------------------------------------- to one


def test_a_message_is_logged_owed_and_announced(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    (sent,) = commits.settle(commits.one(commits.log_in(ann), bob, "hello"))
    assert outcome(sent) == STORED
    assert commits.owed(bob) == [sent.seq]
    assert commits.owed(ann) == []
    assert commits.logged() == [(ann, "hello")]
    assert commits.announced == [((ONE_CHAT, bob), sent.seq)]
    assert sent.message.receivers == {bob}
    assert sent.message.seq == sent.seq


def test_to_oneself(commits: CommitDesk) -> None:
    (ann,) = commits.users("ann")
    (sent,) = commits.settle(commits.one(commits.log_in(ann), ann))
    assert outcome(sent) == STORED
    assert commits.owed(ann) == [sent.seq]


def test_to_an_unknown_user(commits: CommitDesk) -> None:
    (ann,) = commits.users("ann")
    (sent,) = commits.settle(commits.one(commits.log_in(ann), 99))
    assert outcome(sent) == failed(ErrNo.NOT_FOUND)
    assert sent.errmsg == "no such user"
    assert not commits.logged()
    assert not commits.announced


def test_extra_fields_are_kept(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    message = ChatMessage(0, ONE_CHAT, ann, "ann", bob, "hi", TIME, {"colour": "红", "n": [1]})
    (sent,) = commits.settle(Submission(sender, 1, message, "m"))  # type: ignore[arg-type]
    found = commits.database.read(lambda tx: MessageModel(tx).find(ann, "m"))
    assert found is not None
    assert (found[0], found[1].extra) == (sent.seq, '{"colour":"红","n":[1]}')


def test_one_bad_send_does_not_spoil_its_batch(commits: CommitDesk) -> None:
    ann, bob, eve = commits.users("ann", "bob", "eve")
    sender = commits.log_in(ann)
    other = commits.log_in(eve)
    other.generation += 1
    sends = commits.settle(
        commits.one(sender, bob),
        commits.one(sender, 99),
        commits.one(other, bob),
        commits.many(sender, 99),
        commits.one(sender, eve),
    )
    assert [outcome(sent) for sent in sends] == [
        STORED,
        failed(ErrNo.NOT_FOUND),
        failed(ErrNo.NOT_YOU),
        failed(ErrNo.NOT_FOUND),
        STORED,
    ]
    assert commits.owed(bob) == [sends[0].seq]
    assert commits.owed(eve) == [sends[4].seq]


# ---------------------------------------------------------------------- to a group


def test_all_other_members_are_owed(commits: CommitDesk) -> None:
    ann, bob, eve, dan = commits.users("ann", "bob", "eve", "dan")
    tea = commits.group("tea", ann, bob, eve)
    (sent,) = commits.settle(commits.many(commits.log_in(ann), tea))
    assert outcome(sent) == STORED
    assert [commits.owed(user) for user in (ann, bob, eve, dan)] == [[], [sent.seq], [sent.seq], []]
    assert sent.message.receivers == {bob, eve}
    assert commits.announced == [((GROUP_CHAT, tea), sent.seq)]
    assert commits.members == [{tea: frozenset({ann, bob, eve})}]


def test_members_are_read_in_the_commit(commits: CommitDesk) -> None:
    """Who joins before the commit gets it, whenever it was sent."""
    ann, bob, eve = commits.users("ann", "bob", "eve")
    tea = commits.group("tea", ann, bob)
    sender = commits.log_in(ann)
    first = commits.many(sender, tea)
    commits.join(tea, eve)
    commits.settle(first)
    assert commits.owed(eve) == [first.seq]


def test_a_group_without_other_members(commits: CommitDesk) -> None:
    (ann,) = commits.users("ann")
    tea = commits.group("tea", ann)
    (sent,) = commits.settle(commits.many(commits.log_in(ann), tea))
    assert outcome(sent) == STORED
    assert commits.owed(ann) == []


def test_not_a_member(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    tea = commits.group("tea", bob)
    (sent,) = commits.settle(commits.many(commits.log_in(ann), tea))
    assert outcome(sent) == failed(ErrNo.NOT_A_MEMBER)
    assert not commits.owed(bob)
    assert not commits.announced


def test_no_such_group(commits: CommitDesk) -> None:
    (ann,) = commits.users("ann")
    (sent,) = commits.settle(commits.many(commits.log_in(ann), 99))
    assert outcome(sent) == failed(ErrNo.NOT_FOUND)
    assert sent.errmsg == "no such group"


def test_only_those_who_have_not_got_it_live(commits: CommitDesk) -> None:
    ann, bob, eve, dan = commits.users("ann", "bob", "eve", "dan")
    tea = commits.group("tea", ann, bob, eve)
    only = frozenset({bob, dan, ann})  # dan has left, or never was a member
    (sent,) = commits.settle(commits.many(commits.log_in(ann), tea, only=only))
    assert sent.message.receivers == {bob}
    assert [commits.owed(user) for user in (ann, bob, eve, dan)] == [[], [sent.seq], [], []]


def test_a_user_and_a_group_of_the_same_number(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    tea = commits.group("tea", ann, bob)
    assert tea == ann, "for this test"
    sender = commits.log_in(bob)
    one, many = commits.settle(commits.one(sender, ann), commits.many(sender, tea))
    assert commits.owed(ann) == [one.seq, many.seq]


# ---------------------------------------------------------------------- the sender


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_login_that_was_replaced_cannot_send(commits: CommitDesk, difference: int) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sender.generation += difference
    (sent,) = commits.settle(commits.one(sender, bob))
    assert outcome(sent) == failed(ErrNo.NOT_YOU)
    assert not commits.owed(bob)


def test_replaced_between_sending_and_committing(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    old = commits.log_in(ann)
    late = commits.one(old, bob)
    new = commits.log_in(ann)
    good = commits.one(new, bob)
    commits.settle(late, good)
    assert outcome(late) == failed(ErrNo.NOT_YOU)
    assert outcome(good) == STORED


def test_a_message_of_a_sender_who_has_logged_out_meanwhile(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sent = commits.one(sender, bob)
    commits.database.write(lambda tx: SessionModel(tx).go_offline(ann, sender.generation))
    commits.settle(sent)
    assert outcome(sent) == STORED


def test_the_generation_is_that_of_the_moment_of_sending(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    sent = commits.one(sender, bob)
    sender.generation = 77  # another user logs in on the same connection
    commits.settle(sent)
    assert outcome(sent) == STORED


# ---------------------------------------------------------------------- the same mid again


def test_repeated_later(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    (first,) = commits.settle(commits.one(sender, bob, mid="m"))
    again = commits.one(sender, bob, mid="m")
    again.message.time = "later"
    commits.settle(again)
    assert outcome(again) == REPEATED
    assert (again.seq, again.time) == (first.seq, TIME)
    assert commits.owed(bob) == [first.seq]
    assert len(commits.announced) == 1


def test_repeated_after_it_was_received(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    (first,) = commits.settle(commits.one(sender, bob, mid="m"))
    commits.database.write(lambda tx: tx.execute("DELETE FROM offlinemessage"))
    (again,) = commits.settle(commits.one(sender, bob, mid="m"))
    assert (outcome(again), again.seq) == (REPEATED, first.seq)
    assert commits.owed(bob) == []


def test_repeated_in_one_batch(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    commits.database.lose_commits = False
    first, again, other = (commits.one(sender, bob, text, "m") for text in ("hi", "hi", "ho"))
    commits.settle(first, again, other)
    assert [outcome(sent) for sent in (first, again, other)] == [
        STORED,
        REPEATED,
        failed(ErrNo.BAD_REQUEST),
    ]
    assert again.seq == first.seq
    assert commits.owed(bob) == [first.seq]


@pytest.mark.parametrize("what", ["text", "receiver", "kind"])
def test_the_same_mid_for_something_else(commits: CommitDesk, what: str) -> None:
    ann, bob = commits.users("ann", "bob")
    tea = commits.group("tea", ann, bob)
    commits.group("coffee", ann, bob)
    sender = commits.log_in(ann)
    commits.settle(commits.one(sender, bob, mid="m"))
    other = {
        "text": commits.one(sender, bob, "other", mid="m"),
        "receiver": commits.one(sender, ann, mid="m"),
        "kind": commits.many(sender, tea + 1, mid="m"),
    }[what]
    commits.settle(other)
    assert outcome(other) == failed(ErrNo.BAD_REQUEST)
    assert len(commits.logged()) == 1
    assert len(commits.announced) == 1


def test_a_mid_belongs_to_its_sender(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sends = commits.settle(
        commits.one(commits.log_in(ann), bob, mid="m"),
        commits.one(commits.log_in(bob), ann, mid="m"),
    )
    assert [outcome(sent) for sent in sends] == [STORED, STORED]


def test_a_refused_mid_may_be_used_again(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    commits.settle(commits.one(sender, 99, mid="m"))
    (sent,) = commits.settle(commits.one(sender, bob, mid="m"))
    assert outcome(sent) == STORED
