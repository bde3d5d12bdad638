"""PayloadCodec: messages, live messages and notices as JSON arrays for the bus. Pure.

    ["w", epoch, number, seq, MESSAGE …]                  a committed message
    ["c", epoch, number, seq, MESSAGE …]                  the same, for the sender's other devices
    ["e", epoch, number, seq, group, time, DETAILS, receivers]   an event of a group
    ["l", node, number, generation, mid, MESSAGE …]       a live message (``direct``)
    ["n", word, ids]                                      a notice
    ["g", node, group, event, user, by, FIELDS]           a notice about a group
    ["a", node, text, time]                               a text of an operator for all users
    ["v", node, event, user, by, with, group, number]     a notice about a conversation

    MESSAGE: kind, sender, name, target, text, time, extra, receivers
    receivers: mailbox numbers; null if it is the mailbox ``target`` alone

Nodes of different versions work on one Redis, so these forms stay as they are. A node of version
0.2.0 knows no "g", "a", "c", "v" and "e": it drops them, and logs them as foreign data. Mailbox
numbers of named devices, "c", "v" and "e" occur only when all nodes know them.

Any client of the Redis server can publish on its channels. A payload of another form is refused.
A forged payload of the right form shows a message to a user, so Redis must be as private as the
database (a password, no public address).
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import ujson

from chat.announcement import MAX_ANNOUNCEMENT, Announcement
from chat.bus import BadPayloadError, Bus, Codec, Stamp
from chat.conversation_notice import EVENTS as CONVERSATION_EVENTS
from chat.conversation_notice import ConversationNotice
from chat.group_event import NAME_OF, GroupEvent
from chat.group_notice import EVENTS, LOGGED, GroupNotice
from chat.mailbox_number import MAX_MAILBOX
from chat.message import ChatMessage, Topic
from chat.notice import WORDS, Notice
from chat.protocol import GROUP_CHAT, MAX_ID, MAX_SEQ, ONE_CHAT

MAX_MID = 64
"""Characters of a ``mid``: 256 bytes of UTF-8 at most, as the column of the log has."""

WAKE_FIELDS = 12
EVENT_FIELDS = 8
LIVE_FIELDS = 13
NOTICE_FIELDS = 3
GROUP_NOTICE_FIELDS = 7
ANNOUNCEMENT_FIELDS = 4
CONVERSATION_FIELDS = 8


class LiveMessage(NamedTuple):
    """A message that is in no table, for receivers at other nodes.

    Attributes:
        node: the node that asks, where the answer is sent.
        number: of the request, as the answer repeats it; 0: no answer is wanted.
        generation: of the sender's login.
        mid: the message is stored under it. If two nodes store it, the log takes it once.
        message: without a number; ``receivers`` has a group's receivers at other nodes.
    """

    node: str
    number: int
    generation: int
    mid: str
    message: ChatMessage

    @property
    def topic(self) -> Topic:
        return self.message.topic


class Copy(NamedTuple):
    """A committed message to a user, for the sender's other devices."""

    message: ChatMessage

    @property
    def topic(self) -> Topic:
        return (ONE_CHAT, self.message.sender)


class EventWake(NamedTuple):
    """A committed event of a group. ``user_id``: its only receiver here; 0: all receivers."""

    event: GroupEvent
    user_id: int

    @property
    def topic(self) -> Topic:
        return (ONE_CHAT, self.user_id) if self.user_id else self.event.topic


Payload: TypeAlias = (
    ChatMessage
    | Copy
    | EventWake
    | LiveMessage
    | Notice
    | GroupNotice
    | Announcement
    | ConversationNotice
)
MessageBus: TypeAlias = Bus[Payload]


