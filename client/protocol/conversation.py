"""Conversation: the rules of the v2 dialect on the client's side. Pure: no socket, thread or clock.

It does not send: its methods return messages for somebody else to send, and ``receive`` is
fed with what arrived. Not thread-safe; a Session guards it with a lock.

* A request carries a ``rid``, and its answer is found by it.
* A chat message carries a ``mid``, and its CHAT_ACK is found by it.
* What others sent becomes events in an inbox. They are taken from there, shown, and only then
  acknowledged, so that a client that dies in between loses nothing.
* What a program must know at once, whoever reads the inbox and when, becomes signals.
* Each ``seq`` is shown once per user. Per user, because a group message has one ``seq`` for all
  its receivers, and two of them may log in on one connection, one after the other.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chat.protocol import V2, ErrNo, Message, MsgType
from client import values
from client.errors import NotLoggedInError
from client.values import Account, ChatFailed, ChatMessage, Event, Signal

SEEN_SEQS = 10_000
"""How many are remembered: far above the 200 that a server leaves un-acknowledged."""

INBOX_LIMIT = 10_000
"""Events that nobody takes. A server that stores messages never sends more than 200 of them."""

_ANONYMOUS_REQUESTS = frozenset({MsgType.LOGIN_MSG, MsgType.REG_MSG})

_ANSWERS = (
    MsgType.LOGIN_MSG_ACK,
    MsgType.REG_MSG_ACK,
    MsgType.ADD_FRIEND_ACK,
    MsgType.CREATE_GROUP_ACK,
    MsgType.ADD_GROUP_ACK,
    MsgType.LOGINOUT_ACK,
    MsgType.HISTORY_ACK,
    MsgType.REMOVE_FRIEND_ACK,
    MsgType.LEAVE_GROUP_ACK,
    MsgType.REMOVE_MEMBER_ACK,
    MsgType.DISSOLVE_GROUP_ACK,
    MsgType.MEMBERS_ACK,
)


@dataclass(frozen=True, slots=True)
class Handover:
    """What ``Conversation.take`` hands over.

    Attributes:
        events: to be shown, oldest first.
        repeated: seqs that were shown before, but that the server does not know to be received.
        account: who received them.
    """

    events: list[Event]
    repeated: list[int]
    account: Account | None


class Conversation:
    """One client's side of one connection: who is logged in, and what is still awaited.

    Attributes:
        account: who is logged in, None before and after.
    """

    def __init__(self, new_mid: Callable[[], str]) -> None:
        self.account: Account | None = None
        self._new_mid = new_mid
        self._rids = (f"r{number}" for number in itertools.count(1))
        self._requests: dict[str, Message | None] = {}  # rid → answer, None while awaited
        self._chats: dict[str, tuple[int, bool]] = {}  # mid → target, to_group
        self._inbox: deque[Event] = deque()
        self._signals: list[Signal] = []
        self._seen: dict[int, None] = {}  # a set that knows which entry is oldest
        self._seen_by = 0
        self._table: dict[int, Callable[[Message], Message | None]] = {
            **dict.fromkeys(_ANSWERS, self._on_answer),
            MsgType.ONE_CHAT_MSG: self._on_chat,
            MsgType.GROUP_CHAT_MSG: self._on_chat,
            MsgType.CHAT_ACK: self._on_chat_ack,
            MsgType.PRESENCE_MSG: self._on_presence,
            MsgType.ERROR_MSG: self._on_error,
            MsgType.BYE_MSG: self._on_bye,
        }

    def __repr__(self) -> str:
        who = "anonymous" if self.account is None else f"user {self.account.id}"
        awaited = sum(answer is None for answer in self._requests.values())
        return f"<Conversation {who}, {awaited} requests, {len(self._chats)} chats awaited>"

    @property
    def awaits_chat_acks(self) -> bool:
        """Whether a chat message is still without its CHAT_ACK."""
        return bool(self._chats)

    @property
    def has_events(self) -> bool:
        """Whether ``take`` would hand something over."""
        return bool(self._inbox)

    @property
    def overflowing(self) -> bool:
        """Whether more events wait than memory should be spent on."""
        return len(self._inbox) > INBOX_LIMIT

    def request(self, msgid: MsgType, **fields: Any) -> Message:
        """A request to send; its ``rid`` finds the answer. Raises NotLoggedInError."""
        message: Message = {"msgid": int(msgid), **fields}
        if msgid in _ANONYMOUS_REQUESTS:
            message["v"] = V2
        else:
            message["id"] = self._me()
        message["rid"] = rid = next(self._rids)
        self._requests[rid] = None
        return message

    def chat(self, target: int, text: str, *, to_group: bool) -> Message:
        """A chat message to send; its ``mid`` finds the CHAT_ACK. Raises NotLoggedInError."""
        msgid = MsgType.GROUP_CHAT_MSG if to_group else MsgType.ONE_CHAT_MSG
        mid = self._new_mid()
        message: Message = {
            "msgid": int(msgid),
            "id": self._me(),
            "groupid" if to_group else "toid": target,
            "msg": text,
            "mid": mid,
        }
        self._chats[mid] = (target, to_group)
        return message

    def is_answered(self, rid: str) -> bool:
        """Whether the answer to a request is there."""
        return self._requests.get(rid) is not None

    def settle(self, rid: str) -> Message | None:
        """The answer to a request if it is there; from now on it is awaited no more."""
        return self._requests.pop(rid, None)

    def forget_chat(self, mid: str) -> None:
        """A chat message could not be sent: expect no CHAT_ACK."""
        self._chats.pop(mid, None)

    def give_up_chats(self, why: str) -> None:
        """Turn every chat message that is still without CHAT_ACK into a ChatFailed event."""
        for target, to_group in self._chats.values():
            self._inbox.append(ChatFailed(target, to_group, why))
        self._chats.clear()

    def receive(self, message: Message) -> Message | None:
        """Take a message from the server. Returns a message to send back, or None.

        Unknown msgids are ignored: the server may be newer.
        """
        msgid = message.get("msgid")
        handler = self._table.get(msgid) if type(msgid) is int else None
        return None if handler is None else handler(message)

    def take(self) -> Handover:
        """Empty the inbox. Whoever takes shows the events, then acknowledges their seqs."""
        fresh: list[Event] = []
        repeated: list[int] = []
        while self._inbox:
            event = self._inbox.popleft()
            if isinstance(event, ChatMessage) and event.seq is not None:
                if event.seq in self._seen:
                    repeated.append(event.seq)
                    continue
                self._remember(event.seq)
            fresh.append(event)
        return Handover(fresh, repeated, self.account)

    def take_signals(self) -> list[Signal]:
        """What ``receive`` has noted since the last call."""
        signals, self._signals = self._signals, []
        return signals

    def _me(self) -> int:
        if self.account is None:
            raise NotLoggedInError
        return self.account.id

    def _remember(self, seq: int) -> None:
        self._seen[seq] = None
        if len(self._seen) > SEEN_SEQS:
            del self._seen[next(iter(self._seen))]

    def _on_answer(self, message: Message) -> Message | None:
        rid = message.get("rid")
        if type(rid) is not str or rid not in self._requests:
            return self._on_late_answer(message)
        self._requests[rid] = message
        if _succeeded(message, MsgType.LOGIN_MSG_ACK):
            self._logged_in(message)
        elif _succeeded(message, MsgType.LOGINOUT_ACK):
            self._logged_out()
        return None

    def _on_late_answer(self, message: Message) -> Message | None:
        """An answer that nobody waits for any more. The server's state counts, so follow it."""
        if _succeeded(message, MsgType.LOGIN_MSG_ACK) and self.account is None:
            # The user was told that it failed. Undo it, or the next login gets errno 4. Without
            # a rid: its answer concerns nobody.
            return {"msgid": int(MsgType.LOGINOUT_MSG), "id": message.get("id")}
        if _succeeded(message, MsgType.LOGINOUT_ACK) and "rid" in message:
            self._logged_out()
        return None

    def _logged_in(self, ack: Message) -> None:
        # On the spot, and not when the caller has seen the ack: what follows in the stream is
        # already this user's.
        self.account = values.read_account(ack)
        if self.account.id != self._seen_by:
            self._seen.clear()
            self._seen_by = self.account.id
        self._signals.append(values.read_logged_in(ack))
        for stored in values.objects(ack, "offlinemsg"):
            self._on_chat(stored)

    def _logged_out(self) -> None:
        """Messages not yet shown are dropped: un-acknowledged, they come again at next login."""
        self.account = None
        self._inbox = deque(
            event for event in self._inbox if not (isinstance(event, ChatMessage) and event.seq)
        )

    def _on_chat(self, message: Message) -> None:
        self._inbox.append(values.read_chat(message))

    def _on_chat_ack(self, message: Message) -> None:
        answer = values.read_chat_answer(message)
        if answer is None:
            return
        self._signals.append(answer)
        target = self._chats.pop(answer.mid, None)
        if target is not None and answer.errno != ErrNo.OK:
            self._inbox.append(ChatFailed(*target, answer.errmsg))

    def _on_presence(self, message: Message) -> None:
        presence = values.read_presence(message)
        if presence is not None:
            self._signals.append(presence)

    def _on_error(self, message: Message) -> None:
        rid = message.get("rid")
        if type(rid) is str and rid in self._requests:
            self._requests[rid] = message
            return
        self._inbox.append(values.ServerError(values.read_failure(message)[1]))

    def _on_bye(self, message: Message) -> None:
        self._inbox.append(values.read_goodbye(message))


def _succeeded(message: Message, msgid: MsgType) -> bool:
    return message["msgid"] == msgid and message.get("errno") == ErrNo.OK
