from __future__ import annotations

import logging
from pathlib import Path

import pytest

from chat.protocol import MAX_FRAME
from client.account.journal import Journal, Record
from client.account.local_account import Desk, open_desk
from client.account.outbox import Withdrawal
from client.account.sending import Receipt, Sending
from client.errors import (
    NotConfirmedError,
    RefusedError,
    StoreError,
    TooLargeError,
    WithdrawnError,
)
from client.limits import MAX_TEXT
from client.values import Account, ChatAnswer, ChatMessage, LoggedIn

LOGGED_IN = LoggedIn(Account(5, "ann", (), (), None), "token-1")


def memory_desk() -> Desk:
    return open_desk(5, "secret", None, None, retry=1.0)


def file_desk(folder: Path, password: str | None = "secret") -> Desk:
    return open_desk(5, password, None, (folder, "host", 6000), retry=1.0)


def answer(mid: str, errno: int = 0) -> ChatAnswer:
    return ChatAnswer(mid, errno, "words", None if errno else 9, "now", None)


def settle(desk: Desk, sending: Sending, errno: int = 0) -> None:
    desk.outbox.take(now=0)
    (complete,) = desk.answered(answer(sending.mid, errno), now=0)
    complete()


def break_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def append(self: Journal, record: Record) -> None:
        raise StoreError(self.path, "no space left on the device")

    monkeypatch.setattr(Journal, "append", append)


def test_a_message_and_its_receipt() -> None:
    desk = memory_desk()
    sending = desk.write(7, "hello", to_group=False)
    assert desk.frame(desk.outbox.messages[0]) == {
        "msgid": 6, "id": 5, "toid": 7, "msg": "hello", "mid": sending.mid,
    }  # fmt: skip
    assert desk.sendings == (sending,)
    settle(desk, sending)
    assert sending.result(0) == Receipt(sending.mid, 9, "now")
    assert desk.sendings == ()


def test_a_message_to_a_group_that_is_refused() -> None:
    desk = memory_desk()
    sending = desk.write(7, "hello", to_group=True)
    assert desk.frame(desk.outbox.messages[0]) == {
        "msgid": 10, "id": 5, "groupid": 7, "msg": "hello", "mid": sending.mid,
    }  # fmt: skip
    settle(desk, sending, errno=9)
    with pytest.raises(RefusedError, match="words") as caught:
        sending.result(0)
    assert caught.value.errno == 9


def test_no_two_mids_are_alike() -> None:
    desk = memory_desk()
    assert len({desk.write(7, "x", to_group=False).mid for _ in range(100)}) == 100


