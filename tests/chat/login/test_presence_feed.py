"""PresenceFeed: online friends hear who came and went, here and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

import chat.login.presence_feed
from chat.bus.local import LocalBus
from chat.delivery.codec import Payload
from chat.login.presence_feed import PresenceFeed
from chat.notice import PRESENCE, Notice
from chat.protocol import MsgType
from chat.storage.tables import FriendModel
from tests.chat.login.presencekit import new_lease
from tests.chat.nodekit import Client, Node
from tests.chat.sessionkit import go_online


class TellingBus(LocalBus[Payload]):
    """Keeps what would go to other nodes."""

    def __init__(self) -> None:
        self.told: list[Payload] = []

    def tell(self, payloads: Sequence[Payload]) -> None:
        self.told += payloads


class Square:
    """A node whose presence tells friends."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.bus = TellingBus()
        self.feed = PresenceFeed(
            node.passes.loop,
            node.database,
            self.bus,
            node.logins,
            node.workers,
            node.visibility,
        )
        node.presence._feed = self.feed

    def befriend(self, who: Client, friend_id: int) -> None:
        assert who.ask(MsgType.ADD_FRIEND_MSG, friendid=friend_id)["errno"] == 0

    def elsewhere(self, name: str) -> int:
        """A user who is online at another node."""
        user_id = self.node.user(name)
        row = self.node.row(user_id)
        go_online(self.node.database, row, "other")
        return user_id


@pytest.fixture
def square(make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch) -> Square:
    monkeypatch.setattr(chat.login.presence_feed, "GATHER_SECONDS", 0.001)
    return Square(make_node())


def notice(client: Client) -> tuple[int, str]:
    message = client.expect(MsgType.PRESENCE_MSG)
    return message["id"], message["state"]


def test_a_friend_comes_and_goes(square: Square) -> None:
    ann, bob = square.node.online("ann"), square.node.user("bob")
    square.befriend(ann, bob)
    there = square.node.online(bob)
    assert notice(ann) == (bob, "online")
    there.leave()
    assert notice(ann) == (bob, "offline")
    there = square.node.online(bob)
    assert notice(ann) == (bob, "online")
    assert there.ask(MsgType.LOGINOUT_MSG)["errno"] == 0
    assert notice(ann) == (bob, "offline")
    assert not square.bus.told


def test_friends_hear_when_a_server_stops(square: Square) -> None:
    """No other server would tell them."""
    bob, friend = square.node.online("bob"), square.elsewhere("friend")
    square.node.database.write(lambda tx: FriendModel(tx).insert(friend, bob.user_id))
    square.node.database.exclusive = False
    lease = square.node.presence._lease = new_lease(square.node.database, square.node.presence.node)
    square.node.presence.release_all()
    lease.close()
    assert square.bus.told == [Notice(friend, PRESENCE, (bob.user_id,))]
    assert square.node.row(friend).state == "online"


def test_only_who_lists_a_friend_hears(square: Square) -> None:
    ann, eve = square.node.online("ann"), square.node.online("eve")
    bob = square.node.user("bob")
    square.befriend(ann, bob)
    there = square.node.online(bob)
    assert notice(ann) == (bob, "online")
    eve.nothing_more()
    there.nothing_more()


def test_classic_clients_are_not_told(square: Square) -> None:
    ann, eve = square.node.online("ann", v2=False), square.node.online("eve")
    bob = square.node.user("bob")
    ann.send(MsgType.ADD_FRIEND_MSG, friendid=bob)
    square.befriend(eve, bob)
    square.node.online(bob)
    assert notice(eve) == (bob, "online")
    eve.say(ann, "x")
    assert ann.next()["msgid"] == MsgType.ONE_CHAT_MSG


def test_coming_and_going_in_one_moment(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes are gathered, and friends are told the state at the end."""
    monkeypatch.setattr(chat.login.presence_feed, "GATHER_SECONDS", 0.2)
    ann, bob = square.node.online("ann"), square.node.user("bob")
    square.befriend(ann, bob)
    for _ in range(5):
        square.node.online(bob).leave()
        square.node.until(lambda: square.node.row(bob).state == "offline")
    heard = [notice(ann)]
    while heard[-1] != (bob, "offline"):
        heard.append(notice(ann))
    assert len(heard) < 5


def test_a_friend_at_another_node_is_told_by_it(square: Square) -> None:
    ann, bob = square.elsewhere("ann"), square.node.user("bob")
    square.node.database.write(lambda tx: FriendModel(tx).insert(ann, bob))
    square.node.online(bob)
    square.node.until(lambda: square.bus.told, "a notice")
    assert square.bus.told == [Notice(ann, PRESENCE, (bob,))]


def test_what_another_node_says(square: Square) -> None:
    """It names only the users; the table has their states."""
    ann, bob = square.node.online("ann"), square.elsewhere("bob")
    square.feed.heard(ann.user_id, [bob, 999])
    assert notice(ann) == (bob, "online")
    square.feed.heard(999, [bob])
    ann.nothing_more()


def test_the_database_is_away(square: Square, caplog: pytest.LogCaptureFixture) -> None:
    ann, bob = square.node.online("ann"), square.elsewhere("bob")
    square.node.database.broken = True
    square.feed.heard(ann.user_id, [bob])
    square.node.until(lambda: "friends were not told" in caplog.text)
    square.node.database.broken = False
    square.feed.heard(ann.user_id, [bob])
    assert notice(ann) == (bob, "online")
