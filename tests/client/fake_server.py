"""FakeServer: the server's side of one loopback socket, scripted by a table of rules.

It speaks the v2 dialect well enough for a correct client. It keeps the received messages, and
sends the messages of the test.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from chat.protocol import LF, FrameDecoder, Message, MsgType, decode, encode

WAIT = 5.0
"""Seconds after which an awaited event will not come."""

Rule = Callable[[Message], list[Message]]


def ack(msgid: MsgType, request: Message, errno: int = 0, **fields: Any) -> Message:
    """An answer to a request, with its rid."""
    answer = {"msgid": int(msgid), "errno": errno, **fields}
    if "rid" in request:
        answer["rid"] = request["rid"]
    return answer


def refuse(msgid: MsgType, errno: int, errmsg: str) -> Rule:
    """A rule that answers a request with a failure."""
    return lambda request: [ack(msgid, request, errno, errmsg=errmsg)]


def one_chat(seq: int | None, msg: str, sender: int = 2, name: str = "bob") -> Message:
    """A ONE_CHAT_MSG to user 1."""
    message: Message = {"msgid": 6, "id": sender, "name": name, "toid": 1, "msg": msg}
    message["time"] = "2024-01-02 03:04:05"
    if seq is not None:
        message["seq"] = seq
    return message


def group_chat(seq: int, msg: str, group_id: int = 7) -> Message:
    """A GROUP_CHAT_MSG to user 1."""
    return {**one_chat(seq, msg), "msgid": 10, "groupid": group_id}


def login_ack(request: Message, **fields: Any) -> Message:
    """A successful LOGIN_MSG_ACK; its lists are empty unless given."""
    defaults = {
        "id": request.get("id", 1),
        "name": request.get("name", "alice"),
        "v": 2,
        "token": "t",
        "heartbeat": 30,
    }
    lists: dict[str, Any] = {"friends": [], "groups": [], "offlinemsg": []}
    return ack(MsgType.LOGIN_MSG_ACK, request, **{**defaults, **lists, **fields})


def _default_rules() -> dict[int, Rule]:
    return {
        MsgType.LOGIN_MSG: lambda r: [login_ack(r)],
        MsgType.REG_MSG: lambda r: [ack(MsgType.REG_MSG_ACK, r, id=1)],
        MsgType.LOGINOUT_MSG: lambda r: [ack(MsgType.LOGINOUT_ACK, r)],
        MsgType.ONE_CHAT_MSG: lambda r: [ack(MsgType.CHAT_ACK, r, mid=r["mid"], seq=1)],
        MsgType.GROUP_CHAT_MSG: lambda r: [ack(MsgType.CHAT_ACK, r, mid=r["mid"], seq=1)],
        MsgType.ADD_FRIEND_MSG: lambda r: [
            ack(
                MsgType.ADD_FRIEND_ACK,
                r,
                friend={"id": r.get("friendid", 2), "name": "bob", "state": "offline"},
            )
        ],
        MsgType.CREATE_GROUP_MSG: lambda r: [ack(MsgType.CREATE_GROUP_ACK, r, groupid=4)],
        MsgType.ADD_GROUP_MSG: lambda r: [
            ack(
                MsgType.ADD_GROUP_ACK,
                r,
                group={"id": r["groupid"], "groupname": "g", "groupdesc": "d", "users": []},
            )
        ],
        MsgType.PING_MSG: lambda r: [ack(MsgType.PONG_MSG, r)],
        MsgType.HISTORY_MSG: lambda r: [ack(MsgType.HISTORY_ACK, r, messages=[], more=False)],
        MsgType.SEARCH_MSG: lambda r: [ack(MsgType.SEARCH_ACK, r, messages=[], more=False)],
        MsgType.REMOVE_FRIEND_MSG: lambda r: [ack(MsgType.REMOVE_FRIEND_ACK, r)],
        MsgType.LEAVE_GROUP_MSG: lambda r: [ack(MsgType.LEAVE_GROUP_ACK, r)],
        MsgType.REMOVE_MEMBER_MSG: lambda r: [ack(MsgType.REMOVE_MEMBER_ACK, r)],
        MsgType.DISSOLVE_GROUP_MSG: lambda r: [ack(MsgType.DISSOLVE_GROUP_ACK, r)],
        MsgType.CHANGE_PASSWORD_MSG: lambda r: [ack(MsgType.CHANGE_PASSWORD_ACK, r)],
        MsgType.RENAME_MSG: lambda r: [ack(MsgType.RENAME_ACK, r, name=r["name"])],
        MsgType.BLOCK_MSG: lambda r: [ack(MsgType.BLOCK_ACK, r, userid=r["userid"])],
        MsgType.UNBLOCK_MSG: lambda r: [ack(MsgType.UNBLOCK_ACK, r, userid=r["userid"])],
        MsgType.BLOCKS_MSG: lambda r: [ack(MsgType.BLOCKS_ACK, r, userids=[2, 9])],
        MsgType.FRIEND_REQUESTS_MSG: lambda r: [ack(MsgType.FRIEND_REQUESTS_ACK, r, requests=[])],
        MsgType.ANSWER_FRIEND_MSG: lambda r: [
            ack(
                MsgType.ANSWER_FRIEND_ACK,
                r,
                userid=r["userid"],
                friend={"id": r["userid"], "name": "bob", "state": "online"}
                if r["accept"]
                else None,
            )
        ],
        MsgType.DELETE_ACCOUNT_MSG: lambda r: [
            ack(MsgType.DELETE_ACCOUNT_ACK, r),
            {"msgid": int(MsgType.BYE_MSG), "reason": "deleted", "reconnect": False},
        ],
        MsgType.MEMBERS_MSG: lambda r: [ack(MsgType.MEMBERS_ACK, r, users=[])],
        MsgType.CHANGE_GROUP_MSG: lambda r: [
            ack(
                MsgType.CHANGE_GROUP_ACK,
                r,
                groupid=r["groupid"],
                groupname=r.get("groupname", "g"),
                groupdesc=r.get("groupdesc", "d"),
                join=r.get("join", "open"),
            )
        ],
        MsgType.SET_ROLE_MSG: lambda r: [ack(MsgType.SET_ROLE_ACK, r)],
        MsgType.BAN_MEMBER_MSG: lambda r: [ack(MsgType.BAN_MEMBER_ACK, r)],
        MsgType.UNBAN_MEMBER_MSG: lambda r: [ack(MsgType.UNBAN_MEMBER_ACK, r)],
        MsgType.INVITE_MSG: lambda r: [ack(MsgType.INVITE_ACK, r)],
        MsgType.FIND_USER_MSG: lambda r: [
            ack(MsgType.FIND_USER_ACK, r, users=[{"id": 2, "name": "bob"}], exact=True)
        ],
        MsgType.USER_MSG: lambda r: [
            ack(MsgType.USER_ACK, r, users=[{"id": i, "name": f"name {i}"} for i in r["ids"]])
        ],
        MsgType.CONVERSATIONS_MSG: lambda r: [
            ack(MsgType.CONVERSATIONS_ACK, r, conversations=[], more=False)
        ],
        MsgType.READ_MSG: lambda r: [ack(MsgType.READ_ACK, r, seq=r["seq"])],
        MsgType.MUTE_MSG: lambda r: [ack(MsgType.MUTE_ACK, r, muted=r["muted"])],
        MsgType.SETTINGS_MSG: lambda r: [
            ack(MsgType.SETTINGS_ACK, r, receipts=r.get("receipts", True))
        ],
        MsgType.BANS_MSG: lambda r: [ack(MsgType.BANS_ACK, r, bans=[], more=False)],
    }


class FakeServer:
    """Serves one connection at a time on 127.0.0.1, answering by ``rules``.

    Attributes:
        port: where it listens.
        rules: msgid → answers; a test replaces entries before the client sends.
    """

    def __init__(self) -> None:
        self.rules = _default_rules()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._received: queue.Queue[Message] = queue.Queue()
        self._peer: socket.socket | None = None
        self._connected = threading.Event()
        self._disconnected = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="fake server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up(wait=False)
        self._thread.join(WAIT)
        self._listener.close()
        assert not self._thread.is_alive()

    def expect(self, msgid: int) -> Message:
        """The next message of this kind that the client sent; others before it are dropped."""
        while True:
            message = self._received.get(timeout=WAIT)
            if message["msgid"] == msgid:
                return message

    def received_nothing_more(self, msgid: int) -> bool:
        """Whether no further message of this kind has arrived."""
        with self._received.mutex:
            return all(message["msgid"] != msgid for message in self._received.queue)

    def send(self, *messages: Message) -> None:
        """Send messages that answer no request."""
        self.send_bytes(b"".join(encode(message) + LF for message in messages))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes, which need not be a message."""
        assert self._connected.wait(WAIT)
        assert self._peer is not None
        self._peer.sendall(data)

    def hang_up(self, *, wait: bool = True) -> None:
        """Close the connection from the server's side."""
        if wait:
            assert self._connected.wait(WAIT)
        if self._peer is not None:
            try:
                self._peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client was faster

    def wait_disconnected(self) -> None:
        """Wait until a connection has ended."""
        assert self._disconnected.wait(WAIT)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                self._peer = peer
                self._connected.set()
                try:
                    self._talk(peer)
                except OSError:
                    pass  # reset by the client
            self._disconnected.set()

    def _talk(self, peer: socket.socket) -> None:
        decoder = FrameDecoder()
        while data := peer.recv(65536):
            decoder.feed(data)
            for frame in decoder.take():
                message = decode(frame)
                self._received.put(message)
                rule = self.rules.get(message["msgid"])
                if rule is not None:
                    peer.sendall(b"".join(encode(answer) + LF for answer in rule(message)))
