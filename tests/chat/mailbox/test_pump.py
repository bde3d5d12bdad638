"""Pump, step by step; test_pump_machine.py has all the orders in which the steps may come."""

from __future__ import annotations

import pytest

from chat.mailbox.pump import NEARLY_FULL_SECONDS, RETRY_SECONDS, WINDOW
from tests.chat.mailbox.pumpkit import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk().login()


def test_a_wake_in_turn_is_pushed_without_a_look(desk: Desk) -> None:
    desk.send(1, 2, 3)
    assert desk.given == [1, 2, 3]
    assert not desk.mailbox.reads


def test_a_wake_that_is_not_contiguous_makes_it_look(desk: Desk) -> None:
    desk.store(1, 2)  # the wake of 1 was lost
    desk.wake(2, contiguous=False)
    assert desk.given == []
    desk.mailbox.settle()
    assert desk.given == [1, 2]


def test_a_late_wake_makes_it_look(desk: Desk) -> None:
    desk.send(1, 3)
    desk.store(2)
    desk.wake(2)
    desk.mailbox.settle()
    assert desk.given == [1, 3, 2]


def test_a_repeated_wake_gives_nothing(desk: Desk) -> None:
    desk.send(1)
    desk.wake(1)
    desk.mailbox.settle()
    desk.acknowledge(1)
    desk.mailbox.settle()
    desk.wake(1)
    desk.mailbox.settle()
    assert desk.given == [1]


def test_wakes_during_a_look_wait_for_it(desk: Desk) -> None:
    desk.send(1)
    desk.pump.mark_dirty()
    (read,) = desk.mailbox.reads
    desk.mailbox.look(read)
    desk.send(2, 3)
    assert desk.given == [1]
    desk.mailbox.answer(read)
    desk.mailbox.settle()
    assert desk.given == [1, 2, 3]


def test_wakes_before_the_login_is_complete_are_not_forgotten() -> None:
    desk = Desk()
    desk.store(1)
    desk.wake(1)
    assert not desk.mailbox.reads
    desk.login()
    desk.pump.kick()
    desk.mailbox.settle()
    assert desk.given == [1]


def test_the_mail_in_the_login_answer_is_not_given_again() -> None:
    desk = Desk()
    desk.store(1, 2, 3)
    desk.login([1, 2], more=True)
    desk.pump.kick()
    desk.mailbox.settle()
    assert desk.given == [1, 2, 3]
    desk.wake(3)
    desk.mailbox.settle()
    assert desk.given == [1, 2, 3]


def test_all_mail_in_the_login_answer_costs_no_look() -> None:
    desk = Desk().login([1, 2], more=False)
    desk.pump.kick()
    assert not desk.mailbox.reads


# ---------------------------------------------------------------------- the window


def test_a_full_window_holds_back(desk: Desk) -> None:
    desk.send(*range(1, WINDOW + 10))
    desk.mailbox.settle()
    assert desk.given == list(range(1, WINDOW + 1))
    assert not desk.mailbox.reads


def receive(desk: Desk, *seqs: int) -> None:
    """Acknowledged, and deleted."""
    desk.acknowledge(*seqs)
    desk.mailbox.confirm(desk.mailbox.deletions[-1])


def test_an_acknowledged_window_brings_the_next(desk: Desk) -> None:
    desk.send(*range(1, 2 * WINDOW + 10))
    desk.acknowledge(*range(1, WINDOW + 1))
    desk.mailbox.settle()
    assert desk.given == list(range(1, 2 * WINDOW + 1))