class PayloadCodec(Codec[Payload]):
    """See the module's text."""

    def encode(self, payload: Payload, stamp: Stamp | None) -> bytes:
        head: tuple[Any, ...]
        if isinstance(payload, Notice):
            return ujson.dumps(["n", payload.word, list(payload.ids)]).encode()
        if isinstance(payload, GroupNotice):
            return ujson.dumps(["g", *payload], ensure_ascii=False).encode()
        if isinstance(payload, Announcement):
            return ujson.dumps(["a", *payload], ensure_ascii=False).encode()
        if isinstance(payload, ConversationNotice):
            return ujson.dumps(["v", *payload], ensure_ascii=False).encode()
        if isinstance(payload, ChatMessage):
            assert stamp is not None
            message, head = payload, ("w", *stamp, payload.seq)
        elif isinstance(payload, Copy):
            assert stamp is not None
            message, head = payload.message, ("c", *stamp, payload.message.seq)
        elif isinstance(payload, EventWake):
            assert stamp is not None
            event = payload.event
            fields = [*("e", *stamp, event.seq, event.target, event.time, event.details)]
            return _dumps([*fields, sorted(event.receivers)])
        else:
            message, head = payload.message, ("l", *payload[:4])
        fields = [
            *(*head, message.kind, message.sender, message.name, message.target),
            *(message.text, message.time, message.extra),
            _receivers(message),
        ]
        return _dumps(fields)

    def decode(self, topic: Topic, data: bytes | None) -> tuple[Payload, Stamp | None]:
        fields = _parse(data)
        form = (fields[0], len(fields)) if fields else None
        if form == ("w", WAKE_FIELDS):
            return _wake(topic, fields)
        if form == ("c", WAKE_FIELDS):
            return _copy(topic, fields)
        if form == ("e", EVENT_FIELDS):
            return _event(topic, fields)
        if form == ("l", LIVE_FIELDS):
            return _live(topic, fields), None
        if form == ("n", NOTICE_FIELDS):
            return _notice(topic, fields), None
        if form == ("g", GROUP_NOTICE_FIELDS):
            return _group_notice(topic, fields), None
        if form == ("a", ANNOUNCEMENT_FIELDS):
            return _announcement(topic, fields), None
        if form == ("v", CONVERSATION_FIELDS):
            return _conversation_notice(topic, fields), None
        raise BadPayloadError("an unknown form")


def _dumps(fields: list[Any]) -> bytes:
    return ujson.dumps(fields, ensure_ascii=False, escape_forward_slashes=False).encode()


def _parse(data: bytes | None) -> list[Any]:
    if data is None:
        raise BadPayloadError("too long")
    try:
        fields = ujson.loads(data)
    except ValueError as exc:
        raise BadPayloadError(str(exc)) from exc
    if type(fields) is not list:
        raise BadPayloadError("no array")
    return fields


def _wake(topic: Topic, fields: list[Any]) -> tuple[ChatMessage, Stamp]:
    _, epoch, number, seq, *rest = fields
    right = type(epoch) is str and type(number) is type(seq) is int
    if not (right and number > 0 and 0 < seq <= MAX_SEQ):
        raise BadPayloadError("a field is wrong")
    return _message(topic, seq, rest), (epoch, number)


def _copy(topic: Topic, fields: list[Any]) -> tuple[Copy, Stamp]:
    if fields[4] != ONE_CHAT or topic != (ONE_CHAT, fields[5]):
        raise BadPayloadError("a field is wrong")
    message, stamp = _wake((ONE_CHAT, fields[7]), fields)
    return Copy(message), stamp


def _event(topic: Topic, fields: list[Any]) -> tuple[EventWake, Stamp]:
    _, epoch, number, seq, group_id, time, details, receivers = fields
    right = (
        type(epoch) is type(time) is str
        and type(number) is type(seq) is int
        and number > 0
        and 0 < seq <= MAX_SEQ
        and _is_id(group_id)
        and type(details) is dict
        and details.get("event") in LOGGED
        and all(type(value) in (str, int) for value in details.values())
        and all(_is_id(details[field]) for field in NAME_OF if field in details)
        and type(receivers) is list
        and all(_is_mailbox(mailbox) for mailbox in receivers)
    )
    if not right:
        raise BadPayloadError("a field is wrong")
    event = GroupEvent(seq, group_id, time, details)
    event.receivers = frozenset(receivers)
    wake = EventWake(event, topic[1] if topic[0] == ONE_CHAT else 0)
    if wake.topic != topic:
        raise BadPayloadError("an event on the topic of another group")
    return wake, (epoch, number)


