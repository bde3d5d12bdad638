"""Session: a Conversation over a Connection; what an application calls.

It does not print, ask or connect again. Three threads meet here: the application's, which
requests, sends and takes events; the receiver thread, which feeds the conversation; and the
heartbeat's. One lock guards the conversation, and no send and no foreign code runs under it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chat.protocol import ErrNo, Message, MsgType
from client import values
from client.errors import ClientError, ConnectionLostError, NoAnswerError, RefusedError
from client.limits import check_text
from client.protocol.connection import Connection
from client.protocol.conversation import Conversation, Handover
from client.protocol.heartbeat import Heartbeat
from client.timing import Timing
from client.values import Account, ChatMessage, Event, Friend, Group, History, Member, Signal

if TYPE_CHECKING:
    from client.protocol.tls import TlsSocket

_SEQS_PER_FRAME = 500
"""Half of what a server takes in one DELIVERED_MSG, and some 9 KiB at most."""


class Session:
    """One connection's conversation, from any thread. Takes the socket over and closes it.

    Requests block until they are answered and raise RefusedError, NoAnswerError,
    ConnectionLostError or NotLoggedInError. ``on_ready`` is called on the receiver thread
    whenever there is something to ``deliver`` or ``take`` and when the connection is gone;
    ``on_signal`` before it, for what need not be shown. Both must only note it or wake somebody.
    """

    def __init__(
        self,
        sock: socket.socket | TlsSocket,
        on_ready: Callable[[], None],
        timing: Timing | None = None,
        new_mid: Callable[[], str] = lambda: uuid.uuid4().hex,
        on_signal: Callable[[Signal], None] = lambda signal: None,
    ) -> None:
        self._timing = timing or Timing()
        self._on_ready = on_ready
        self._on_signal = on_signal
        self._connection = Connection(sock, self._on_message, self._on_close, self._timing.send)
        self._heartbeat = Heartbeat(self._timing.heartbeat, self._beat)
        self._conversation = Conversation(new_mid)
        self._closed_reason: str | None = None
        # Guards the two above; notified on every answer and when the connection is gone.
        self._conversation_changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<Session {self._conversation!r} on {self._connection!r}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def account(self) -> Account | None:
        """Who is logged in, or None. Any thread."""
        with self._conversation_changed:
            return self._conversation.account

    @property
    def closed_reason(self) -> str | None:
        """Why the connection is gone, None while it is there. Any thread."""
        with self._conversation_changed:
            return self._closed_reason

    def start(self) -> None:
        """Begin to receive and to send heartbeats. Any thread, once."""
        self._connection.start()
        self._heartbeat.start()

    def close(self) -> None:
        """Close the connection and end both threads. Any thread but these; idempotent."""
        self._connection.close()
        self._heartbeat.stop()

    def login(
        self,
        user_id: int,
        password: str | None = None,
        *,
        token: str | None = None,
        device: str | None = None,
        seconds: float | None = None,
    ) -> Account:
        """Log in, by password or token. Any thread; blocks, at most ``seconds`` if given.

        The offline messages come through ``deliver`` or ``take``.
        """
        secrets = {"password": password, "token": token, "device": device}
        given = {name: value for name, value in secrets.items() if value is not None}
        answer = self._request(MsgType.LOGIN_MSG, seconds, id=user_id, **given)
        account = values.read_account(answer)
        self._heartbeat.set_interval(self._interval_for(account))
        return account

    def register(self, name: str, password: str) -> int:
        """Register a user; returns the new id. Any thread; blocks."""
        answer = self._request(MsgType.REG_MSG, name=name, password=password)
        return values.read_id(answer, "id")

    def add_friend(self, friend_id: int) -> Friend:
        """Put somebody on the contact list. Any thread; blocks."""
        answer = self._request(MsgType.ADD_FRIEND_MSG, friendid=friend_id)
        return values.read_friend(values.read_object(answer, "friend"))

    def create_group(self, name: str, desc: str) -> int:
        """Create a group; returns its id. Any thread; blocks."""
        answer = self._request(MsgType.CREATE_GROUP_MSG, groupname=name, groupdesc=desc)
        return values.read_id(answer, "groupid")

    def join_group(self, group_id: int) -> Group:
        """Join a group. Any thread; blocks."""
        answer = self._request(MsgType.ADD_GROUP_MSG, groupid=group_id)
        return values.read_group(values.read_object(answer, "group"))

    def remove_friend(self, friend_id: int) -> None:
        """Take somebody off the contact list. Any thread; blocks."""
        self._request(MsgType.REMOVE_FRIEND_MSG, friendid=friend_id)

    def leave_group(self, group_id: int) -> None:
        """Leave a group. Any thread; blocks."""
        self._request(MsgType.LEAVE_GROUP_MSG, groupid=group_id)

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Put a member out of a group of one's own. Any thread; blocks."""
        self._request(MsgType.REMOVE_MEMBER_MSG, groupid=group_id, userid=user_id)

    def dissolve_group(self, group_id: int) -> None:
        """End a group of one's own. Any thread; blocks."""
        self._request(MsgType.DISSOLVE_GROUP_MSG, groupid=group_id)

    def members(self, group_id: int) -> tuple[Member, ...]:
        """Who is in a group. Any thread; blocks."""
        return values.read_members(self._request(MsgType.MEMBERS_MSG, groupid=group_id))

    def history(
        self, target: int, *, in_group: bool, before: int | None = None, limit: int = 50
    ) -> History:
        """A page of a conversation's past, older than ``before``. Any thread; blocks."""
        where = {"groupid" if in_group else "with": target}
        if before is not None:
            where["before"] = before
        return values.read_history(self._request(MsgType.HISTORY_MSG, **where, limit=limit))

    def logout(self, seconds: float | None = None) -> None:
        """Log out; the connection stays. Any thread; blocks, at most ``seconds`` if given."""
        self._request(MsgType.LOGINOUT_MSG, seconds)

    def chat(self, friend_id: int, text: str) -> None:
        """Send somebody a message. Any thread; does not wait for the ack.

        A failure arrives as a ChatFailed event. Raises TooLargeError, ConnectionLostError or
        NotLoggedInError.
        """
        self._send_chat(friend_id, text, to_group=False)

    def group_chat(self, group_id: int, text: str) -> None:
        """Send a group a message. Any thread; as ``chat``."""
        self._send_chat(group_id, text, to_group=True)

    def submit(self, message: Message) -> None:
        """Send a chat message whose ``mid`` and ack are the caller's business. Any thread.

        The ack is a ChatAnswer signal. Raises ConnectionLostError.
        """
        self._connection.send(message)

    def settle_chats(self) -> None:
        """Wait for the chat acks that are still out. Any thread; blocks, bounded.

        What is then still un-acked, or was when the connection went, becomes a ChatFailed event.
        """
        with self._conversation_changed:
            self._conversation_changed.wait_for(
                lambda: not self._conversation.awaits_chat_acks or self._closed_reason is not None,
                self._timing.chat_acks,
            )
            self._conversation.give_up_chats("not confirmed by the server")

    def wait_closed(self, seconds: float) -> bool:
        """Wait until all that arrived was received and the connection is gone. Any thread."""
        with self._conversation_changed:
            return self._conversation_changed.wait_for(
                lambda: self._closed_reason is not None, seconds
            )

    def deliver(self, show: Callable[[Event], None]) -> None:
        """Hand every waiting event to ``show``, then acknowledge the messages among them.

        Any thread, one at a time; ``show`` runs on it. If ``show`` raises, what it had shown
        is acknowledged all the same.
        """
        handover = self.take()
        received = handover.repeated
        try:
            for event in handover.events:
                show(event)
                if isinstance(event, ChatMessage) and event.seq is not None:
                    received.append(event.seq)
        finally:
            if handover.account is not None and handover.account is self.account:
                self.acknowledge(received)

    def take(self) -> Handover:
        """The waiting events, for somebody who acknowledges by himself. Any thread."""
        with self._conversation_changed:
            return self._conversation.take()

    def acknowledge(self, seqs: list[int]) -> None:
        """Tell the server that these were taken care of. Any thread; does not fail.

        If the connection is lost, they come again at the next login.
        """
        chunks = [seqs[i : i + _SEQS_PER_FRAME] for i in range(0, len(seqs), _SEQS_PER_FRAME)]
        for chunk in chunks:
            try:
                self._connection.send({"msgid": int(MsgType.DELIVERED_MSG), "seqs": chunk})
            except ConnectionLostError:
                return  # reported by on_ready

    def fail(self, reason: str) -> None:
        """Give the connection up; returns at once, ``on_ready`` follows. Any thread."""
        self._connection.fail(reason)

    def _request(self, msgid: MsgType, seconds: float | None = None, /, **fields: Any) -> Message:
        seconds = self._timing.answer if seconds is None else seconds
        changed, conversation = self._conversation_changed, self._conversation
        with changed:
            message = conversation.request(msgid, **fields)
        rid = message["rid"]
        try:
            self._connection.send(message)
            with changed:
                changed.wait_for(
                    lambda: conversation.is_answered(rid) or self._closed_reason is not None,
                    seconds,
                )
        finally:
            with changed:
                answer = conversation.settle(rid)
                lost = self._closed_reason
        if answer is None:
            raise NoAnswerError(seconds) if lost is None else ConnectionLostError(lost)
        if answer.get("errno") != ErrNo.OK or answer["msgid"] == MsgType.ERROR_MSG:
            raise RefusedError(*values.read_failure(answer), answer)
        return answer

    def _send_chat(self, target: int, text: str, *, to_group: bool) -> None:
        check_text(text)
        with self._conversation_changed:
            message = self._conversation.chat(target, text, to_group=to_group)
        try:
            self._connection.send(message)
        except ClientError:
            with self._conversation_changed:
                self._conversation.forget_chat(message["mid"])
            raise

    def _on_message(self, message: Message) -> None:
        """Receiver thread."""
        with self._conversation_changed:
            reply = self._conversation.receive(message)
            signals = self._conversation.take_signals()
            ready = self._conversation.has_events
            overflowing = self._conversation.overflowing
            self._conversation_changed.notify_all()
        for signal in signals:
            self._on_signal(signal)
        if reply is not None:
            with contextlib.suppress(ConnectionLostError):  # then this thread ends by itself
                self._connection.send(reply)
        if overflowing:
            self._connection.fail("more messages than this client can show")
        if ready:
            self._on_ready()

    def _on_close(self, reason: str) -> None:
        """Receiver thread."""
        with self._conversation_changed:
            self._closed_reason = reason
            self._conversation_changed.notify_all()
        self._on_ready()

    def _interval_for(self, account: Account) -> float:
        asked = self._timing.heartbeat if account.heartbeat is None else account.heartbeat
        return max(asked, self._timing.shortest_heartbeat)

    def _beat(self) -> None:
        """Heartbeat thread."""
        silent = time.monotonic() - self._connection.last_heard
        # Only after a login is it known that this server answers PING_MSG.
        patience = self._timing.lost_after_beats * self._heartbeat.interval
        if self.account is not None and silent > patience:
            self._connection.fail(f"silent for {silent:.0f} s")
            return
        with contextlib.suppress(ConnectionLostError):  # the receiver thread reports it
            self._connection.send({"msgid": int(MsgType.PING_MSG)})
