from __future__ import annotations

from pathlib import Path

import pytest

from client.account.local_account import LocalAccount
from client.account.outbox import Withdrawal
from client.account.sending import Sending
from client.values import ChatMessage
from tests.client.account.accountkit import (
    answer,
    break_disk,
    file_account,
    memory_account,
)


def test_seen_messages_are_not_shown_after_a_restart(tmp_path: Path) -> None:
    message = ChatMessage(2, "bob", "now", "hi", None, 3, 5)
    account = file_account(tmp_path)
    account.inbox.put(message)
    taken = account.inbox.next()
    assert taken is not None
    account.done(taken)
    account.done(taken)
    account.close()
    again = file_account(tmp_path)
    assert not again.inbox.put(message)
    assert again.inbox.take_acknowledgements() == [3]
    again.close()


def copy_of(text: str, seq: int, to: int = 7) -> ChatMessage:
    """A message of this user, as another device or an earlier connection has sent it."""
    return ChatMessage(5, "ann", "now", text, None, seq, to, mine=True)


def sent_twice(account: LocalAccount, text: str, to: int = 7) -> Sending:
    """A message whose first answer was lost with the connection."""
    sending = account.write(to, text, to_group=False)
    account.outbox.take(now=0)
    account.outbox.start_over()
    account.outbox.take(now=0)
    return sending


@pytest.mark.parametrize("answer_first", [True, False])
def test_a_copy_of_a_repeated_message_is_not_shown(tmp_path: Path, answer_first: bool) -> None:
    """The first connection was that of another device: the server copies its message to this one.

    The copy and the answer may come in either order. ``answer`` has the number 9.
    """
    account = file_account(tmp_path)
    sending = sent_twice(account, "hello")
    if answer_first:
        account.answered(answer(sending.mid), now=0)
        assert not account.received(copy_of("hello", 9))
    else:
        assert not account.received(copy_of("hello", 9))
        assert account.inbox.take_acknowledgements() == []
        account.answered(answer(sending.mid), now=0)
    assert account.release_held() == 0
    assert account.inbox.take_acknowledgements() == [9]
    account.close()
    again = file_account(tmp_path)  # the acknowledgement was lost, and the copy comes again
    assert not again.received(copy_of("hello", 9))
    assert again.inbox.take_acknowledgements() == [9]
    again.close()


def test_a_message_of_another_device_with_the_same_text_is_shown() -> None:
    account = memory_account()
    sending = sent_twice(account, "hello")
    assert not account.received(copy_of("hello", 8))
    assert account.received(copy_of("hello", 10, to=6))
    assert account.received(copy_of("bye", 11))
    assert account.release_held() == 0
    account.answered(answer(sending.mid), now=0)
    assert account.release_held() == 1


def test_a_held_message_is_shown_after_a_withdrawal() -> None:
    account = memory_account()
    sending = account.write(7, "hello", to_group=False)
    account.outbox.take(now=0)
    account.outbox.start_over()
    assert not account.received(copy_of("hello", 9))
    result, _ = account.withdraw(sending.mid)
    assert result is Withdrawal.UNSURE
    assert account.release_held() == 1


def test_a_message_that_was_sent_once_holds_no_copy_back() -> None:
    """On one connection, no copy of a message comes to the device that sends it."""
    account = memory_account()
    sending = account.write(7, "ok", to_group=False)
    assert account.received(copy_of("ok", 8))
    account.outbox.take(now=0)
    assert account.received(copy_of("ok", 10))
    account.answered(answer(sending.mid), now=0)
    assert account.inbox.seen == ()


def test_a_message_to_oneself_comes_to_the_sending_device() -> None:
    account = memory_account()
    sending = sent_twice(account, "note", to=5)
    assert account.received(copy_of("note", 9, to=5))
    account.answered(answer(sending.mid), now=0)
    assert account.inbox.seen == ()


def test_the_files_cannot_be_written_for_a_repeated_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = file_account(tmp_path)
    sending = sent_twice(account, "hello")
    break_disk(monkeypatch)
    account.answered(answer(sending.mid), now=0)
    assert "may be shown again" in caplog.text
    assert not account.received(copy_of("hello", 9))
    account.close()
