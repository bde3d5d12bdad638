"""Clients like the clones of the original: each with the numbers and names of its family.

Written from what those clients send, and not from the server's tables.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.chatkit import WAIT, Message

KINDS = ("login", "login_ack", "logout", "register", "register_ack", "chat", "add_friend")
GROUP_KINDS = ("create_group", "join_group", "group_chat")


@dataclass(frozen=True)
class Family:
    """``numbers`` in the order of KINDS and GROUP_KINDS."""

    name: str
    numbers: tuple[int, ...]
    end: bytes = b"\0"
    receiver: str = "toid"
    password: str = "password"
    errno: str = "errno"
    errmsg: str = "errmsg"
    mail: str = "offlinemsg"
    remembered: str | None = None
    """What the server knows after the client has used everything."""

    @property
    def number(self) -> Mapping[str, int]:
        return dict(zip(KINDS + GROUP_KINDS, self.numbers, strict=True))


TUTORIAL = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
FAMILIES = [
    Family("tutorial", TUTORIAL),
    Family("reg3", (1, 2, 10, 3, 4, 5, 6, 7, 8, 9), remembered="reg3"),
    Family("reg3-to", (1, 2, 10, 3, 4, 5, 6, 7, 8, 9), receiver="to", remembered="reg3"),
    Family(
        "thousand",
        (1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009),
        remembered="thousand",
    ),
    Family("ack5", (1, 5, 2, 3, 4, 6, 7, 8, 9, 10), remembered="ack5"),
    Family("logout11", (1, 2, 11, 4, 5, 6, 7, 8, 9, 10), remembered="logout11"),
    Family("to", TUTORIAL, receiver="to", remembered="to?"),
    Family("errnum", TUTORIAL, errno="errnum"),
    Family("passwd", TUTORIAL, password="passwd", remembered="passwd"),
    Family(
        "unterminated",
        TUTORIAL,
        end=b"",
        receiver="to",
        errmsg="errormsg",
        mail="offlinemessage",
        remembered="unterminated?",
    ),
]
BY_NAME = {family.name: family for family in FAMILIES}


@dataclass
class Clone:
    """One client on one connection. It parses the bytes up to each NUL, as they do."""

    family: Family
    port: int
    id: int = 0
    name: str = ""
    sent: list[bytes] = field(default_factory=list)
    _rest: bytes = b""

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self.socket.close()

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self.socket.sendall(data)

    def send(self, kind: str, **fields: Any) -> None:
        """A request; its keys sorted, as the library that they use dumps them."""
        message = {"msgid": self.family.number[kind], **fields}
        dumped = json.dumps(message, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        self.write(dumped.encode() + self.family.end)

    def frame(self) -> bytes:
        """The next frame from the server, without its NUL."""
        while b"\0" not in self._rest:
            data = self.socket.recv(1024)
            assert data, "the server has closed"
            self._rest += data
        frame, _, self._rest = self._rest.partition(b"\0")
        return frame

    def receive(self, kind: str) -> Message:
        message: Message = json.loads(self.frame())
        assert message["msgid"] == self.family.number[kind], message
        return message

    def settle(self) -> None:
        """Everything sent so far has been served: an unreadable frame behind it is answered."""
        self.write(b"{}" + self.family.end)
        error = json.loads(self.frame())
        assert (error["msgid"], error[self.family.errno]) == (31, 4), error

    # ------------------------------------------------------------------ what a person does

    def register(self, name: str) -> None:
        self.name = name
        self.send("register", name=name, **{self.family.password: "123"})
        answer = self.receive("register_ack")
        assert answer[self.family.errno] == 0, answer
        self.id = answer["id"]

    def log_in(self) -> Message:
        self.send("login", id=self.id, **{self.family.password: "123"})
        answer = self.receive("login_ack")
        assert (answer[self.family.errno], answer["name"]) == (0, self.name), answer
        return answer

    def add_friend(self, other: Clone) -> None:
        self.send("add_friend", id=self.id, friendid=other.id)
        self.settle()

    def create_group(self, name: str) -> None:
        self.send("create_group", id=self.id, groupname=name, groupdesc="d")
        self.settle()

    def join_group(self, group: int) -> None:
        self.send("join_group", id=self.id, groupid=group)
        self.settle()

    def chat(self, other: Clone, text: str) -> None:
        receiver = {self.family.receiver: other.id}
        self.send("chat", id=self.id, name=self.name, msg=text, time="now", **receiver)

    def group_chat(self, group: int, text: str) -> None:
        self.send("group_chat", id=self.id, name=self.name, groupid=group, msg=text, time="now")

    def expect_chat(self, sender: Clone, text: str) -> None:
        self.check_chat(self.receive("chat"), sender, text)

    def check_chat(self, message: Message, sender: Clone, text: str) -> None:
        expected = {
            "msgid": self.family.number["chat"],
            "id": sender.id,
            "name": sender.name,
            "msg": text,
            "time": "now",
            self.family.receiver: self.id,
        }
        assert {key: message.get(key) for key in expected} == expected, message

    def expect_group_chat(self, sender: Clone, group: int, text: str) -> None:
        message = self.receive("group_chat")
        expected = {"id": sender.id, "name": sender.name, "groupid": group, "msg": text}
        assert {key: message.get(key) for key in expected} == expected, message

    def log_out(self) -> None:
        self.send("logout", id=self.id)
        self.settle()


MakeClone = Callable[..., Clone]