def _live(topic: Topic, fields: list[Any]) -> LiveMessage:
    _, node, number, generation, mid, *rest = fields
    right = type(node) is type(mid) is str and type(number) is type(generation) is int
    if not (right and 0 < len(mid) <= MAX_MID):
        raise BadPayloadError("a field is wrong")
    return LiveMessage(node, number, generation, mid, _message(topic, 0, rest))


def _message(topic: Topic, seq: int, fields: list[Any]) -> ChatMessage:
    kind, sender, name, target, text, time, extra, receivers = fields
    right = (
        type(name) is type(text) is type(time) is str
        and (kind, target) == topic
        and kind in (ONE_CHAT, GROUP_CHAT)
        and _is_id(sender)
        and _is_id(target)
        and (extra is None or type(extra) is dict)
    )
    if not right:
        raise BadPayloadError("a field is wrong")
    message = ChatMessage(seq, kind, sender, name, target, text, time, extra)
    if kind == ONE_CHAT and receivers is None:
        message.receivers = frozenset((target,))
    elif type(receivers) is list and all(_is_mailbox(mailbox) for mailbox in receivers):
        message.receivers = frozenset(receivers)
    else:
        raise BadPayloadError("receivers are wrong")
    return message


def _notice(topic: Topic, fields: list[Any]) -> Notice:
    _, word, ids = fields
    if type(word) is not str or word not in WORDS or Notice(1, word, ()).topic[0] != topic[0]:
        raise BadPayloadError("an unknown notice")
    if not (type(ids) is list and all(_is_id(user_id) for user_id in ids)):
        raise BadPayloadError("ids are wrong")
    return Notice(topic[1], word, tuple(ids))


def _group_notice(topic: Topic, fields: list[Any]) -> GroupNotice:
    _, node, group_id, event, user_id, by, more = fields
    right = (
        type(node) is type(event) is str
        and event in EVENTS
        and _is_id(group_id)
        and all(number == 0 or _is_id(number) for number in (user_id, by))
        and type(more) is dict
        and all(type(value) in (str, int) for value in more.values())
    )
    notice = GroupNotice(node, group_id, event, user_id, by, more)
    if not right or notice.topic != topic:
        raise BadPayloadError("an unknown notice about a group")
    return notice


def _announcement(topic: Topic, fields: list[Any]) -> Announcement:
    _, node, text, time = fields
    announcement = Announcement(node, text, time)
    if not (type(node) is type(text) is type(time) is str and announcement.topic == topic):
        raise BadPayloadError("an unknown announcement")
    if not 0 < len(text) <= MAX_ANNOUNCEMENT:
        raise BadPayloadError("an announcement of a wrong length")
    return announcement


def _receivers(message: ChatMessage) -> list[int] | None:
    receivers = message.receivers
    if message.kind == ONE_CHAT and (not receivers or receivers == {message.target}):
        return None
    return sorted(receivers)


def _is_mailbox(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_MAILBOX


def _conversation_notice(topic: Topic, fields: list[Any]) -> ConversationNotice:
    _, node, event, user_id, by, with_id, group_id, number = fields
    right = (
        type(node) is type(event) is str
        and event in CONVERSATION_EVENTS
        and _is_id(by)
        and all(number == 0 or _is_id(number) for number in (user_id, with_id, group_id))
        and (with_id == 0) != (group_id == 0)
        and type(number) is int
        and 0 <= number <= MAX_SEQ
    )
    if right:
        notice = ConversationNotice(node, event, user_id, by, with_id, group_id, number)
        if notice.topic == topic:
            return notice
    raise BadPayloadError("an unknown notice about a conversation")


def _is_id(value: object) -> bool:
    # ``type``, not ``isinstance``: True is an int for the latter.
    return type(value) is int and 0 < value <= MAX_ID