def test_half_a_received_window_brings_more_at_once(desk: Desk) -> None:
    desk.send(*range(1, WINDOW + 10))
    receive(desk, *range(1, WINDOW // 2))
    assert not desk.mailbox.reads
    receive(desk, WINDOW // 2)
    assert len(desk.mailbox.reads) == 1


def test_what_is_not_deleted_would_come_again(desk: Desk) -> None:
    """A client remembers so many numbers: with deletions at a standstill, nothing more goes out."""
    desk.send(*range(1, 2 * WINDOW))
    desk.acknowledge(*range(1, WINDOW + 1))
    desk.client.loop.run_timers()
    assert not desk.mailbox.reads
    assert len(desk.given) == WINDOW


def test_a_late_wake_for_an_earlier_logins_message_makes_it_look() -> None:
    desk = Desk().login(newest=5)  # 1 to 5 were received, and are gone
    desk.wake(5)
    desk.mailbox.settle()
    assert desk.given == []
    desk.send(6)
    assert desk.given == [6]


def test_mail_found_from_outside(desk: Desk) -> None:
    desk.send(1, 2)
    desk.acknowledge(1)
    desk.pump.owes([1, 2])
    assert not desk.mailbox.reads, "it knows them"
    desk.store(3)
    desk.pump.owes([2, 3])
    desk.mailbox.settle()
    assert desk.given == [1, 2, 3]


def test_a_small_acknowledgement_brings_more_soon(desk: Desk) -> None:
    desk.send(*range(1, WINDOW + 10))
    for seq in range(1, 6):
        receive(desk, seq)
    assert not desk.mailbox.reads
    ((seconds, _),) = desk.client.loop.timers
    assert seconds == NEARLY_FULL_SECONDS
    desk.client.loop.run_timers()
    desk.mailbox.settle()
    assert desk.given == list(range(1, WINDOW + 6))
    receive(desk, 6)
    desk.client.loop.run_timers()
    desk.mailbox.settle()
    assert desk.given[-1] == WINDOW + 6


def test_patience_is_in_vain_after_the_logout(desk: Desk) -> None:
    desk.send(*range(1, WINDOW + 10))
    receive(desk, 1)
    desk.pump.stop()
    desk.client.loop.run_timers()
    assert not desk.mailbox.reads


def test_a_look_asks_for_the_room_that_is_left(desk: Desk) -> None:
    desk.send(1, 2, 3, 4, 5)
    receive(desk, 1, 2)
    desk.acknowledge(3)
    desk.pump.mark_dirty()
    (read,) = desk.mailbox.reads
    assert (read.known, read.room) == (frozenset({3, 4, 5}), WINDOW - 3)


# ---------------------------------------------------------------------- slow readers, failures


def test_a_reader_that_does_not_read_gets_nothing_more(desk: Desk) -> None:
    desk.client.flow.output_full = True
    desk.send(1, 2)
    desk.pump.mark_dirty()
    assert desk.given == []
    assert not desk.mailbox.reads
    desk.client.flow.output_full = False
    desk.pump.kick()
    desk.mailbox.settle()
    assert desk.given == [1, 2]


def test_a_failed_look_is_repeated_later(desk: Desk) -> None:
    desk.store(1)
    desk.pump.mark_dirty()
    desk.mailbox.fail(desk.mailbox.reads[0])
    assert not desk.mailbox.reads
    ((seconds, _),) = desk.client.loop.timers
    assert seconds == RETRY_SECONDS
    desk.client.loop.run_timers()
    desk.mailbox.settle()
    assert desk.given == [1]


def test_a_look_that_fails_after_the_logout_is_not_repeated(desk: Desk) -> None:
    desk.pump.mark_dirty()
    desk.pump.stop()
    desk.mailbox.fail(desk.mailbox.reads[0])
    assert not desk.client.loop.timers


def test_what_a_look_finds_after_the_logout_is_not_given(desk: Desk) -> None:
    desk.store(1)
    desk.pump.mark_dirty()
    desk.pump.stop()
    desk.mailbox.settle()
    assert desk.given == []
    assert desk.mailbox.rows == {1}


# ---------------------------------------------------------------------- acknowledgements


def test_only_what_was_given_can_be_acknowledged(desk: Desk) -> None:
    desk.send(1)
    desk.store(2)
    desk.acknowledge(2, 3, 99)
    assert not desk.mailbox.deletions
    desk.acknowledge(1, 2)
    desk.acknowledge(1)
    (deletion,) = desk.mailbox.deletions
    assert deletion.seqs == {1}
    desk.mailbox.settle()
    assert desk.mailbox.rows == {2}


def test_a_row_that_is_being_deleted_is_not_given_again(desk: Desk) -> None:
    desk.send(1)
    desk.acknowledge(1)
    desk.pump.mark_dirty()
    desk.mailbox.answer(desk.mailbox.reads[0])
    assert desk.given == [1]


def test_a_row_deleted_during_a_look_is_not_given_again(desk: Desk) -> None:
    desk.send(1)
    desk.pump.mark_dirty()
    (read,) = desk.mailbox.reads
    desk.mailbox.look(read)  # it still sees the row
    desk.acknowledge(1)
    desk.mailbox.confirm(desk.mailbox.deletions[0])
    desk.mailbox.answer(read)
    assert desk.given == [1]
    assert desk.pump.empty


# ---------------------------------------------------------------------- empty


def test_empty_needs_all_of_it(desk: Desk) -> None:
    assert desk.pump.empty
    desk.client.flow.output_full = True
    assert not desk.pump.empty
    desk.client.flow.output_full = False
    desk.client.closed = True
    assert not desk.pump.empty
    desk.client.closed = False
    desk.client.tcp.closing = True
    assert not desk.pump.empty
    desk.client.tcp.closing = False
    desk.pump.stores_pending += 1
    assert not desk.pump.empty
    desk.pump.store_settled()
    assert desk.pump.empty
    desk.send(1)
    assert not desk.pump.empty
    desk.acknowledge(1)
    assert desk.pump.empty, "an acknowledged message cannot be overtaken, deleted or not"
    desk.mailbox.settle()
    assert desk.pump.empty
    desk.pump.mark_dirty()
    assert not desk.pump.empty
    desk.mailbox.settle()
    assert desk.pump.empty
    desk.pump.stop()
    assert not desk.pump.empty