def test_what_the_server_would_refuse_is_not_queued() -> None:
    desk = memory_desk()
    desk.write(7, "x" * MAX_TEXT, to_group=False)
    desk.write(7, "好" * (MAX_TEXT // 3), to_group=False)
    with pytest.raises(TooLargeError, match=f"{MAX_TEXT + 1} bytes, at most {MAX_TEXT}"):
        desk.write(7, "x" * (MAX_TEXT + 1), to_group=False)
    with pytest.raises(TooLargeError, match=f"{MAX_TEXT + 2} bytes, at most {MAX_TEXT}"):
        desk.write(7, "好" * (MAX_TEXT // 3 + 1), to_group=False)
    with pytest.raises(TooLargeError, match=f"at most {MAX_FRAME}"):  # six bytes for each in JSON
        desk.write(7, "\x01" * MAX_TEXT, to_group=False)
    with pytest.raises(ValueError, match="surrogates"):
        desk.write(7, "\ud800", to_group=False)
    assert len(desk.sendings) == 2


def test_unconfirmed_messages_are_there_after_a_restart(tmp_path: Path) -> None:
    desk = file_desk(tmp_path)
    first, second = (desk.write(7, text, to_group=False) for text in ("one", "two"))
    settle(desk, first)
    for complete in desk.give_up():
        complete()
    with pytest.raises(NotConfirmedError, match="stays in the outbox"):
        second.result(0)
    desk.close()
    again = file_desk(tmp_path)
    assert [(s.mid, s.text, s.created) for s in again.sendings] == [
        (second.mid, "two", second.created)
    ]
    settle(again, again.sendings[0])
    again.close()
    last = file_desk(tmp_path)
    assert last.sendings == ()
    last.close()


def test_a_withdrawn_message_is_gone_after_a_restart(tmp_path: Path) -> None:
    desk = file_desk(tmp_path)
    first, second = (desk.write(7, text, to_group=False) for text in ("one", "two"))
    result, completions = desk.withdraw(first.mid)
    assert result is Withdrawal.WITHDRAWN
    for complete in completions:
        complete()
    with pytest.raises(WithdrawnError):
        first.result(0)
    assert desk.withdraw(first.mid) == (Withdrawal.TOO_LATE, [])
    desk.close()
    again = file_desk(tmp_path)
    assert [sending.mid for sending in again.sendings] == [second.mid]
    again.close()


def test_what_nobody_keeps_is_gone() -> None:
    desk = memory_desk()
    sending = desk.write(7, "one", to_group=False)
    for complete in desk.give_up():
        complete()
    with pytest.raises(NotConfirmedError) as caught:
        sending.result(0)
    assert not caught.value.kept
    assert str(caught.value) == "not confirmed by the server"


def test_the_token_takes_the_passwords_place(tmp_path: Path) -> None:
    desk = file_desk(tmp_path)
    assert desk.secret == {"password": "secret"}
    desk.logged_in(LOGGED_IN)
    assert desk.secret == {"token": "token-1"}
    assert desk.password is None
    device = desk.credentials.device
    desk.close()
    assert "secret" not in "".join(
        path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()
    )
    again = file_desk(tmp_path, password=None)
    assert again.secret == {"token": "token-1"}
    assert (again.credentials.device, again.credentials.name) == (device, "ann")
    again.forget_token()
    assert again.secret == {}
    again.close()
    last = file_desk(tmp_path, password=None)
    assert last.secret == {}
    assert last.credentials.device == device
    last.close()


def test_a_password_counts_more_than_a_saved_token(tmp_path: Path) -> None:
    desk = file_desk(tmp_path)
    desk.logged_in(LOGGED_IN)
    desk.close()
    again = file_desk(tmp_path, password="new secret")
    assert again.secret == {"password": "new secret"}
    again.close()


def test_a_server_without_tokens_needs_the_password_again() -> None:
    desk = memory_desk()
    desk.logged_in(LoggedIn(LOGGED_IN.account, None))
    assert desk.secret == {"password": "secret"}


def test_seen_messages_are_not_shown_after_a_restart(tmp_path: Path) -> None:
    message = ChatMessage(2, "bob", "now", "hi", None, 3, 5)
    desk = file_desk(tmp_path)
    desk.inbox.put(message)
    taken = desk.inbox.next()
    assert taken is not None
    desk.done(taken)
    desk.done(taken)
    desk.close()
    again = file_desk(tmp_path)
    assert not again.inbox.put(message)
    assert again.inbox.take_acknowledgements() == [3]
    again.close()


def test_what_another_user_of_the_same_number_has_left_is_not_sent(tmp_path: Path) -> None:
    desk = file_desk(tmp_path)
    assert desk.logged_in(LOGGED_IN) == []
    desk.write(7, "from ann", to_group=False)
    desk.close()
    again = file_desk(tmp_path)
    left = again.sendings[0]
    fresh = again.write(7, "from eve", to_group=False)
    eve = LoggedIn(Account(5, "eve", (), (), None), "token-2")
    for complete in again.logged_in(eve):
        complete()
    with pytest.raises(NotConfirmedError):
        left.result(0)
    assert again.sendings == (fresh,)
    again.close()
    last = file_desk(tmp_path)
    assert [sending.text for sending in last.sendings] == ["from eve"]
    assert last.credentials.name == "eve"
    last.close()


def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = file_desk(tmp_path)
    sending = desk.write(7, "one", to_group=False)
    desk.inbox.put(ChatMessage(2, "bob", "now", "hi", None, 3, 5))
    taken = desk.inbox.next()
    assert taken is not None
    break_disk(monkeypatch)
    with pytest.raises(StoreError):  # said to whoever writes
        desk.write(7, "two", to_group=False)
    assert desk.sendings == (sending,)
    with caplog.at_level(logging.WARNING):  # only noted, where nothing can be done
        settle(desk, sending)
        desk.done(taken)
    assert sending.done()
    assert desk.inbox.take_acknowledgements() == [3]
    assert len(caplog.records) == 2
    monkeypatch.undo()
    desk.close()


def test_a_given_device() -> None:
    desk = open_desk(5, "secret", "laptop", None, retry=1.0)
    assert desk.credentials.device == "laptop"
    assert "secret" not in repr(desk)
