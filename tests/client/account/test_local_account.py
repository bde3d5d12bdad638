from __future__ import annotations

import logging
from pathlib import Path

import pytest

from chat.protocol import MAX_FRAME
from client.account.device_options import DeviceOptions
from client.account.journal import Journal, Record
from client.account.local_account import LocalAccount, open_local_account
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
from client.protocol.events import ChatAnswer, LoggedIn
from client.values import Account, ChatMessage

LOGGED_IN = LoggedIn(Account(5, "ann", (), (), None), "token-1")


def memory_account() -> LocalAccount:
    return open_local_account(5, "secret", DeviceOptions(), None, retry=1.0)


def file_account(folder: Path, password: str | None = "secret") -> LocalAccount:
    return open_local_account(5, password, DeviceOptions(), (folder, "host", 6000), retry=1.0)


def answer(mid: str, errno: int = 0) -> ChatAnswer:
    return ChatAnswer(mid, errno, "words", None if errno else 9, "now", None)


def settle(account: LocalAccount, sending: Sending, errno: int = 0) -> None:
    account.outbox.take(now=0)
    (complete,) = account.answered(answer(sending.mid, errno), now=0)
    complete()


def break_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def append(self: Journal, record: Record) -> None:
        raise StoreError(self.path, "no space left on the device")

    monkeypatch.setattr(Journal, "append", append)


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


def test_the_token_takes_the_passwords_place(tmp_path: Path) -> None:
    account = file_account(tmp_path)
    assert account.secret == {"password": "secret"}
    account.logged_in(LOGGED_IN)
    assert account.secret == {"token": "token-1"}
    assert account.password is None
    device = account.credentials.device
    account.close()
    assert "secret" not in "".join(
        path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()
    )
    again = file_account(tmp_path, password=None)
    assert again.secret == {"token": "token-1"}
    assert (again.credentials.device, again.credentials.name) == (device, "ann")
    again.forget_token()
    assert again.secret == {}
    again.close()
    last = file_account(tmp_path, password=None)
    assert last.secret == {}
    assert last.credentials.device == device
    last.close()


def test_a_password_counts_more_than_a_saved_token(tmp_path: Path) -> None:
    account = file_account(tmp_path)
    account.logged_in(LOGGED_IN)
    account.close()
    again = file_account(tmp_path, password="new secret")
    assert again.secret == {"password": "new secret"}
    again.close()


def test_a_server_without_tokens_needs_the_password_again() -> None:
    account = memory_account()
    account.logged_in(LoggedIn(LOGGED_IN.account, None))
    assert account.secret == {"password": "secret"}


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


def test_messages_of_another_user_with_the_same_number_are_not_sent(tmp_path: Path) -> None:
    account = file_account(tmp_path)
    assert account.logged_in(LOGGED_IN) == []
    account.write(7, "from ann", to_group=False)
    account.close()
    again = file_account(tmp_path)
    left = again.sendings[0]
    fresh = again.write(7, "from eve", to_group=False)
    eve = LoggedIn(Account(5, "eve", (), (), None), "token-2")
    for complete in again.logged_in(eve):
        complete()
    with pytest.raises(NotConfirmedError):
        left.result(0)
    assert again.sendings == (fresh,)
    again.close()
    last = file_account(tmp_path)
    assert [sending.text for sending in last.sendings] == ["from eve"]
    assert last.credentials.name == "eve"
    last.close()


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


def test_a_given_device() -> None:
    account = open_local_account(5, "secret", DeviceOptions("laptop"), None, retry=1.0)
    assert account.device_fields == {"device": "laptop"}
    assert "secret" not in repr(account)


def test_a_device_with_a_mailbox() -> None:
    device = DeviceOptions("laptop", has_mailbox=True, label="chat@laptop")
    account = open_local_account(5, "secret", device, None, retry=1.0, ends_device=3)
    fields = {"device": "laptop", "devices": True, "label": "chat@laptop"}
    assert account.device_fields == fields
    assert account.secret == {"password": "secret", "end_device": 3}
    account.logged_in(LOGGED_IN)
    assert account.secret == {"token": "token-1"}
    account.device = DeviceOptions("laptop", has_mailbox=True)
    assert account.device_fields == {"device": "laptop", "devices": True}


def test_the_password_after_a_device_was_ended() -> None:
    """A server without tokens needs the password at each login."""
    account = open_local_account(5, "secret", DeviceOptions("x"), None, retry=1.0, ends_device=0)
    assert account.secret == {"password": "secret", "end_device": 0}
    account.logged_in(LoggedIn(LOGGED_IN.account, None))
    assert account.secret == {"password": "secret"}
