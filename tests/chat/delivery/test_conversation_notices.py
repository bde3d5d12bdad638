"""Notices about conversations between servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.bus import Received
from chat.conversation_notice import MUTED, READ, TYPING, ConversationNotice
from chat.delivery.codec import Payload
from chat.protocol import Message, MsgType
from tests.chat.delivery.test_group_notices import RecordingBus
from tests.chat.nodekit import Client, Node


class Bus(RecordingBus):
    """Also takes notices about conversations from the test."""

    def hear(self, payload: Payload) -> None:
        assert self._listener is not None
        self._listener.on_received([Received(payload, False, True)])

    def published(self) -> list[ConversationNotice]:
        return [payload for payload in self.told if isinstance(payload, ConversationNotice)]


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def node(make_node: Callable[..., Node], bus: Bus) -> Node:
    return make_node(bus=bus)


def talk(ann: Client, bob: Client) -> int:
    """A message from ann to bob; returns its number."""
    seq: int = ann.deliver(bob)["seq"]
    bob.expect(MsgType.ONE_CHAT_MSG)
    return seq


def test_a_mark_goes_to_both_users_once(node: Node, bus: Bus) -> None:
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    seq = talk(ann, bob)
    bob.ask(MsgType.READ_MSG, **{"with": ann.user_id, "seq": seq})
    reader, other = bob.user_id, ann.user_id
    assert bus.published() == [
        ConversationNotice("here", READ, reader, reader, other, 0, seq),
        ConversationNotice("here", READ, other, reader, reader, 0, seq),
    ]
    ann.expect(MsgType.READ_NOTICE_MSG)
    bob.nothing_more()


def test_typing_in_a_group_is_published_once(node: Node, bus: Bus) -> None:
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    tea = ann.make_group("tea", bob)
    ann.send(MsgType.TYPING_MSG, groupid=tea)
    bob.expect(MsgType.TYPING_NOTICE_MSG)
    assert bus.published() == [ConversationNotice("here", TYPING, 0, ann.user_id, 0, tea)]


def notices(user_id: int, group_id: int) -> list[tuple[ConversationNotice, Message]]:
    """Notices of another server for this user, and what the client gets."""
    return [
        (
            ConversationNotice("there", READ, user_id, user_id, 2, 0, 9),
            {"msgid": 105, "id": user_id, "with": 2, "seq": 9},
        ),
        (
            ConversationNotice("there", READ, user_id, user_id, 0, group_id, 9),
            {"msgid": 105, "id": user_id, "groupid": group_id, "seq": 9},
        ),
        (
            ConversationNotice("there", TYPING, user_id, 2, 2, 0),
            {"msgid": 107, "id": 2, "with": 2},
        ),
        (
            ConversationNotice("there", TYPING, 0, 2, 0, group_id),
            {"msgid": 107, "id": 2, "groupid": group_id},
        ),
        (
            ConversationNotice("there", MUTED, user_id, user_id, 2, 0, 1),
            {"msgid": 112, "with": 2, "muted": True},
        ),
        (
            ConversationNotice("there", MUTED, user_id, user_id, 0, group_id, 0),
            {"msgid": 112, "groupid": group_id, "muted": False},
        ),
    ]


def test_notices_of_another_server_are_shown(node: Node, bus: Bus) -> None:
    ann, old = node.online("ann", devices=True), node.online("old")
    tea = ann.make_group("tea", old)
    for notice, message in notices(ann.user_id, tea):
        bus.hear(notice)
        assert ann.next() == message
        bus.hear(notice._replace(node="here"))  # its own, which it has shown
        ann.nothing_more()
    for notice, _ in notices(old.user_id, tea):
        bus.hear(notice)
    old.nothing_more()
