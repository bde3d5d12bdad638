"""Payloads of the bus come out as they went in, and other bytes are refused."""

from __future__ import annotations

from typing import Any

import pytest
import ujson
from hypothesis import given
from hypothesis import strategies as st

from chat.bus import BadPayloadError, Stamp
from chat.conversation_notice import MUTED, READ, TYPING, ConversationNotice
from chat.delivery.codec import MAX_MID, Copy, EventWake, LiveMessage, Payload, PayloadCodec
from chat.group_event import GroupEvent
from chat.group_notice import DISSOLVED, INVITED, REMOVED, GroupNotice
from chat.message import ChatMessage
from chat.notice import MEMBERS, PRESENCE, TAKEN, Notice
from chat.protocol import GROUP_CHAT, MAX_ID, MAX_SEQ, ONE_CHAT
from tests.chat.rediskit import to_group, to_user


def to_devices(*receivers: int) -> ChatMessage:
    """A message of user 99 to user 7, for these mailboxes."""
    message = to_user(7, 12)
    message.receivers = frozenset(receivers)
    return message


def of_group(user_id: int, *receivers: int) -> EventWake:
    """An event of group 7: user 2 has left."""
    event = GroupEvent(12, 7, "now", {"event": "left", "userid": 2, "by": 2, "name": "你"})
    event.receivers = frozenset(receivers)
    return EventWake(event, user_id)


decode = PayloadCodec().decode
encode = PayloadCodec().encode

FORMS: dict[bytes, tuple[Payload, Stamp | None]] = {
    b'["w","abc.0",5,12,6,99,"ann",7,"hi","now",{"x":[1]},null]': (to_user(7, 12), ("abc.0", 5)),
    b'["w","abc.0",5,12,10,99,"ann",7,"hi","now",null,[1,2]]': (
        to_group(7, 12, 2, 1),
        ("abc.0", 5),
    ),
    b'["w","abc.0",5,12,6,99,"ann",7,"hi","now",{"x":[1]},[7,6442450951]]': (
        to_devices(7, 7 + 3 * 2**31),
        ("abc.0", 5),
    ),
    b'["c","abc.0",5,12,6,99,"ann",7,"hi","now",{"x":[1]},[7,8589934691]]': (
        Copy(to_devices(7, 99 + 4 * 2**31)),
        ("abc.0", 5),
    ),
    b'["e","abc.0",5,12,7,"now",{"event":"left","userid":2,"by":2,"name":"\xe4\xbd\xa0"},'
    b"[6442450945,6442450946]]": (of_group(0, 2 + 3 * 2**31, 1 + 3 * 2**31), ("abc.0", 5)),
    b'["e","abc.0",5,12,7,"now",{"event":"left","userid":2,"by":2,"name":"\xe4\xbd\xa0"},'
    b"[6442450946]]": (of_group(2, 2 + 3 * 2**31), ("abc.0", 5)),
    b'["l","abc",0,3,"m-1",6,99,"ann",7,"hi/","now",{"x":[1]},null]': (
        LiveMessage("abc", 0, 3, "m-1", to_user(7, 0, "hi/")),
        None,
    ),
    b'["l","abc",4,3,"m-1",10,99,"ann",7,"hi","now",null,[1,2]]': (
        LiveMessage("abc", 4, 3, "m-1", to_group(7, 0, 1, 2)),
        None,
    ),
    b'["n","presence",[1,2]]': (Notice(7, PRESENCE, (1, 2)), None),
    b'["n","taken",[]]': (Notice(7, TAKEN, ()), None),
    b'["n","members",[7]]': (Notice(7, MEMBERS, (7,)), None),
    b'["g","abc",7,"removed",2,1,{"name":"\xe4\xbd\xa0"}]': (
        GroupNotice("abc", 7, REMOVED, 2, 1, {"name": "你"}),
        None,
    ),
    b'["g","abc",7,"dissolved",0,0,{}]': (GroupNotice("abc", 7, DISSOLVED, 0, 0, {}), None),
    b'["v","abc","read",7,2,2,0,99]': (ConversationNotice("abc", READ, 7, 2, 2, 0, 99), None),
    b'["v","abc","typing",0,2,0,7,0]': (ConversationNotice("abc", TYPING, 0, 2, 0, 7), None),
    b'["v","abc","muted",7,7,0,3,1]': (ConversationNotice("abc", MUTED, 7, 7, 0, 3, 1), None),
    b'["g","abc",7,"invited",2,1,{}]': (GroupNotice("abc", 7, INVITED, 2, 1, {}), None),
}


