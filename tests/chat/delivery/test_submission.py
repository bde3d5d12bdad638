from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from chat.delivery.submission import Outcome, Submission, chat_ack, new_mid
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, ErrNo

LOGIN: Any = SimpleNamespace(generation=5, mailbox=1)


def submission(mid: str | None = "m", rid: str | None = None) -> Submission:
    return Submission(LOGIN, 1, ChatMessage(0, ONE_CHAT, 1, "ann", 2, "hi", "now"), mid, rid)


def test_the_ack_of_success() -> None:
    sent = submission(rid="r")
    sent.seq = 9
    expected = {"msgid": 20, "errno": 0, "time": "now", "mid": "m", "seq": 9, "rid": "r"}
    assert sent.ack() == expected
    assert "rid" not in submission().ack()


def test_the_ack_of_a_repetition_has_the_first_ones_time() -> None:
    sent = submission()
    sent.seq, sent.time = 4, "then"
    assert sent.ack()["time"] == "then"


def test_the_ack_of_failure() -> None:
    sent = submission(rid="r")
    sent.refuse(ErrNo.NOT_FOUND, "no such user")
    assert sent.ack() == {
        "msgid": 20,
        "errno": 5,
        "mid": "m",
        "errmsg": "no such user",
        "rid": "r",
    }


def test_what_may_work_later_says_when_to_try_again() -> None:
    later = (ErrNo.UNAVAILABLE, ErrNo.TOO_MANY, ErrNo.MAILBOX_FULL)
    for errno in ErrNo:
        if errno is not ErrNo.OK:
            sent = submission()
            sent.refuse(errno, "x")
            assert ("retry_after" in sent.ack()) == (errno in later)
            assert "seq" not in sent.ack()
            assert "time" not in sent.ack()


def test_the_ack_of_a_live_message_has_no_seq() -> None:
    assert chat_ack("m", 0, "now", None) == {"msgid": 20, "errno": 0, "time": "now", "mid": "m"}
    assert chat_ack(None, 0, "now", None) == {"msgid": 20, "errno": 0, "time": "now"}


def test_a_refusal_forgets_the_row() -> None:
    """The commit has failed after the row was inserted."""
    sent = submission()
    sent.outcome, sent.seq = Outcome.STORED, 3
    sent.refuse(ErrNo.UNAVAILABLE, "x")
    assert (sent.outcome, sent.seq) == (Outcome.REFUSED, 0)
    assert "seq" not in sent.ack()


@pytest.mark.parametrize("outcome", Outcome)
def test_a_retry_is_in_doubt(outcome: Outcome) -> None:
    """A repetition stays one: its row was there before the first attempt."""
    sent = submission()
    sent.outcome, sent.seq, sent.time = outcome, 3, "then"
    sent.retry()
    expected = Outcome.REPEATED if outcome is Outcome.REPEATED else Outcome.IN_DOUBT
    assert (sent.outcome, sent.seq, sent.time) == (expected, 0, "now")


def test_a_mid_is_given_where_there_is_none() -> None:
    assert submission("m").mid == "m"
    one, other = submission(None).mid, submission(None).mid
    assert one != other
    assert 0 < len(one) <= 64


def test_mids_are_unique_across_threads() -> None:
    made: list[list[str]] = [[] for _ in range(4)]
    start = threading.Barrier(4, timeout=10)

    def make(mine: list[str]) -> None:
        start.wait()
        mine += [new_mid() for _ in range(5000)]

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({mid for mine in made for mid in mine}) == 20_000
