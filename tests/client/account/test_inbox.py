from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.account import inbox as inbox_module
from client.account.inbox import Inbox, Seen, mark_of
from client.values import ChatMessage


def chat(seq: int | None, text: str = "hi") -> ChatMessage:
    return ChatMessage(2, "bob", "now", text, None, seq, 1)


def marks(*seqs: int) -> list[Seen]:
    """The marks of such messages."""
    return [mark for seq in seqs if (mark := mark_of(chat(seq))) is not None]


def seen(inbox: Inbox) -> list[int]:
    return [mark.seq for mark in inbox.seen]


def read(inbox: Inbox) -> list[int | None]:
    """Take care of everything that is queued."""
    seqs = []
    while (message := inbox.next()) is not None:
        seqs.append(message.seq)
        inbox.done(message)
    return seqs


def test_messages_come_in_order_and_are_acknowledged_when_done() -> None:
    inbox = Inbox()
    assert inbox.put(chat(1))
    assert inbox.put(chat(2))
    first = inbox.next()
    assert first == chat(1)
    assert not inbox.has_acknowledgements
    assert inbox.done(first)
    assert inbox.has_acknowledgements
    assert inbox.take_acknowledgements() == [1]
    assert not inbox.has_acknowledgements
    assert len(inbox) == 1
    assert seen(inbox) == [1]


def test_a_repetition_is_not_queued_and_acknowledged_only_once_it_was_seen() -> None:
    inbox = Inbox()
    inbox.put(chat(1))
    assert not inbox.put(chat(1))  # queued
    message = inbox.next()
    assert message is not None
    assert not inbox.put(chat(1))  # in hand
    assert inbox.take_acknowledgements() == []
    inbox.done(message)
    assert inbox.take_acknowledgements() == [1]
    assert not inbox.put(chat(1))  # seen: the acknowledgement was lost
    assert inbox.take_acknowledgements() == [1]
    assert inbox.next() is None


def test_a_message_counts_as_done_once() -> None:
    inbox = Inbox()
    inbox.put(chat(1))
    message = inbox.next()
    assert message is not None
    assert inbox.done(message)
    assert not inbox.done(message)
    assert inbox.take_acknowledgements() == [1]


def test_a_message_without_seq_passes_through() -> None:
    inbox = Inbox()
    assert inbox.put(chat(None))
    assert inbox.put(chat(None))
    assert read(inbox) == [None, None]
    assert inbox.take_acknowledgements() == []
    assert seen(inbox) == []


def test_messages_seen_by_an_earlier_run_are_not_shown() -> None:
    inbox = Inbox(marks(1, 2))
    assert not inbox.put(chat(2))
    assert inbox.put(chat(3))
    assert read(inbox) == [3]
    assert inbox.take_acknowledgements() == [2, 3]


def test_another_message_of_the_same_number_is_another_message() -> None:
    """A server that was set up anew counts from 1 again."""
    inbox = Inbox(marks(1, 2))
    assert inbox.put(chat(1, "something else"))
    assert inbox.put(replace(chat(2), time_text="another time"))
    assert read(inbox) == [1, 2]
    assert mark_of(chat(1)) == mark_of(replace(chat(1), sender_name="renamed"))
    assert mark_of(chat(1, "\ud800")) is not None
    assert mark_of(chat(None)) is None


def test_a_copy_of_a_message_that_was_sent_here_is_acknowledged_and_not_shown() -> None:
    inbox = Inbox()
    assert not inbox.put(chat(1), hold=True)
    assert not inbox.put(chat(1), hold=True)  # at the next login, too
    assert not inbox.put(chat(2), hold=True)
    mark = mark_of(chat(1))
    assert mark is not None
    inbox.sent_here(mark)
    assert inbox.take_acknowledgements() == [1]
    assert inbox.release(lambda message: False) == 1
    assert read(inbox) == [2]
    assert not inbox.put(chat(1))  # the acknowledgement was lost
    assert inbox.take_acknowledgements() == [2, 1]


def test_a_held_message_waits_while_it_may_have_been_sent_here() -> None:
    inbox = Inbox()
    inbox.put(chat(1), hold=True)
    assert inbox.release(lambda message: True) == 0
    assert len(inbox) == 0
    assert inbox.release(lambda message: False) == 1
    assert read(inbox) == [1]


def test_a_new_epoch_drops_held_messages() -> None:
    inbox = Inbox()
    inbox.put(chat(1), hold=True)
    inbox.begin_epoch()
    assert inbox.release(lambda message: False) == 0
    assert inbox.put(chat(1))


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "SEEN_SEQS", 2)
    inbox = Inbox(marks(1, 2, 3))
    assert seen(inbox) == [2, 3]
    inbox.put(chat(4))
    read(inbox)
    assert seen(inbox) == [3, 4]


def test_too_much_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "QUEUE_LIMIT", 2)
    inbox = Inbox()
    for _ in range(2):
        inbox.put(chat(None))
    assert not inbox.overflowing
    inbox.put(chat(None))
    assert inbox.overflowing
    assert repr(inbox) == "<Inbox 3 queued, 0 seen>"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("put next done login".split()), st.integers(1, 6))))
def test_each_seq_is_handed_out_once(steps: list[tuple[str, int]]) -> None:
    """A server that sends each message again at each login until it is acknowledged."""
    inbox = Inbox()
    owed: list[int] = []
    handed: list[int] = []
    in_hand: list[ChatMessage] = []
    for step, number in steps:
        if step == "put":
            if number not in owed and number not in handed:
                owed.append(number)
                inbox.put(chat(number))
        elif step == "next":
            message = inbox.next()
            if message is not None:
                assert message.seq is not None
                handed.append(message.seq)
                in_hand.append(message)
        elif step == "done" and in_hand:
            inbox.done(in_hand.pop(0))
            if number % 2:  # else it is lost on the way
                owed = [seq for seq in owed if seq not in inbox.take_acknowledgements()]
            inbox.take_acknowledgements()
        elif step == "login":
            for seq in owed:
                inbox.put(chat(seq))
    assert len(handed) == len(set(handed))
    for seq in owed:
        inbox.put(chat(seq))
    for message in in_hand:
        inbox.done(message)
    handed += [seq for seq in read(inbox) if seq is not None]
    assert len(handed) == len(set(handed))
    assert set(owed) <= set(handed)
