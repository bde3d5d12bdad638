"""UserNotices: each notice of another server reaches the part that it is for. Real parts."""

from __future__ import annotations

import pytest

from chat.login.presence_feed import PresenceFeed
from chat.login.user_notices import UserNotices
from chat.notice import ASKED, BLOCKED, PRESENCE, TAKEN, Notice
from chat.protocol import MsgType
from chat.storage.tables import FriendModel, FriendRequestModel
from tests.chat.nodekit import Node
from tests.chat.sessionkit import go_online

REPLACED = {"msgid": 32, "reason": "replaced", "reconnect": False}


@pytest.fixture
def notices(node: Node) -> UserNotices:
    feed = PresenceFeed(node.passes.loop, node.database, node.bus, node.logins, node.workers)
    return UserNotices(
        node.logins, node.reconciliation, feed, node.context.friend_notices, node.device_notices
    )


def test_a_user_that_another_node_has_taken(node: Node, notices: UserNotices) -> None:
    ann = node.online("ann")
    row = node.row(ann.user_id)
    go_online(node.database, row, "node-2")
    notices.heard([Notice(ann.user_id, TAKEN, (ann.user_id,))])
    assert ann.ended() == [REPLACED]


def test_a_friend_that_has_come(node: Node, notices: UserNotices) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    node.database.write(lambda tx: FriendModel(tx).insert(ann.user_id, bob))
    notices.heard([Notice(ann.user_id, PRESENCE, (bob,))])
    assert ann.expect(MsgType.PRESENCE_MSG)["id"] == bob


def test_a_user_that_blocks(node: Node, notices: UserNotices) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    notices.heard([Notice(ann.user_id, BLOCKED, (bob,))])
    assert bob in ann.login.blocked_by


def test_a_request_to_be_a_friend(node: Node, notices: UserNotices) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    now = node.clock.unix()
    node.database.write(lambda tx: FriendRequestModel(tx).insert(bob, ann.user_id, now))
    notices.heard([Notice(ann.user_id, ASKED, (bob,))])
    assert ann.expect(MsgType.FRIEND_NOTICE_MSG)["id"] == bob


def test_notices_that_reach_no_part(node: Node, notices: UserNotices) -> None:
    """A user that is not here, and a word of a later version."""
    ann, away = node.online("ann"), node.user("away")
    notices.heard([Notice(away, BLOCKED, (ann.user_id,)), Notice(ann.user_id, "later", (away,))])
    ann.nothing_more()
