"""A chaos client: sends, acknowledges, and disconnects at random.

It keeps its promise towards the server: an unacknowledged message is sent again, with its ``mid``,
and received numbers are remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import socket
import struct
from typing import Any

from tests.chaos.checker import History, Received, Sent

ONE_CHAT, GROUP_CHAT = 6, 10
LOGIN_SECONDS = 5.0
SILENCE_SECONDS = 5.0
PING_SECONDS = 1.5
OUTBOX = 20
REPEATED = 0.03
"""The share of messages that are sent twice at once."""

RETRY_ERRNOS = {6, 8}
MAILBOX_FULL = 12
REPLACED = 3
PASSWORD = "secret-1"

WAYS = ("reset", "close", "half-open", "slow", "logout")
AWAY = ("away", "away")
AWAY_SECONDS = 2.0, 6.0
"""Of clients whose mailbox is to become full."""

MIDS = ("mid", "MID", "Mid", "míd", "mid ", "ｍｉｄ", "😀", "😁")
"""Different strings that some comparisons of databases find equal."""

_connections = itertools.count(1)

Message = dict[str, Any]


class GoneError(Exception):
    """The connection has ended, or must be replaced."""


class Client:
    """One user. Everything in the event loop's thread."""

    def __init__(self, port: int, user_id: int, name: str, seed: int, history: History) -> None:
        self.user_id = user_id
        self.name = name
        self.peers: list[int] = []
        self.groups: dict[int, frozenset[int]] = {}
        self.foreign_groups: list[int] = []
        self.outbox: dict[str, Sent] = {}
        self.token: str | None = None
        self.sends = True
        self.disconnects = True
        self.goes_away = False
        self.refused = 0
        self.logins = 0
        self.idle_since = 0.0
        self._port = port
        self._random = random.Random(seed)
        self._history = history
        self._numbers = itertools.count()
        self._done: dict[str, Sent] = {}
        self._connection = 0
        self._writer: asyncio.StreamWriter | None = None
        self._retry = asyncio.Event()
        self._away = 0.0
        self._half_open: list[asyncio.StreamWriter] = []
        self._slow = False

    # ------------------------------------------------------------------ connections

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                with contextlib.suppress(GoneError, OSError, asyncio.IncompleteReadError):
                    await self._connect_once()
                self._abort()
                await asyncio.sleep(self._random.uniform(0.05, 0.3) + self._away)
                self._away = 0.0
        finally:
            self._abort()
            for writer in self._half_open:
                writer.transport.abort()

    async def _connect_once(self) -> None:
        """One connection."""
        self._slow = False
        async with asyncio.timeout(LOGIN_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writer = writer
            self._connection = next(_connections)
            await self._log_in(reader)
        tasks = [
            asyncio.create_task(coroutine)
            for coroutine in (
                self._read(reader),
                self._send_messages(),
                self._ping(),
                self._disconnect(),
            )
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _log_in(self, reader: asyncio.StreamReader) -> None:
        secret = {"token": self.token} if self.token else {"password": PASSWORD}
        self._send(msgid=1, id=self.user_id, v=2, device=f"device of {self.name}", **secret)
        while True:
            message = await self._receive(reader)
            if message["msgid"] == 2:
                break
            raise GoneError("a message before the answer to the login")  # a goodbye
        if message["errno"]:
            if message["errno"] == 1:
                self._history.surprises.append(f"{self.name} cannot log in: {message}")
            raise GoneError(message["errmsg"])
        self.token = message["token"]
        self.logins += 1
        for mail in message["offlinemsg"]:
            self._take_chat(mail)
        for sent in self.outbox.values():  # unacknowledged messages first, in order
            self._send_chat(sent)

    # ------------------------------------------------------------------ reading

    async def _receive(self, reader: asyncio.StreamReader) -> Message:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                line = await reader.readuntil(b"\n")
        except TimeoutError as exc:
            raise GoneError("silence") from exc
        message: Message = json.loads(line)
        return message

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            message = await self._receive(reader)
            msgid = message["msgid"]
            if msgid in (ONE_CHAT, GROUP_CHAT):
                self._take_chat(message)
            elif msgid == 20:
                self._take_ack(message)
            elif msgid == 32:
                self._take_bye(message)
            elif msgid == 31 and message["errno"] != REPLACED:  # after a logout
                self._history.surprises.append(f"{self.name}: {message}")
            while self._slow:
                await asyncio.sleep(0.05)

    def _take_bye(self, bye: Message) -> None:
        # Only this client uses the account, and all its requests are correct. So a BYE_MSG must
        # allow it to reconnect.
        if not bye["reconnect"]:
            self._history.surprises.append(f"{self.name} got a final BYE_MSG: {bye}")
        raise GoneError(bye["reason"])

    def _take_chat(self, message: Message) -> None:
        kind = message["msgid"]
        target = message["toid" if kind == ONE_CHAT else "groupid"]
        got = Received(
            self.user_id,
            self._connection,
            message["seq"],
            message["id"],
            kind,
            target,
            message["msg"],
        )
        self._history.received.append(got)
        self.idle_since = asyncio.get_running_loop().time()
        delay = self._random.choice((0.0, 0.0, 0.02, 0.3))
        asyncio.get_running_loop().call_later(delay, self._acknowledge, self._connection, got.seq)

    def _acknowledge(self, connection: int, seq: int) -> None:
        if connection == self._connection:
            self._send(msgid=21, seqs=[seq])

    def _take_ack(self, ack: Message) -> None:
        errno, mid = ack["errno"], ack["mid"]
        sent = self.outbox.get(mid)
        if sent is None:
            # It was sent again before the first answer came. The number must be the same.
            if not errno:
                self._check_repeated(mid, ack["seq"])
            return
        if not errno:
            del self.outbox[mid]
            sent.acked = self._history.tick()
            sent.acked_connection = self._connection
            sent.seq = ack["seq"]
            self._done[mid] = sent
        elif errno in RETRY_ERRNOS:
            self._history.failed_connections.add(self._connection)
            asyncio.get_running_loop().call_later(0.3, self._resend_from, self._connection, mid)
        elif errno == MAILBOX_FULL:
            # This receiver alone takes no messages, so the messages to others do not wait.
            self.refused += 1
            self._history.failed_connections.add(self._connection)
            asyncio.get_running_loop().call_later(1.0, self._resend_one, self._connection, mid)
        elif errno == REPLACED:
            raise GoneError("replaced")
        elif errno == 9 and sent.target in self.foreign_groups and sent.kind == GROUP_CHAT:
            del self.outbox[mid]
        else:
            self._history.surprises.append(f"{self.name}: {sent} was refused: {ack}")
            del self.outbox[mid]

    def _check_repeated(self, mid: str, seq: int) -> None:
        sent = self._done.get(mid)
        if sent is not None and sent.seq != seq:
            self._history.surprises.append(f"{self.name}: acknowledged as {seq}, too: {sent}")

    # ------------------------------------------------------------------ writing

    def _send(self, **message: Any) -> None:
        if self._writer is not None and not self._writer.transport.is_closing():
            self._writer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def _send_chat(self, sent: Sent) -> None:
        target = {"toid" if sent.kind == ONE_CHAT else "groupid": sent.target}
        self._send(msgid=sent.kind, id=self.user_id, msg=sent.text, mid=sent.mid, **target)

    def _resend_from(self, connection: int, mid: str) -> None:
        if connection != self._connection or mid not in self.outbox:
            return
        mids = list(self.outbox)
        for later in mids[mids.index(mid) :]:
            self._send_chat(self.outbox[later])

    def _resend_one(self, connection: int, mid: str) -> None:
        if connection == self._connection and mid in self.outbox:
            self._send_chat(self.outbox[mid])

    async def _send_messages(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(20))
            if self.sends and len(self.outbox) < OUTBOX:
                self._send_new()

    def _send_new(self) -> None:
        number = next(self._numbers)
        mid = f"{MIDS[number % len(MIDS)]}{number // len(MIDS)}"
        text = f"{self.name} sends {number} {self._random.choice(('', '你好', '“”', 'x' * 300))}"
        kind, receivers = GROUP_CHAT, frozenset[int]()
        dice = self._random.random()
        if dice < 0.05 and self.foreign_groups:
            target = self._random.choice(self.foreign_groups)
        elif dice < 0.4 and self.groups:
            target = self._random.choice(sorted(self.groups))
            receivers = self.groups[target] - {self.user_id}
        else:
            kind, target = ONE_CHAT, self._random.choice(self.peers)
            receivers = frozenset((target,))
        sent = Sent(
            self.user_id,
            number,
            mid,
            kind,
            target,
            text,
            receivers,
            self._history.tick(),
            self._connection,
        )
        self._history.sent.append(sent)
        self.outbox[mid] = sent
        self._send_chat(sent)
        if self._random.random() < REPEATED:
            self._send_chat(sent)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            self._send(msgid=26)

    async def _disconnect(self) -> None:
        """End or disturb the connection in one of several ways."""
        while True:
            await asyncio.sleep(self._random.expovariate(1 / 4))
            if not self.disconnects or self._writer is None:
                continue
            way = self._random.choice(WAYS + AWAY if self.goes_away else WAYS)
            if way == "away":
                self._away = self._random.uniform(*AWAY_SECONDS)
                raise GoneError(way)
            if way == "reset":
                sock: socket.socket = self._writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise GoneError(way)
            if way == "close":
                self._writer.close()
                raise GoneError(way)
            if way == "half-open":  # the server does not learn that the connection has ended
                self._half_open.append(self._writer)
                self._writer = None
                raise GoneError(way)
            if way == "logout":
                self._send(msgid=3, id=self.user_id)
                self.token = None
                await asyncio.sleep(0.1)
                raise GoneError(way)
            self._slow = True
            await asyncio.sleep(self._random.uniform(0.5, 2.0))
            self._slow = False
