"""Backlog: shares and turns of senders."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from chat.delivery.backlog import LITTLE, MUCH, Backlog
from chat.delivery.submission import Submission
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT


def send(sender: int, number: int, rows: int = 1) -> Submission:
    message = ChatMessage(0, GROUP_CHAT, sender, "", 1, "", "")
    return Submission(None, 0, message, f"{number}", rows=rows)


def rows_of(submission: Submission) -> int:
    return submission.rows


def test_a_flood_leaves_the_others_their_share() -> None:
    backlog = Backlog()
    backlog.add([send(sender, number) for number in range(256) for sender in range(1, 11)])
    witness = send(99, 0)
    backlog.add([witness])
    taken = backlog.take(1000, 8000, None)
    assert (len(taken), len(backlog)) == (1000, 1561)
    assert witness in taken


def test_a_flood_beside_users_who_send_little() -> None:
    backlog = Backlog()
    assert not backlog.is_uneven
    backlog.add([send(1, number) for number in range(MUCH)])
    assert not backlog.is_uneven  # it floods alone
    backlog.add([send(2, number) for number in range(LITTLE + 1)])
    assert not backlog.is_uneven
    backlog.add([send(3, number) for number in range(LITTLE)])
    assert backlog.is_uneven


def test_a_flood_of_messages_to_groups() -> None:
    backlog = Backlog()
    backlog.add([send(sender, number, 500) for sender in range(1, 41) for number in range(10)])
    witness = send(99, 0)
    backlog.add([witness])
    seen: list[Submission] = []
    while witness not in seen:
        seen += backlog.take(1000, 8000, rows_of)
    assert len(seen) <= 3 * 16 + 1, "one turn of each sender"


def test_submissions_that_need_no_room() -> None:
    backlog = Backlog()
    large, small = send(1, 0, 9000), send(2, 0, 0)
    backlog.add([large, send(3, 0, 9000), small])
    assert backlog.take(1000, 8000, rows_of) == [large, small]


def test_what_others_do_not_use_goes_to_the_one_sender() -> None:
    backlog = Backlog()
    its = [send(1, number) for number in range(50)]
    other = send(2, 0)
    backlog.add([*its, other])
    assert backlog.take(20, 8000, None) == [*its[:10], other, *its[10:19]]
    assert backlog.take(100, 8000, None) == its[19:]
    assert not backlog


def test_a_submission_larger_than_a_batch() -> None:
    backlog = Backlog()
    large, small = send(1, 0, 9000), send(2, 0)
    backlog.add([small, large])
    assert backlog.take(1000, 8000, rows_of) == [small]
    backlog.add([other := send(3, 0)])
    assert backlog.take(1000, 8000, rows_of) == [large, other]


def test_what_is_put_back_comes_first() -> None:
    backlog = Backlog()
    later = [send(1, 2), send(2, 0)]
    earlier = [send(3, 0), send(1, 0), send(1, 1)]
    backlog.add(later)
    backlog.put_back(earlier)
    assert backlog.take(2, 8000, None) == [earlier[0], earlier[1]]
    assert backlog.take(9, 8000, None) == [later[1], earlier[2], later[0]]


def test_an_empty_backlog() -> None:
    assert Backlog().take(10, 10, None) == []


SENDS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 30)), max_size=60)


@given(st.lists(SENDS, min_size=1, max_size=4), st.integers(1, 12), st.integers(1, 40))
def test_all_come_in_the_order_of_their_sender(
    arrivals: list[list[tuple[int, int]]], limit: int, room: int
) -> None:
    backlog = Backlog()
    sent: defaultdict[int, list[Submission]] = defaultdict(list)
    came: defaultdict[int, list[Submission]] = defaultdict(list)
    while arrivals or backlog:
        for sender, rows in arrivals.pop(0) if arrivals else []:
            sent[sender].append(send(sender, len(sent[sender]), rows))
            backlog.add(sent[sender][-1:])
        waiting = len(backlog)
        taken = backlog.take(limit, room, rows_of)
        assert bool(taken) == bool(waiting), "it goes on in any case"
        assert len(backlog) == waiting - len(taken)
        assert len(taken) <= limit
        assert sum(map(rows_of, taken[1:])) <= room
        for submission in taken:
            came[submission.message.sender].append(submission)
    assert came == sent
