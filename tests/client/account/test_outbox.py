from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from chat.protocol import ErrNo
from client.account import outbox as outbox_module
from client.account.outbox import MessageState, Outbox, OutboxMessage, Withdrawal
from client.protocol.events import ChatAnswer
from tests.tiers import examples

RETRY = 1.0


def message(mid: str) -> OutboxMessage:
    return OutboxMessage(mid, target=5, to_group=False, text=f"text of {mid}", created=0.0)


def answer(mid: str, errno: int = 0, retry_after: float | None = None) -> ChatAnswer:
    return ChatAnswer(mid, errno, "words", 1 if errno == 0 else None, "now", retry_after)


def filled(*mids: str) -> Outbox:
    outbox = Outbox(RETRY)
    for mid in mids:
        outbox.add(message(mid))
    return outbox


def mids(messages: list[OutboxMessage] | tuple[OutboxMessage, ...]) -> list[str]:
    return [message.mid for message in messages]


def test_messages_go_out_in_order_and_leave_when_acked() -> None:
    outbox = filled("a", "b", "c")
    assert outbox.wake_at == 0.0
    assert mids(outbox.take(now=5)) == ["a", "b", "c"]
    assert outbox.take(now=5) == []
    assert outbox.wake_at is None
    done = outbox.answered(answer("b"), now=6)
    assert done is not None
    assert done.state is MessageState.ACKED
    assert mids(outbox.messages) == ["a", "c"]
    assert len(outbox) == 2


def test_the_same_mid_twice_is_refused() -> None:
    outbox = filled("a")
    with pytest.raises(ValueError, match="'a' is in the outbox"):
        outbox.add(message("a"))
    outbox.take(now=0)
    with pytest.raises(ValueError, match="'a' is in the outbox"):
        outbox.add(message("a"))


def test_answers_to_nothing_of_ours_mean_nothing() -> None:
    outbox = filled("a")
    outbox.take(now=0)
    assert outbox.answered(answer("z"), now=0) is None
    outbox.answered(answer("a"), now=0)
    for errno in (0, 3, 5, 8):
        assert outbox.answered(answer("a", errno), now=0) is None
    assert len(outbox) == 0


def test_unanswered_messages_go_out_again_on_the_next_connection() -> None:
    outbox = filled("a", "b", "c")
    outbox.take(now=0)
    outbox.add(message("d"))
    outbox.answered(answer("b"), now=0)
    outbox.start_over()
    assert {m.state for m in outbox.messages} == {MessageState.WAITING}
    assert mids(outbox.take(now=0)) == ["a", "c", "d"]


@pytest.mark.parametrize("errno", [1, 2, 4, 5, 7, 9, 10, -1, 99])
def test_a_refusal_is_final(errno: int) -> None:
    outbox = filled("a", "b")
    outbox.take(now=0)
    failed = outbox.answered(answer("a", errno), now=0)
    assert failed is not None
    assert failed.state is MessageState.FAILED
    assert mids(outbox.messages) == ["b"]


@pytest.mark.parametrize("errno", [6, 8])
@pytest.mark.parametrize(("retry_after", "pause"), [(None, RETRY), (7.0, 7.0), (0.0, 0.0)])
def test_not_now_means_this_one_and_all_after_it_later(
    errno: int, retry_after: float | None, pause: float
) -> None:
    outbox = filled("a", "b", "c", "d")
    outbox.take(now=100)
    outbox.answered(answer("b", errno, retry_after), now=100)
    assert outbox.wake_at == 100 + pause
    if pause:
        assert outbox.take(now=100 + pause - 0.1) == []
    assert mids(outbox.take(now=100 + pause)) == ["b", "c", "d"]


def test_the_longest_pause_counts() -> None:
    outbox = filled("a", "b")
    outbox.take(now=100)
    outbox.answered(answer("a", 8, 10.0), now=100)
    outbox.answered(answer("b", 8, 2.0), now=101)
    assert outbox.wake_at == 110


def test_a_copy_that_succeeded_meanwhile_is_not_sent_again() -> None:
    outbox = filled("a", "b", "c")
    outbox.take(now=0)
    outbox.answered(answer("a", 8), now=0)
    done = outbox.answered(answer("b"), now=0)
    assert done is not None
    assert done.state is MessageState.ACKED
    assert mids(outbox.take(now=RETRY)) == ["a", "c"]


def test_not_you_keeps_the_message() -> None:
    outbox = filled("a", "b")
    outbox.take(now=0)
    kept = outbox.answered(answer("a", 3), now=0)
    assert kept is not None
    assert kept.state is MessageState.WAITING
    outbox.start_over()
    assert mids(outbox.take(now=0)) == ["a", "b"]


def test_a_new_connection_does_not_wait_for_the_old_ones_pause() -> None:
    outbox = filled("a")
    outbox.take(now=100)
    outbox.answered(answer("a", 8, 50.0), now=100)
    outbox.start_over()
    assert mids(outbox.take(now=101)) == ["a"]


def test_few_are_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "IN_FLIGHT", 2)
    outbox = filled("a", "b", "c", "d")
    assert mids(outbox.take(now=0)) == ["a", "b"]
    assert outbox.wake_at is None
    outbox.answered(answer("a"), now=0)
    assert outbox.wake_at == 0.0
    assert mids(outbox.take(now=0)) == ["c"]


def test_restored_messages_come_first() -> None:
    old = message("old")
    old.state = MessageState.SENT
    outbox = Outbox(RETRY, [old])
    outbox.add(message("new"))
    assert mids(outbox.take(now=0)) == ["old", "new"]
    assert repr(outbox) == "<Outbox 2 sent, 0 waiting>"