@pytest.mark.parametrize("data", FORMS)
def test_the_bytes_stay_as_they_are(data: bytes) -> None:
    """Servers of other versions are on the same Redis."""
    payload, stamp = FORMS[data]
    assert encode(payload, stamp) == data
    found, decoded_stamp = decode(payload.topic, data)
    assert decoded_stamp == stamp
    if isinstance(payload, GroupNotice | ConversationNotice):
        assert found == payload
    if isinstance(payload, ChatMessage):
        assert isinstance(found, ChatMessage)
        assert found.receivers == payload.receivers
    if isinstance(payload, Copy):
        assert isinstance(found, Copy)
        assert found.message.receivers == payload.message.receivers
    if isinstance(payload, EventWake):
        assert isinstance(found, EventWake)
        assert found.user_id == payload.user_id
        for name in ("seq", "target", "time", "details", "receivers"):
            assert getattr(found.event, name) == getattr(payload.event, name), name


@pytest.mark.parametrize(
    "payload",
    [
        b'["e","abc.0",5,12,8,"now",{"event":"left","userid":2,"by":2},[7]]',  # another group's
        b'["e","abc.0",0,12,7,"now",{"event":"left","userid":2,"by":2},[7]]',
        b'["e","abc.0",5,0,7,"now",{"event":"left","userid":2,"by":2},[7]]',
        b'["e","abc.0",5,12,"7","now",{"event":"left","userid":2,"by":2},[7]]',
        b'["e","abc.0",5,12,7,1,{"event":"left","userid":2,"by":2},[7]]',
        b'["e","abc.0",5,12,7,"now",{"event":"invited","userid":2,"by":2},[7]]',
        b'["e","abc.0",5,12,7,"now",{"event":"left","userid":"2","by":2},[7]]',
        b'["e","abc.0",5,12,7,"now",{"event":"left","by":0},[7]]',
        b'["e","abc.0",5,12,7,"now",{"event":"left","name":[]},[7]]',
        b'["e","abc.0",5,12,7,"now",[],[7]]',
        b'["e","abc.0",5,12,7,"now",{},[7]]',
        b'["e","abc.0",5,12,7,"now",{"event":"left","userid":2,"by":2},[-7]]',
        b'["e","abc.0",5,12,7,"now",{"event":"left","userid":2,"by":2},7]',
        b'["e","abc.0",5,12,7,"now",{"event":"left","userid":2,"by":2}]',
    ],
)
def test_events_that_are_none(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((GROUP_CHAT, 7), payload)


@pytest.mark.parametrize(
    "payload",
    [
        b'["c","abc.0",5,12,6,98,"ann",7,"hi","now",null,[7]]',  # on the channel of user 99
        b'["c","abc.0",5,12,10,99,"ann",7,"hi","now",null,[7]]',
        b'["c","abc.0",5,12,6,99,"ann","7","hi","now",null,[7]]',
        b'["c","abc.0",5,12,6,99,"ann",7,"hi","now",null,["7"]]',
        b'["c","abc.0",5,12,6,99,"ann",7,"hi","now",null,[4611686018427387904]]',
        b'["c","abc.0",0,12,6,99,"ann",7,"hi","now",null,[7]]',
        b'["c","abc.0",5,12,6,99,"ann",7,"hi","now",null]',
    ],
)
def test_copies_that_are_none(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((ONE_CHAT, 99), payload)


@pytest.mark.parametrize(
    "payload",
    [
        b'["g","abc",7,"removed",2,1]',
        b'["g",5,7,"removed",2,1,{}]',
        b'["g","abc",8,"removed",2,1,{}]',  # of another group than the channel's
        b'["g","abc",7,"praised",2,1,{}]',
        b'["g","abc",7,["removed"],2,1,{}]',
        b'["g","abc",7,"invited",2,1,{}]',  # which is on the user's channel
        b'["g","abc",7,"removed",-2,1,{}]',
        b'["g","abc",7,"removed",2,"1",{}]',
        b'["g","abc",7,"removed",2,1,[]]',
        b'["g","abc",7,"removed",2,1,{"name":{}}]',
    ],
)
def test_notices_about_groups_that_are_none(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((GROUP_CHAT, 7), payload)


@pytest.mark.parametrize(
    "payload",
    [
        b'["v","abc","read",7,2,2,0]',
        b'["v",5,"read",7,2,2,0,99]',
        b'["v","abc","seen",7,2,2,0,99]',
        b'["v","abc",["read"],7,2,2,0,99]',
        b'["v","abc","read",8,2,2,0,99]',  # of another user than the channel's
        b'["v","abc","typing",0,2,0,7,0]',  # which is on the group's channel
        b'["v","abc","read",7,0,2,0,99]',
        b'["v","abc","read",7,2,2,3,99]',
        b'["v","abc","read",7,2,0,0,99]',
        b'["v","abc","read",7,2,2,0,-1]',
        b'["v","abc","read",7,2,2,0,"99"]',
        b'["v","abc","read",7,2,2,0,9007199254740992]',
    ],
)
def test_notices_about_conversations_that_are_none(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((ONE_CHAT, 7), payload)


@pytest.mark.parametrize("message", [to_user(7, 12, "hi 你好 \U0001f600"), to_group(7, 12, 1, 2)])
def test_a_wake_there_and_back(message: Any) -> None:
    back, stamp = decode(message.topic, encode(message, ("abc.0", 5)))
    assert isinstance(back, ChatMessage)
    assert stamp == ("abc.0", 5)
    for name in ("seq", "kind", "sender", "name", "target", "text", "time", "extra", "receivers"):
        assert getattr(back, name) == getattr(message, name), name


@pytest.mark.parametrize("message", [to_user(7, 0, "hi 你好 \U0001f600"), to_group(7, 0, 1, 2)])
@pytest.mark.parametrize("mid", ["m", "你" * MAX_MID, '"\\\n'])
def test_a_live_message_there_and_back(message: Any, mid: str) -> None:
    found, _ = decode(message.topic, encode(LiveMessage("abc", 5, 3, mid, message), None))
    assert isinstance(found, LiveMessage)
    assert found[:4] == ("abc", 5, 3, mid)
    for name in ("seq", "kind", "sender", "name", "target", "text", "time", "extra", "receivers"):
        assert getattr(found.message, name) == getattr(message, name), name


@pytest.mark.parametrize(("what", "kind"), [(PRESENCE, 6), (TAKEN, 6), (MEMBERS, 10)])
@pytest.mark.parametrize("ids", [(), (1, 2)])
def test_a_notice_there_and_back(what: str, kind: int, ids: tuple[int, ...]) -> None:
    notice = Notice(7, what, ids)
    assert notice.topic == (kind, 7)
    assert decode(notice.topic, encode(notice, None)) == (notice, None)


def changed(**changes: Any) -> bytes:
    names = ["what", "epoch", "number", "seq", "kind", "sender", "name", "target", "text", "time"]
    names += ["extra", "receivers"]
    fields = dict(zip(names, ujson.loads(encode(to_user(7), ("abc.0", 5))), strict=True))
    return ujson.dumps(list({**fields, **changes}.values())).encode()


def test_the_helper_changes_nothing_by_itself() -> None:
    assert isinstance(decode((ONE_CHAT, 7), changed())[0], ChatMessage)


def test_the_largest_seq_is_taken() -> None:
    found, _ = decode((ONE_CHAT, 7), changed(seq=MAX_SEQ))
    assert isinstance(found, ChatMessage)
    assert found.seq == MAX_SEQ


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b"[" * 2000,
        b'["w"]',
        b'["n","presence"]',
        b'["n","rumour",[]]',
        b'["n","taken",["7"]]',
        b'["n","taken",7]',
        b'["n","taken",[true]]',
        changed(what="x"),
        changed(epoch=1),
        changed(number=0),
        changed(number="5"),
        changed(number=True),
        changed(seq=0),
        changed(seq=MAX_SEQ + 1),
        changed(seq=1.0),
        changed(kind=10),
        changed(kind=1),
        changed(sender=0),
        changed(sender=MAX_ID + 1),
        changed(target=8),
        changed(name=None),
        changed(text=5),
        changed(time=None),
        changed(extra=[]),
        None,  # too long
    ],
)
def test_what_is_not_ours(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((ONE_CHAT, 7), payload)


@pytest.mark.parametrize("receivers", [None, 7, ["7"], [0], [True]])
def test_receivers_that_are_none(receivers: Any) -> None:
    fields = ujson.loads(encode(to_group(7, 1, 2), ("abc.0", 5)))
    fields[-1] = receivers
    with pytest.raises(BadPayloadError):
        decode((GROUP_CHAT, 7), ujson.dumps(fields).encode())


def changed_live(**changes: Any) -> bytes:
    names = ["what", "node", "number", "generation", "mid", "kind", "sender", "name", "target"]
    names += ["text", "time", "extra", "receivers"]
    fields = ujson.loads(encode(LiveMessage("abc", 0, 3, "m-1", to_user(7, 0)), None))
    fields = dict(zip(names, fields, strict=True))
    return ujson.dumps(list({**fields, **changes}.values())).encode()


def test_this_helper_too_changes_nothing_by_itself() -> None:
    assert isinstance(decode((ONE_CHAT, 7), changed_live())[0], LiveMessage)


@pytest.mark.parametrize(
    "payload",
    [
        changed_live(node=1),
        changed_live(number="5"),
        changed_live(number=True),
        changed_live(generation=None),
        changed_live(generation=1.0),
        changed_live(mid=None),
        changed_live(mid=5),
        changed_live(mid=""),
        changed_live(mid="x" * (MAX_MID + 1)),
        changed_live(sender=0),
        changed_live(target=8),
        changed_live(more=1),
        b'["l","abc",0,3,6,99,"ann",7,"hi","now",null,null]',  # as it was without a mid
    ],
)
def test_live_messages_that_are_none(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((ONE_CHAT, 7), payload)


@pytest.mark.parametrize(
    ("kind", "what"), [(GROUP_CHAT, TAKEN), (GROUP_CHAT, PRESENCE), (ONE_CHAT, MEMBERS)]
)
def test_a_notice_on_the_wrong_kind_of_channel(kind: int, what: str) -> None:
    with pytest.raises(BadPayloadError):
        decode((kind, 7), encode(Notice(7, what, ()), None))


@pytest.mark.parametrize(
    "payload",
    [
        b'["n","members"]',
        b'["n","members",[],1]',
        b'["n","members",7]',
        b'["n","members",["7"]]',
        b'["n","members",[0]]',
        b'["n","members",[true]]',
        b'["n","rumour",[]]',
        b'["n",["members"],[]]',
        b'["n",null,[]]',
    ],
)
def test_notices_of_groups_that_are_none(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((GROUP_CHAT, 7), payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.binary() | JSON.map(lambda value: repr(value).encode(errors="replace")))
def test_garbage_never_raises_anything_else(payload: bytes) -> None:
    with pytest.raises(BadPayloadError):
        decode((ONE_CHAT, 7), payload)


@given(st.lists(JSON, min_size=11, max_size=11))
def test_a_wake_of_garbage(fields: list[Any]) -> None:
    try:
        payload = ujson.dumps(["w", *fields]).encode(errors="replace")
    except (ValueError, OverflowError):
        return
    with pytest.raises(BadPayloadError):
        decode((ONE_CHAT, 7), payload)
