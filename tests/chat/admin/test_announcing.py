"""Announcements: to v2 clients, to clients of the original, and to those of other nodes."""

from __future__ import annotations

import pytest

from chat.admin.errors import AdminError
from chat.announcement import MAX_ANNOUNCEMENT, TOPIC, Announcement
from chat.bus import BadPayloadError, Received
from chat.delivery.codec import PayloadCodec
from chat.protocol import MsgType
from tests.chat.admin.conftest import Desk

TEXT = "维护 at 20:00"


def test_all_users_online_get_it(desk: Desk) -> None:
    ann, classic = desk.node.online("ann"), desk.node.online("bob", v2=False)
    guest = desk.node.connect()
    assert desk.ask("announce", text=TEXT) == {"here": 2}
    shown = ann.expect(MsgType.ANNOUNCE_MSG)
    assert shown["msg"] == TEXT
    line = classic.expect(MsgType.ONE_CHAT_MSG)
    assert (line["id"], line["name"], line["msg"]) == (0, "server", TEXT)
    guest.nothing_more()
    ann.nothing_more()
    (row,) = desk.audit()
    assert (row.action, row.target, row.detail) == ("announce", "all users", TEXT)


def test_one_of_another_node(desk: Desk) -> None:
    ann = desk.node.online("ann")
    codec = PayloadCodec()
    data = codec.encode(Announcement("node-2", TEXT, "now"), None)
    payload, stamp = codec.decode(TOPIC, data)
    assert isinstance(payload, Announcement)
    assert stamp is None
    announcements = desk.node.delivery.announcements
    announcements.heard([Received(payload, False, True)])
    assert ann.expect(MsgType.ANNOUNCE_MSG)["time"] == "now"
    own = Announcement(desk.node.bus.name, TEXT, "now")  # the bus returns it to this node, too
    announcements.heard([Received(own, False, True)])
    ann.nothing_more()


@pytest.mark.parametrize("text", ["", "x" * (MAX_ANNOUNCEMENT + 1)])
def test_texts_that_are_refused(desk: Desk, text: str) -> None:
    with pytest.raises(AdminError, match="text: "):
        desk.ask("announce", text=text)
    assert desk.audit() == []


@pytest.mark.parametrize(
    "data",
    [b'["a","n","","t"]', b'["a","n","%s","t"]' % (b"x" * 501), b'["a",1,"x","t"]', b'["a","n"]'],
)
def test_forged_payloads(data: bytes) -> None:
    with pytest.raises(BadPayloadError):
        PayloadCodec().decode(TOPIC, data)
    with pytest.raises(BadPayloadError):
        PayloadCodec().decode((6, 1), b'["a","n","x","t"]')
