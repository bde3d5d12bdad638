"""Notices about groups between servers, and the logins that leave a group with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest

from chat.bus import BusListener, LocalBus, Received
from chat.delivery.codec import Payload
from chat.group_notice import BANNED, DISSOLVED, JOINED, REMOVED, GroupNotice
from chat.message import Topic
from chat.protocol import GROUP_CHAT, MsgType
from chat.storage.tables import GroupModel
from tests.chat.nodekit import Client, Node


class RecordingBus(LocalBus[Payload]):
    """There are other nodes; the test brings what they say."""

    def __init__(self) -> None:
        self.told: list[Payload] = []
        self.topics: list[Topic] = []
        self._listener: BusListener[Payload] | None = None

    def start(self, listener: BusListener[Payload]) -> None:
        self._listener = listener

    @property
    def name(self) -> str:
        return "here"

    @property
    def alone(self) -> bool:
        return False

    def subscribe(self, topics: Iterable[Topic]) -> None:
        self.topics += topics

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            self.topics.remove(topic)

    def tell(self, payloads: Sequence[Payload]) -> None:
        self.told += payloads

    def bring(self, *notices: GroupNotice) -> None:
        assert self._listener is not None
        self._listener.on_received([Received(notice, False, True) for notice in notices])

    def notices(self) -> list[GroupNotice]:
        return [payload for payload in self.told if isinstance(payload, GroupNotice)]


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
def node(make_node: Callable[..., Node], bus: RecordingBus) -> Node:
    return make_node(bus=bus)


def remove(node: Node, group: int, client: Client) -> None:
    """Another server removes a member."""
    node.database.write(lambda tx: GroupModel(tx).remove_member(group, client.user_id))


def test_one_publication_for_a_whole_group(node: Node, bus: RecordingBus) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob, eve)
    bus.told.clear()
    ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=bob.user_id)
    fields = {"byname": "ann", "name": "bob"}
    expected = GroupNotice("here", group, REMOVED, bob.user_id, ann.user_id, fields)
    assert bus.notices() == [expected]
    bus.bring(expected)  # our own comes back
    eve.nothing_more()
    assert [item["event"] for item in eve.notices] == ["removed"]
    node.until(lambda: bus.topics.count((GROUP_CHAT, group)) == 2)


@pytest.mark.parametrize("event", [REMOVED, BANNED])
def test_a_removal_at_another_server(node: Node, bus: RecordingBus, event: str) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    assert ann.notice()["event"] == "joined"
    remove(node, group, bob)
    bus.bring(GroupNotice("there", group, event, bob.user_id, 99, {}))
    told = {"event": event, "groupid": group, "userid": bob.user_id, "by": 99}
    assert bob.notice() == ann.notice() == told
    assert bob.login.groups == frozenset()
    node.until(lambda: bus.topics.count((GROUP_CHAT, group)) == 1)


def test_a_late_notice_about_a_member_that_is_back(node: Node, bus: RecordingBus) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bus.bring(GroupNotice("there", group, REMOVED, bob.user_id, ann.user_id, {}))
    node.until(lambda: bob.login.groups == {group})
    assert bus.topics.count((GROUP_CHAT, group)) == 2
    ann.tell(group, "welcome back")
    assert ann.expect(MsgType.CHAT_ACK)["errno"] == 0
    assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "welcome back"


def test_the_end_of_a_group_elsewhere(node: Node, bus: RecordingBus) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    assert ann.notice()["event"] == "joined"
    bus.bring(GroupNotice("there", group, DISSOLVED, 0, 0, {}))
    assert bob.notice() == ann.notice() == {"event": "dissolved", "groupid": group}
    assert ann.login.groups == bob.login.groups == frozenset()
    assert (GROUP_CHAT, group) not in bus.topics


def test_a_user_that_was_removed_during_its_login(node: Node, bus: RecordingBus) -> None:
    """The notice comes before the login is registered: the login finds out by itself."""
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    bob.leave()
    real = bus.subscribe

    def subscribe(topics: Iterable[Topic]) -> None:
        topics = list(topics)
        if (GROUP_CHAT, group) in topics:
            remove(node, group, bob)
        real(topics)

    bus.subscribe = subscribe  # type: ignore[method-assign]
    again = node.connect()
    assert again.log_in(bob.user_id)["groups"] == []
    assert again.login.groups == frozenset()
    assert bus.topics.count((GROUP_CHAT, group)) == 1


def test_a_client_that_does_not_read_is_not_told(node: Node, bus: RecordingBus) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.connection.flow.output_full = True
    bus.bring(GroupNotice("there", group, JOINED, 99, 99, {"name": "eve"}))
    assert bob.notice()["userid"] == 99
    ann.connection.flow.output_full = False
    ann.nothing_more()
    assert [item["userid"] for item in ann.notices] == [bob.user_id]
