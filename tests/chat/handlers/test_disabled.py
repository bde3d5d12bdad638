"""Disabled accounts: no login, and the end of a running one."""

from __future__ import annotations

from chat.protocol import MsgType
from chat.storage.tables import ACTIVE, DELETED, DISABLED, OFFLINE, UserModel
from tests.chat.handlers.test_login_races import Pause
from tests.chat.nodekit import PASSWORD, Node

WRONG = {"msgid": 2, "errno": 1, "errmsg": "id or password is invalid!"}


def set_status(node: Node, user_id: int, status: str) -> bool:
    """What chatctl does."""
    changed = node.database.write(lambda tx: UserModel(tx).set_status(user_id, status))
    node.reconciliation.rows_changed([user_id])
    return changed


def test_only_the_right_password_tells_that_the_account_is_disabled(node: Node) -> None:
    ann = node.online("ann")
    token = ann.login.token
    ann.leave()
    set_status(node, ann.user_id, DISABLED)
    assert node.connect().log_in(ann.user_id, password="wrong") == WRONG
    assert node.connect().log_in(ann.user_id, token=token) == WRONG
    refused = node.connect().log_in(ann.user_id)
    assert (refused["errno"], "disabled" in refused["errmsg"]) == (1, True)
    assert node.connect(v2=False).log_in(ann.user_id)["errno"] == 1


def test_an_enabled_account_works_as_before(node: Node) -> None:
    ann = node.online("ann")
    token = ann.login.token
    ann.leave()
    assert set_status(node, ann.user_id, DISABLED)
    assert not set_status(node, ann.user_id, DISABLED)
    assert set_status(node, ann.user_id, ACTIVE)
    assert node.connect().log_in(ann.user_id, token=token)["errno"] == 0


def test_a_running_login_ends(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    set_status(node, ann.user_id, DISABLED)
    assert ann.ended() == [{"msgid": 32, "reason": "disabled", "reconnect": False}]
    row = node.row(ann.user_id)
    assert (row.status, row.state, row.node) == (DISABLED, OFFLINE, None)
    assert node.logins.find(ann.user_id) is None
    assert not node.owed(bob)


def test_it_commits_nothing_before_it_ends(node: Node) -> None:
    """The notice to the login's node is lost, or late."""
    ann, bob = node.online("ann"), node.user("bob")
    node.database.write(lambda tx: UserModel(tx).set_status(ann.user_id, DISABLED))
    assert ann.deliver(bob)["errno"] == 3
    assert not node.owed(bob)


def test_a_login_that_read_the_user_before(node: Node) -> None:
    """The account is disabled while a worker checks its password, or its token."""
    ann = node.online("ann")
    token = ann.login.token
    ann.leave()
    for given in ({"password": PASSWORD}, {"token": token}):
        client, pause = node.connect(), Pause(node, 1)
        client.send(MsgType.LOGIN_MSG, v=2, id=ann.user_id, **given)
        pause.entered()
        node.database.write(lambda tx: UserModel(tx).set_status(ann.user_id, DISABLED))
        pause.open()
        assert client.next() == WRONG
        node.database.write(lambda tx: UserModel(tx).set_status(ann.user_id, ACTIVE))


def test_a_password_that_changes_while_a_login_checks_it(node: Node) -> None:
    ann = node.user("ann")
    client, pause = node.connect(), Pause(node, 1)
    client.send(MsgType.LOGIN_MSG, v=2, id=ann, password=PASSWORD)
    pause.entered()
    node.database.write(lambda tx: UserModel(tx).reset_password(ann, "$another"))
    pause.open()
    refused = client.next()
    assert (refused["errno"], refused["retry_after"]) == (8, 1)
    assert client.log_in(ann) == WRONG


def test_a_deleted_account_stays_deleted(node: Node) -> None:
    ann = node.user("ann")
    node.database.write(
        lambda tx: tx.execute("UPDATE user SET status = ? WHERE id = ?", (DELETED, ann))
    )
    assert not set_status(node, ann, ACTIVE)
    assert node.connect().log_in(ann) == WRONG


def test_a_reset_password(node: Node) -> None:
    ann = node.online("ann")
    hashed = node.context.passwords.hash("a new one")
    node.database.write(lambda tx: UserModel(tx).reset_password(ann.user_id, hashed))
    node.reconciliation.rows_changed([ann.user_id])
    assert ann.ended() == [{"msgid": 32, "reason": "ended", "reconnect": False}]
    assert node.connect().log_in(ann.user_id) == WRONG
    assert node.connect().log_in(ann.user_id, password="a new one")["errno"] == 0
