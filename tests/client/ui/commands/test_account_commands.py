"""Commands about the own account, in the whole terminal with a scripted server."""

from __future__ import annotations

import pytest

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack
from tests.client.ui.apprun import ENTER, ESC, TAB, AppRun


def test_a_new_password(server: FakeServer, talk: AppRun) -> None:
    talk.command("/password")
    talk.wait_for("your password:")
    talk.type("secret-1")
    talk.wait_for("your password: ********", gone="secret-1")
    talk.type(ENTER)
    talk.wait_for("the new password:", gone="*")
    talk.type("secret-2", ENTER)
    talk.wait_for("the new password again:", gone="*")
    talk.type("secret-2", ENTER)
    talk.wait_for("The password is changed. Your other devices must sign in again.")
    request = server.expect(MsgType.CHANGE_PASSWORD_MSG)
    assert (request["old"], request["new"]) == ("secret-1", "secret-2")
    assert "secret" not in str(vars(talk.app.state.input_history))


def test_a_typing_error(server: FakeServer, talk: AppRun) -> None:
    talk.command("/password")
    talk.type("secret-1", ENTER, "secret-2", ENTER, "secret-3", ENTER)
    talk.wait_for("The two passwords are not the same.", ">")
    assert server.received_nothing_more(MsgType.CHANGE_PASSWORD_MSG)


@pytest.mark.parametrize("key", [ESC, ENTER])
def test_a_cancelled_change(server: FakeServer, talk: AppRun, key: str) -> None:
    talk.command("/password")
    talk.wait_for("your password:")
    talk.type("sec" if key == ESC else "", key)
    talk.wait_for(">", gone="password")
    talk.command("/password")
    talk.wait_for("your password:", gone="*")
    assert server.received_nothing_more(MsgType.CHANGE_PASSWORD_MSG)


def test_a_refused_change(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.CHANGE_PASSWORD_MSG] = lambda request: [
        ack(MsgType.CHANGE_PASSWORD_ACK, request, 1, errmsg="the old password is wrong")
    ]
    talk.command("/password")
    talk.type("secret-9", ENTER, "secret-2", ENTER, "secret-2", ENTER)
    talk.wait_for("the old password is wrong")


def test_a_deleted_account(server: FakeServer, talk: AppRun) -> None:
    talk.command("/deleteaccount")
    talk.wait_for("Delete your account for good?")
    talk.type("n")
    talk.wait_for(">", gone="Delete")
    assert server.received_nothing_more(MsgType.DELETE_ACCOUNT_MSG)
    talk.command("/deleteaccount")
    talk.wait_for("Delete your account for good?")
    talk.type("y")
    talk.wait_for("your password:")
    talk.type("secret-1", ENTER)
    talk.wait_for("The account is deleted.", "Sign in")
    assert server.expect(MsgType.DELETE_ACCOUNT_MSG)["password"] == "secret-1"


def test_receipts(server: FakeServer, talk: AppRun) -> None:
    talk.command("/receipts")
    talk.wait_for("Receipts are on: you and others see what the other side has read.")
    assert "receipts" not in server.expect(MsgType.SETTINGS_MSG)
    talk.type("/rece", TAB)
    talk.wait_for("> /receipts")
    talk.type("of", TAB)
    talk.wait_for("> /receipts off")
    talk.type(ENTER)
    talk.wait_for("Receipts are off:")
    assert server.expect(MsgType.SETTINGS_MSG)["receipts"] is False
    talk.command("/receipts on")
    talk.wait_for("Receipts are on:")
    assert server.expect(MsgType.SETTINGS_MSG)["receipts"] is True
