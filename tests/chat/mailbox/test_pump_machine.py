"""Pump under every order of events: hypothesis plays the mailbox, the bus and the client.

It must hold that nothing is given twice within a login, nothing is skipped for ever, at most a
window is unacknowledged, and all comes in order when nothing was late.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import chat.connection.classic_writer
import chat.mailbox.pump
from chat.connection.classic_writer import ClassicWriter
from tests.chat.mailbox.pumpkit import ClassicDesk, Desk, FakeConnection, FakeMailbox
from tests.tiers import examples

WINDOW = 4
"""Small, so that it is full most of the time."""

QUEUE = 3
"""Messages in an original client's writer."""

PICK = st.integers(0, 1000)


class PumpMachine(RuleBasedStateMachine):
    """One user, logging in again and again, with one mailbox."""

    orderly = False
    """Wakes come once, in order; commits are in the order of ``seq``: a single node."""

    @initialize(stored=st.integers(0, 2 * WINDOW))
    def begin(self, stored: int) -> None:
        self.next_seq = 1
        self.held_back: list[int] = []  # numbers taken, not committed yet
        self.wakes: list[int] = []
        self.wakes_lost = False  # and no look since
        self.received: set[int] = set()  # acknowledged in whichever login
        self.desk = self.new_desk(None)
        self.old: list[tuple[Desk, int]] = []
        for _ in range(stored):
            self.store()
        self.wakes.clear()  # no session was there to be woken
        self.found: list[int] | None = None
        self.begin_login()
        self.finish_login()

    def new_desk(self, mailbox: FakeMailbox | None) -> Desk:
        return Desk(mailbox)

    @property
    def committed(self) -> set[int]:
        return set(range(1, self.next_seq)) - set(self.held_back)

    @property
    def logged_in(self) -> bool:
        return self.desk.pump.active

    @precondition(lambda self: not self.logged_in and self.found is None)
    @rule()
    def begin_login(self) -> None:
        """The worker has registered the login, and reads the mailbox."""
        self.found = sorted(self.desk.mailbox.rows)[:WINDOW]
        self.more = len(self.desk.mailbox.rows) > WINDOW
        self.newest = max(self.committed, default=0)
        self.gone: set[int] = self.committed - self.desk.mailbox.rows

    @precondition(lambda self: not self.logged_in and self.found is not None)
    @rule()
    def finish_login(self) -> None:
        assert self.found is not None
        self.desk.login(self.found, self.more, self.newest)
        self.found = None
        self.desk.pump.kick()

    @precondition(lambda self: self.logged_in)
    @rule()
    def log_out(self) -> None:
        self.desk.pump.stop()
        self.old.append((self.desk, len(self.desk.given)))
        self.desk = self.new_desk(self.desk.mailbox)
        self.gone = set()

    # ------------------------------------------------------------------ senders

    @rule()
    def store(self) -> None:
        self.commit(self.next_seq)
        self.next_seq += 1

    @rule(count=st.integers(1, WINDOW + 1))
    def send(self, count: int) -> None:
        """Store, and wake at once."""
        for _ in range(count):
            self.store()
            if self.orderly:
                while self.wakes:
                    self.desk.wake(self.wakes.pop(0))
            elif not self.wakes_lost:
                self.desk.wake(self.wakes.pop())

    def commit(self, seq: int) -> None:
        self.desk.store(seq)
        self.wakes.append(seq)

    @precondition(lambda self: not self.orderly)
    @rule()
    def take_a_number(self) -> None:
        """Another node's transaction, which will commit later than greater numbers."""
        self.held_back.append(self.next_seq)
        self.next_seq += 1

    @precondition(lambda self: self.held_back)
    @rule(pick=PICK)
    def commit_late(self, pick: int) -> None:
        self.commit(self.held_back.pop(pick % len(self.held_back)))

    # ------------------------------------------------------------------ the bus

    @precondition(lambda self: self.wakes)
    @rule(pick=PICK, contiguous=st.booleans(), again=st.booleans())
    def wake(self, pick: int, contiguous: bool, again: bool) -> None:
        if self.orderly:
            self.desk.wake(self.wakes.pop(0))
            return
        seq = self.wakes[pick % len(self.wakes)]
        if not again:
            self.wakes.remove(seq)
        contiguous = contiguous and not self.wakes_lost  # the first after a lost one is not
        self.desk.wake(seq, contiguous)
        self.wakes_lost &= contiguous

    @precondition(lambda self: self.wakes and not self.orderly)
    @rule(pick=PICK)
    def lose_wake(self, pick: int) -> None:
        self.wakes.pop(pick % len(self.wakes))
        self.wakes_lost = True

    @rule()
    def doubt(self) -> None:
        self.desk.pump.mark_dirty()
        self.wakes_lost = False

    # ------------------------------------------------------------------ the database

    @precondition(lambda self: self.desk.mailbox.reads)
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        reads = self.desk.mailbox.reads
        self.desk.mailbox.look(reads[pick % len(reads)])

    @precondition(lambda self: self.desk.mailbox.reads)
    @rule(pick=PICK)
    def answer(self, pick: int) -> None:
        reads = self.desk.mailbox.reads
        self.desk.mailbox.answer(reads[pick % len(reads)])

    @precondition(lambda self: self.desk.mailbox.reads)
    @rule(pick=PICK)
    def fail(self, pick: int) -> None:
        reads = self.desk.mailbox.reads
        self.desk.mailbox.fail(reads[pick % len(reads)])

    @precondition(lambda self: self.desk.mailbox.deletions)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        deletions = self.desk.mailbox.deletions
        self.desk.mailbox.commit(deletions[pick % len(deletions)])

    @precondition(lambda self: self.desk.mailbox.deletions)
    @rule(pick=PICK)
    def confirm(self, pick: int) -> None:
        deletions = self.desk.mailbox.deletions
        self.desk.mailbox.confirm(deletions[pick % len(deletions)])

    # ------------------------------------------------------------------ the client

    @rule(data=st.data())
    def acknowledge(self, data: Any) -> None:
        # Known, unknown, repeated and future numbers.
        numbers = st.sampled_from(range(self.next_seq + 3))
        seqs = data.draw(st.lists(numbers, max_size=WINDOW + 2))
        self.note_received(seqs)
        self.desk.pump.acknowledge(seqs)

    @rule()
    def acknowledge_all(self) -> None:
        self.note_received(self.desk.given)
        self.desk.pump.acknowledge(list(self.desk.given))

    def note_received(self, seqs: list[int]) -> None:
        self.received |= set(seqs) & set(self.desk.given)

    @rule()
    def stop_reading(self) -> None:
        self.desk.client.flow.output_full = True

    @precondition(lambda self: self.desk.client.flow.output_full)
    @rule()
    def read_again(self) -> None:
        self.desk.client.flow.output_full = False
        self.desk.pump.kick()

    @rule()
    def retry(self) -> None:
        self.desk.client.loop.run_timers()

    # ------------------------------------------------------------------ invariants

    @invariant()
    def nothing_comes_twice(self) -> None:
        assert len(set(self.desk.given)) == len(self.desk.given)

    @invariant()
    def at_most_a_window_is_unacknowledged(self) -> None:
        assert len(set(self.desk.given) - self.received) <= WINDOW
        assert len(self.desk.pump._unacked) <= WINDOW

    @invariant()
    def at_most_a_window_would_come_again(self) -> None:
        assert len(set(self.desk.given) & self.desk.mailbox.rows) <= WINDOW

    @invariant()
    def what_was_gone_before_the_login_stays_gone(self) -> None:
        assert not self.gone & set(self.desk.given)

    @invariant()
    def in_order_if_nothing_is_late(self) -> None:
        if self.orderly:
            assert self.desk.given == sorted(self.desk.given)

    @invariant()
    def old_logins_get_nothing_more(self) -> None:
        assert all(len(desk.given) == given for desk, given in self.old)

    @invariant()
    def nothing_is_deleted_that_was_not_received(self) -> None:
        assert self.committed - self.desk.mailbox.rows <= self.received

    @invariant()
    def empty_means_that_only_deletions_are_due(self) -> None:
        if self.desk.pump.empty and not self.wakes and not self.wakes_lost:
            due = {seq for deletion in self.desk.mailbox.deletions for seq in deletion.seqs}
            assert self.desk.mailbox.rows <= due

    def teardown(self) -> None:
        """In the end everything arrives, whatever has happened."""
        if not hasattr(self, "desk"):
            return
        for seq in self.held_back:
            self.commit(seq)
        if not self.logged_in:
            self.begin_login()
            self.finish_login()
        for seq in self.wakes:
            self.desk.wake(seq, contiguous=False)
        if self.wakes_lost:
            self.desk.pump.mark_dirty()
        if self.desk.client.flow.output_full:
            self.read_again()
        for _ in range(self.next_seq + 10):
            self.desk.client.loop.run_timers()
            self.desk.mailbox.settle()
            self.acknowledge_all()
            self.nothing_comes_twice()
            self.at_most_a_window_is_unacknowledged()
            self.in_order_if_nothing_is_late()
        assert not self.desk.mailbox.rows, "skipped for ever"
        assert self.received == set(range(1, self.next_seq))
        assert self.desk.pump.empty


