from __future__ import annotations

import logging
from pathlib import Path

import pytest

from chat.protocol import MAX_FRAME
from client.account.outbox import Withdrawal
from client.account.sending import Receipt
from client.errors import (
    NotConfirmedError,
    RefusedError,
    StoreError,
    TooLargeError,
    WithdrawnError,
)
from client.limits import MAX_TEXT
from client.values import ChatMessage
from tests.client.account.accountkit import (
    break_disk,
    file_account,
    memory_account,
    settle,
)


def test_a_message_and_its_receipt() -> None:
    account = memory_account()
    sending = account.write(7, "hello", to_group=False)
    assert account.frame(account.outbox.messages[0]) == {
        "msgid": 6, "id": 5, "toid": 7, "msg": "hello", "mid": sending.mid,
    }  # fmt: skip
    assert list(account.sendings) == [sending]
    settle(account, sending)
    assert sending.result(0) == Receipt(sending.mid, 9, "now")
    assert list(account.sendings) == []


def test_a_message_to_a_group_that_is_refused() -> None:
    account = memory_account()
    sending = account.write(7, "hello", to_group=True)
    assert account.frame(account.outbox.messages[0]) == {
        "msgid": 10, "id": 5, "groupid": 7, "msg": "hello", "mid": sending.mid,
    }  # fmt: skip
    settle(account, sending, errno=9)
    with pytest.raises(RefusedError, match="words") as caught:
        sending.result(0)
    assert caught.value.errno == 9


def test_no_two_mids_are_alike() -> None:
    account = memory_account()
    assert len({account.write(7, "x", to_group=False).mid for _ in range(100)}) == 100


def test_a_text_that_is_too_large_is_not_queued() -> None:
    account = memory_account()
    account.write(7, "x" * MAX_TEXT, to_group=False)
    account.write(7, "好" * (MAX_TEXT // 3), to_group=False)
    with pytest.raises(TooLargeError, match=f"{MAX_TEXT + 1} bytes, at most {MAX_TEXT}"):
        account.write(7, "x" * (MAX_TEXT + 1), to_group=False)
    with pytest.raises(TooLargeError, match=f"{MAX_TEXT + 2} bytes, at most {MAX_TEXT}"):
        account.write(7, "好" * (MAX_TEXT // 3 + 1), to_group=False)
    with pytest.raises(TooLargeError, match=f"at most {MAX_FRAME}"):  # six bytes for each in JSON
        account.write(7, "\x01" * MAX_TEXT, to_group=False)
    with pytest.raises(ValueError, match="surrogates"):
        account.write(7, "\ud800", to_group=False)
    assert len(account.sendings) == 2


def test_unconfirmed_messages_are_there_after_a_restart(tmp_path: Path) -> None:
    account = file_account(tmp_path)
    first, second = (account.write(7, text, to_group=False) for text in ("one", "two"))
    settle(account, first)
    for complete in account.give_up():
        complete()
    with pytest.raises(NotConfirmedError, match="stays in the outbox"):
        second.result(0)
    account.close()
    again = file_account(tmp_path)
    assert [(s.mid, s.text, s.created) for s in again.sendings] == [
        (second.mid, "two", second.created)
    ]
    settle(again, again.sendings[0])
    again.close()
    last = file_account(tmp_path)
    assert last.sendings == ()
    last.close()


def test_a_withdrawn_message_is_gone_after_a_restart(tmp_path: Path) -> None:
    account = file_account(tmp_path)
    first, second = (account.write(7, text, to_group=False) for text in ("one", "two"))
    result, completions = account.withdraw(first.mid)
    assert result is Withdrawal.WITHDRAWN
    for complete in completions:
        complete()
    with pytest.raises(WithdrawnError):
        first.result(0)
    assert account.withdraw(first.mid) == (Withdrawal.TOO_LATE, [])
    account.close()
    again = file_account(tmp_path)
    assert [sending.mid for sending in again.sendings] == [second.mid]
    again.close()


def test_without_a_folder_nothing_is_kept() -> None:
    account = memory_account()
    sending = account.write(7, "one", to_group=False)
    for complete in account.give_up():
        complete()
    with pytest.raises(NotConfirmedError) as caught:
        sending.result(0)
    assert not caught.value.kept
    assert str(caught.value) == "not confirmed by the server"


def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = file_account(tmp_path)
    sending = account.write(7, "one", to_group=False)
    account.inbox.put(ChatMessage(2, "bob", "now", "hi", None, 3, 5))
    taken = account.inbox.next()
    assert taken is not None
    break_disk(monkeypatch)
    with pytest.raises(StoreError):  # the writer is told
        account.write(7, "two", to_group=False)
    assert account.sendings == (sending,)
    with caplog.at_level(logging.WARNING):  # logged, because it cannot be mended
        settle(account, sending)
        account.done(taken)
    assert sending.done()
    assert account.inbox.take_acknowledgements() == [3]
    assert len(caplog.records) == 2
    monkeypatch.undo()
    account.close()
