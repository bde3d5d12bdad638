"""Exchange: the rules of the v2 dialect for a client. Pure: no socket, thread or clock.

* A request carries a ``rid``. Its answer carries the same one.
* All other messages of the server become events, in the order of the stream.
* The messages that were stored while the user was offline stand in the answer to the login. They
  become events right behind LoggedIn.

It sends nothing, but returns the messages to send. It is not thread-safe; a Session guards it with
a lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from chat.protocol import V2, ErrNo, Message, MsgType
from client.errors import NotLoggedInError
from client.protocol.events import Event, ServerError
from client.protocol.fields import read_objects
from client.protocol.parsing import (
    read_announcement,
    read_failure,
    read_goodbye,
    read_logged_in,
    read_retry_after,
)
from client.protocol.parsing_conversations import (
    read_mute_notice,
    read_read_notice,
    read_typing_notice,
)
from client.protocol.parsing_groups import read_group_notice
from client.protocol.parsing_messages import read_chat, read_chat_answer
from client.protocol.parsing_users import read_device_notice, read_friend_notice, read_presence
from client.protocol.requests import LOGIN, LOGOUT, Request


class Received(NamedTuple):
    """The result of a message from the server.

    Attributes:
        events: the events for the owner of the session.
        reply: the message to send back; None if there is none.
    """

    events: list[Event]
    reply: Message | None = None


NOTHING = Received([])

TYPING_RID = "typing"
"""Of each TYPING_MSG, so that its failure is no error for the application."""


class Exchange:
    """One client's side of one connection: the user that is logged in, and the open requests.

    Attributes:
        user_id: the user that is logged in; None before a login and after a logout.
    """

    def __init__(self) -> None:
        self.user_id: int | None = None
        self._rids = (f"r{number}" for number in itertools.count(1))
        self._requests: dict[str, Message | None] = {}  # rid → answer; None until it arrives
        self._unasked: dict[int, Callable[[Message], Received]] = {
            LOGIN.answer: self._on_late_login,
            LOGOUT.answer: self._on_late_logout,
            MsgType.ONE_CHAT_MSG: self._on_chat,
            MsgType.GROUP_CHAT_MSG: self._on_chat,
            MsgType.GROUP_EVENT_MSG: self._on_chat,
            MsgType.CHAT_ACK: self._on_chat_ack,
            MsgType.PRESENCE_MSG: self._on_presence,
            MsgType.FRIEND_NOTICE_MSG: self._on_friend_notice,
            MsgType.GROUP_NOTICE_MSG: self._on_group_notice,
            MsgType.DEVICE_NOTICE_MSG: self._on_device_notice,
            MsgType.ANNOUNCE_MSG: self._on_announcement,
            MsgType.READ_NOTICE_MSG: self._on_read,
            MsgType.TYPING_NOTICE_MSG: self._on_typing,
            MsgType.MUTE_NOTICE_MSG: self._on_mute,
            MsgType.ERROR_MSG: self._on_error,
            MsgType.BYE_MSG: self._on_bye,
        }

    def __repr__(self) -> str:
        user = "anonymous" if self.user_id is None else f"user {self.user_id}"
        awaited = sum(answer is None for answer in self._requests.values())
        return f"<Exchange {user}, {awaited} requests awaited>"

    def request(self, request: Request[Any], fields: Message) -> Message:
        """Make a request to send. Its ``rid`` identifies the answer. Raises NotLoggedInError."""
        message: Message = {"msgid": int(request.msgid), **fields}
        if request.before_login:
            message["v"] = V2
        elif self.user_id is None:
            raise NotLoggedInError
        else:
            message["id"] = self.user_id
        message["rid"] = rid = next(self._rids)
        self._requests[rid] = None
        return message

    def typing(self, fields: Message) -> Message | None:
        """A TYPING_MSG to send, which has no answer; None without a login."""
        if self.user_id is None:
            return None
        return {
            "msgid": int(MsgType.TYPING_MSG),
            "id": self.user_id,
            **fields,
            "rid": TYPING_RID,
        }

    def is_answered(self, rid: str) -> bool:
        """Whether the answer to a request has arrived."""
        return self._requests.get(rid) is not None

    def settle(self, rid: str) -> Message | None:
        """End a request; returns its answer, or None if that has not arrived."""
        return self._requests.pop(rid, None)

    def receive(self, message: Message) -> Received:
        """Take a message from the server.

        Unknown messages are ignored, because the server may be newer than this client.
        """
        rid = message.get("rid")
        if type(rid) is str and rid in self._requests:
            return self._on_answer(rid, message)
        msgid = message.get("msgid")
        handler = self._unasked.get(msgid) if type(msgid) is int else None
        return NOTHING if handler is None else handler(message)

    def _on_answer(self, rid: str, answer: Message) -> Received:
        self._requests[rid] = answer
        if _succeeded(answer, LOGIN):
            # The login takes effect here, and not when the caller reads the answer, because the
            # next message in the stream is for this user already.
            login = read_logged_in(answer)
            self.user_id = login.account.id
            stored = read_objects(answer, "offlinemsg")
            return Received([login, *(read_chat(item, self.user_id) for item in stored)])
        if _succeeded(answer, LOGOUT):
            self.user_id = None
        return NOTHING

    def _on_late_login(self, answer: Message) -> Received:
        """Undo a login that has timed out for its caller, and has succeeded after that.

        Without this, the server would refuse the next login, because the user is online already.
        The LOGINOUT_MSG has no ``rid``, because no caller waits for its answer.
        """
        if self.user_id is None and _succeeded(answer, LOGIN):
            return Received([], {"msgid": int(LOGOUT.msgid), "id": answer.get("id")})
        return NOTHING

    def _on_late_logout(self, answer: Message) -> Received:
        """Accept a logout that has timed out for its caller, and has succeeded after that."""
        if "rid" in answer and _succeeded(answer, LOGOUT):
            self.user_id = None
        return NOTHING

    def _on_chat(self, message: Message) -> Received:
        return Received([read_chat(message, self.user_id)])

    def _on_chat_ack(self, message: Message) -> Received:
        answer = read_chat_answer(message)
        return NOTHING if answer is None else Received([answer])

    def _on_presence(self, message: Message) -> Received:
        presence = read_presence(message)
        return NOTHING if presence is None else Received([presence])

    def _on_friend_notice(self, message: Message) -> Received:
        notice = read_friend_notice(message)
        return NOTHING if notice is None else Received([notice])

    def _on_group_notice(self, message: Message) -> Received:
        notice = read_group_notice(message)
        return NOTHING if notice is None else Received([notice])

    def _on_device_notice(self, message: Message) -> Received:
        return Received([read_device_notice(message)])

    def _on_announcement(self, message: Message) -> Received:
        return Received([read_announcement(message)])

    def _on_read(self, message: Message) -> Received:
        notice = read_read_notice(message)
        return NOTHING if notice is None else Received([notice])

    def _on_typing(self, message: Message) -> Received:
        notice = read_typing_notice(message)
        return NOTHING if notice is None else Received([notice])

    def _on_mute(self, message: Message) -> Received:
        notice = read_mute_notice(message)
        return NOTHING if notice is None else Received([notice])

    def _on_error(self, message: Message) -> Received:
        if message.get("rid") == TYPING_RID:  # a notice that did not reach the other user
            return NOTHING
        _, errmsg = read_failure(message)
        return Received([ServerError(errmsg, read_retry_after(message) or 0.0)])

    def _on_bye(self, message: Message) -> Received:
        return Received([read_goodbye(message)])


def _succeeded(answer: Message, request: Request[Any]) -> bool:
    return answer.get("msgid") == request.answer and answer.get("errno") == ErrNo.OK