class OrderlyPumpMachine(PumpMachine):
    orderly = True


class Clock:
    """The writer's; it stands still until a test moves it."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


CLOCK = Clock()


class ClassicPumpMachine(PumpMachine):
    """An original client, which acknowledges nothing: it has the messages that its writer wrote."""

    def new_desk(self, mailbox: FakeMailbox | None) -> Desk:
        return ClassicDesk(mailbox, self.received.add)

    @property
    def connection(self) -> FakeConnection:
        connection: FakeConnection = self.desk.client.tcp
        return connection

    def acknowledge(self) -> None:
        """Not a rule here."""

    def acknowledge_all(self) -> None:
        self.connection.unsent_bytes = 0
        for _ in range(3):
            self.gap_ends()

    @rule()
    def gap_ends(self) -> None:
        CLOCK.now += 2.0
        self.desk.client.loop.run_timers()

    @rule(unsent=st.integers(0, 1))
    def kernel_is_slow(self, unsent: int) -> None:
        self.connection.unsent_bytes = unsent

    @precondition(lambda self: self.logged_in)
    @rule()
    def line_breaks(self) -> None:
        self.connection.closing = True
        self.gap_ends()
        self.desk.client.classic_output.writer.stop()
        self.log_out()

    @invariant()
    def few_messages_wait_in_memory(self) -> None:
        assert len(self.desk.client.classic_output.writer._queue) <= QUEUE + 1, "and a mark"


class OrderlyClassicPumpMachine(ClassicPumpMachine):
    orderly = True


MACHINES = [PumpMachine, OrderlyPumpMachine, ClassicPumpMachine, OrderlyClassicPumpMachine]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.mailbox.pump, "WINDOW", WINDOW)
    monkeypatch.setattr(chat.mailbox.pump, "MAIL_QUEUE", QUEUE)
    monkeypatch.setattr(chat.connection.classic_writer, "MAIL_QUEUE", QUEUE)
    monkeypatch.setattr(chat.connection.classic_writer, "time", CLOCK)


SETTINGS = settings(
    max_examples=examples(200),
    stateful_step_count=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("machine", MACHINES)
def test_pump_under_any_order_of_events(machine: type[PumpMachine]) -> None:
    run_state_machine_as_test(machine, settings=SETTINGS)


def test_a_deliberate_bug_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that waits for its gap counts as delivered."""
    queue = ClassicWriter.hand_over

    def hand_over(self: Any, message: Any, done: Any, *, live: bool = False) -> None:
        queue(self, message, lambda written: None, live=live)
        done(True)

    monkeypatch.setattr(ClassicWriter, "hand_over", hand_over)
    # The same examples in each run: they find the bug.
    repeated = settings(
        SETTINGS,
        max_examples=200,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(ClassicPumpMachine, settings=repeated)