class OutboxMachine(RuleBasedStateMachine):
    """An outbox and a server. Messages and answers are on the wire, and connections break.

    The server stores each mid once, as the real one does. In the end everything that was
    written is stored there exactly once or was refused, and in order unless it was told "not now".
    """

    on_the_wire = Bundle("on_the_wire")
    coming_back = Bundle("coming_back")

    @initialize()
    def begin(self) -> None:
        self.outbox = Outbox(RETRY)
        self.now = 0.0
        self.connection = 0
        self.written: list[str] = []
        self.stored: list[str] = []
        self.refused: set[str] = set()
        self.settled: dict[str, MessageState] = {}
        self.shaken = False  # the server has refused a message for the moment
        self.queue: list[str] = []  # not read by the server yet, in order

    @rule()
    def write(self) -> None:
        mid = f"m{len(self.written)}"
        self.written.append(mid)
        self.outbox.add(message(mid))

    @rule()
    def send(self) -> None:
        self.queue += mids(self.outbox.take(self.now))

    @precondition(lambda self: self.queue)
    @rule(target=coming_back, errno=st.sampled_from([0, 0, 0, 5, 6, 8]))
    def serve(self, errno: int) -> tuple[int, ChatAnswer]:
        mid = self.queue.pop(0)
        if mid in self.stored:
            errno = 0  # the original answer again
        elif mid in self.refused:
            errno = 5
        elif errno == 0:
            self.stored.append(mid)
        elif errno == 5:
            self.refused.add(mid)
        else:
            self.shaken = True
        return self.connection, answer(mid, errno)

    @rule(arriving=consumes(coming_back), twice=st.booleans())
    def arrive(self, arriving: tuple[int, ChatAnswer], twice: bool) -> None:
        connection, ack = arriving
        if connection != self.connection:
            return  # lost with its connection
        for _ in range(1 + twice):
            settled = self.outbox.answered(ack, self.now)
            if settled is not None and settled.state in (MessageState.ACKED, MessageState.FAILED):
                assert settled.mid not in self.settled
                self.settled[settled.mid] = settled.state

    @rule()
    def break_connection(self) -> None:
        self.connection += 1
        self.queue.clear()
        self.outbox.start_over()

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_lost(self) -> None:
        inside = mids(self.outbox.messages)
        assert len(inside) == len(set(inside)) == len(self.outbox)
        assert set(inside) | set(self.settled) == set(self.written)
        assert not set(inside) & set(self.settled)

    @invariant()
    def what_was_settled_is_so_at_the_server(self) -> None:
        for mid, state in self.settled.items():
            assert (mid in self.stored) is (state is MessageState.ACKED)
            assert (mid in self.refused) is (state is MessageState.FAILED)

    @invariant()
    def sent_ones_come_before_waiting_ones_and_all_in_order(self) -> None:
        states = [m.state for m in self.outbox.messages]
        assert states == sorted(states, key=[MessageState.SENT, MessageState.WAITING].index)
        inside = mids(self.outbox.messages)
        assert inside == sorted(inside, key=self.written.index)

    @invariant()
    def stored_once_and_in_order(self) -> None:
        assert len(self.stored) == len(set(self.stored))
        if not self.shaken:
            assert self.stored == sorted(self.stored, key=self.written.index)

    def teardown(self) -> None:
        """A good connection at last: everything arrives."""
        if not hasattr(self, "outbox"):
            return
        self.break_connection()
        for _ in range(len(self.written) + 1):
            for taken in self.outbox.take(self.now):
                if taken.mid in self.refused:
                    ack = answer(taken.mid, 5)
                else:
                    if taken.mid not in self.stored:
                        self.stored.append(taken.mid)
                    ack = answer(taken.mid)
                assert self.outbox.answered(ack, self.now) is not None
        assert len(self.outbox) == 0
        assert set(self.stored) | self.refused == set(self.written)
        assert len(self.stored) == len(set(self.stored))


OutboxMachine.TestCase.settings = settings(
    deadline=None, max_examples=examples(150), stateful_step_count=40
)
TestOutboxMachine = OutboxMachine.TestCase


def test_a_message_that_was_never_sent_can_be_withdrawn() -> None:
    outbox = filled("a", "b")
    assert outbox.withdraw("a") is Withdrawal.WITHDRAWN
    assert mids(outbox.take(now=0)) == ["b"]


def test_a_message_on_its_way_cannot() -> None:
    outbox = filled("a")
    outbox.take(now=0)
    assert outbox.withdraw("a") is Withdrawal.TOO_LATE
    assert mids(outbox.messages) == ["a"]
    outbox.answered(answer("a"), now=0)
    assert outbox.withdraw("a") is Withdrawal.TOO_LATE


def test_a_message_without_its_answer_may_have_arrived() -> None:
    outbox = filled("a")
    outbox.take(now=0)
    outbox.start_over()
    assert outbox.withdraw("a") is Withdrawal.UNSURE
    assert outbox.take(now=0) == []
    assert outbox.answered(answer("a"), now=0) is None


def test_a_message_that_the_server_could_not_take_did_not_arrive() -> None:
    outbox = filled("a", "b")
    outbox.take(now=0)
    outbox.answered(answer("a", ErrNo.UNAVAILABLE), now=0)  # b waits behind it, unanswered
    assert outbox.withdraw("a") is Withdrawal.WITHDRAWN
    assert outbox.withdraw("b") is Withdrawal.UNSURE


def test_messages_of_an_earlier_run_may_have_arrived() -> None:
    outbox = Outbox(RETRY, [message("a")])
    assert outbox.withdraw("a") is Withdrawal.UNSURE
