from __future__ import annotations

from pathlib import Path

import pytest

from client.account.account_opening import open_local_account
from client.account.device_options import DeviceOptions
from client.errors import (
    NotConfirmedError,
)
from client.protocol.events import LoggedIn
from client.values import Account
from tests.client.account.accountkit import (
    LOGGED_IN,
    file_account,
    memory_account,
)


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
