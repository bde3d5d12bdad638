"""A chaos client, on one device of a user: sends, acknowledges, and disconnects at random.

It keeps its promise towards the server: an unacknowledged message is sent again, with its ``mid``,
and received numbers are remembered. It also ends its device, or another one of its user, and comes
back as a new device.
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

from tests.chaos.group_changer import (
    ACKS,
    LOOKS,
    MEMBERS_ACK,
    MEMBERSHIP,
    RATE,
    ChangingGroups,
    GroupChanger,
    event_of,
)
from tests.chaos.history import History, Look, Received, Sent
from tests.chaos.own_device import OwnDevice
from tests.chaos.person import Kind, Person
from tests.chaos.websocket_stream import WebSocketStream

ONE_CHAT, GROUP_CHAT, GROUP_EVENT = 6, 10, 113
LOGIN_SECONDS = 5.0
SILENCE_SECONDS = 5.0
PING_SECONDS = 1.5
OUTBOX = 20
REPEATED = 0.03
"""The share of messages that are sent twice at once."""

WEBSOCKETS = 0.4
"""The share of connections that are WebSockets, as those of the web page."""

TO_CHANGING = 0.15
"""The share of messages to groups whose members change."""

RETRY_ERRNOS = {6, 8}
REPLACED, NOT_FOUND, NOT_A_MEMBER, MAILBOX_FULL = 3, 5, 9, 12

WAYS = ("reset", "close", "half-open", "slow", "logout")
NAMED_WAYS = ("end", "end another", "forget")
"""Of named devices. A client forgets its device as when its program is installed anew."""

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
    """One device. Everything in the event loop's thread.

    Attributes:
        own: the device.
        sleeps: the device is left alone after its first login, until this is set.
        changer: of the first device of a user: it changes groups; None: the client does not.
    """

    def __init__(
        self,
        port: int,
        person: Person,
        seat: int,
        seed: int,
        history: History,
        rate: float,
        groups: ChangingGroups,
    ) -> None:
        """``rate``: messages a second. ``groups``: whose members change."""
        self.person = person
        self.user_id = person.user_id
        self.seat = seat
        self.name = f"{person.name} at {seat}"
        self._random = random.Random(seed)
        self.own = OwnDevice(person, seat, history, self._random)
        self.groups = groups
        self.outbox: dict[str, Sent] = {}
        self.changer: GroupChanger | None = None
        self.sends = True
        self.disconnects = True
        self.goes_away = False
        self.sleeps: asyncio.Event | None = None
        self.refused = 0
        self.logins = 0
        self.idle_since = 0.0
        self._port = port
        self._history = history
        self._rate = rate
        self._numbers = itertools.count()
        self._done: dict[str, Sent] = {}
        self._connection = 0
        self._writer: asyncio.StreamWriter | None = None
        self._websocket: WebSocketStream | None = None
        self._retry = asyncio.Event()
        self._away = 0.0
        self._forgets = False
        self._half_open: list[asyncio.StreamWriter] = []
        self._slow = False

    @property
    def busy(self) -> bool:
        """Does it wait for an answer?"""
        changes = self.changer is not None and self.changer.waits
        return bool(self.outbox or self.own.ends or changes)

    # ------------------------------------------------------------------ connections

    async def run(self) -> None:
        """Until it is cancelled."""
        if self.seat:
            await self.person.ready.wait()
        try:
            while True:
                if self.logins and self.sleeps is not None:
                    await self.sleeps.wait()
                with contextlib.suppress(GoneError, OSError, asyncio.IncompleteReadError):
                    await self._connect_once()
                self._abort()
                if self.changer is not None:
                    self.changer.connection_lost()
                if self._forgets:
                    self._forgets = False
                    self.own.forget()
                    self.outbox.clear()
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
            self._websocket = None
            if self._random.random() < WEBSOCKETS:
                self._websocket = WebSocketStream(reader, writer, self._port)
                await self._websocket.open()
            self._connection = next(_connections)
            await self._log_in(reader)
        tasks = [
            asyncio.create_task(coroutine)
            for coroutine in (
                self._read(reader),
                self._send_messages(),
                self._change_groups(),
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
        request = self.own.login()
        asked = self._history.tick()
        self._send(**request)
        while True:
            message = await self._receive(reader)
            if message["msgid"] == 2:
                break
            raise GoneError("a message before the answer to the login")  # a goodbye
        if message["errno"]:
            self.own.refused(message)
            raise GoneError(message["errmsg"])
        self.logins += 1
        self.own.opened(message, asked)
        for mail in message["offlinemsg"]:
            self._take_mail(mail)
        for number in self.own.ends:
            self._send(**self.own.end_request(number))
        for sent in self.outbox.values():  # unacknowledged messages first, in order
            self._send_chat(sent)

    # ------------------------------------------------------------------ reading

    async def _receive(self, reader: asyncio.StreamReader) -> Message:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                if self._websocket is None:
                    line = await reader.readuntil(b"\n")
                else:
                    line = await self._websocket.receive()
        except TimeoutError as exc:
            raise GoneError("silence") from exc
        message: Message = json.loads(line)
        return message

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            message = await self._receive(reader)
            msgid = message["msgid"]
            if msgid in (ONE_CHAT, GROUP_CHAT, GROUP_EVENT):
                self._take_mail(message)
            elif msgid == 20:
                self._take_ack(message)
            elif msgid in ACKS and self.changer is not None:
                self.changer.take_answer(message)
            elif msgid == MEMBERS_ACK:
                self._take_members(message)
            elif msgid == 93:
                self._take_end(message)
            elif msgid == 32:
                self._take_bye(message)
            elif msgid == 31 and message["errno"] != REPLACED:  # after a logout
                self._history.surprises.append(f"{self.name}: {message}")
            while self._slow:
                await asyncio.sleep(0.05)

    def _take_end(self, answer: Message) -> None:
        number, errno = int(answer["rid"]), answer["errno"]
        if number not in self.own.ends:
            return
        if errno in (0, NOT_FOUND):
            if self.own.ended(number):
                raise GoneError("ended")
        elif errno in RETRY_ERRNOS:
            loop = asyncio.get_running_loop()
            loop.call_later(0.3, self._end_again, self._connection, number)
        elif errno == REPLACED:
            raise GoneError("replaced")
        else:
            self._history.surprises.append(f"{self.name}: {answer}")

    def _end_again(self, connection: int, number: int) -> None:
        if connection == self._connection and number in self.own.ends:
            self._send(**self.own.end_request(number))

    def _take_bye(self, bye: Message) -> None:
        # Only this client uses the device, and all its requests are correct. So a BYE_MSG must
        # allow it to reconnect, unless the device has ended.
        if not bye["reconnect"] and not (bye["reason"] == "ended" and self.own.is_ended()):
            self._history.surprises.append(f"{self.name} got a final BYE_MSG: {bye}")
        raise GoneError(bye["reason"])

    def _take_mail(self, message: Message) -> None:
        if message["msgid"] == GROUP_EVENT:
            self._take_event(message)
        else:
            self._take_chat(message)
        self.idle_since = asyncio.get_running_loop().time()
        delay = self._random.choice((0.0, 0.0, 0.02, 0.3))
        loop = asyncio.get_running_loop()
        loop.call_later(delay, self._acknowledge, self._connection, message["seq"])

    def _take_event(self, message: Message) -> None:
        if not self.own.named:
            self._history.surprises.append(f"{self.name} is unnamed, and got {message}")
        assert self.own.number is not None
        at = self._history.tick()
        event = event_of(message, self.user_id, self.own.number, self._connection, at)
        self._history.events.append(event)
        if event.event in MEMBERSHIP and self._random.random() < LOOKS:
            self._send(msgid=48, id=self.user_id, groupid=event.group, rid=str(event.seq))

    def _take_members(self, answer: Message) -> None:
        """A user that is no member gets none."""
        if not answer["errno"]:
            members = frozenset(user["id"] for user in answer["users"])
            at = self._history.tick()
            look = Look(answer["groupid"], int(answer["rid"]), members, at)
            self._history.looks.append(look)

    def _take_chat(self, message: Message) -> None:
        kind = message["msgid"]
        target = message["toid" if kind == ONE_CHAT else "groupid"]
        assert self.own.number is not None
        got = Received(
            self.user_id,
            self.own.number,
            self._connection,
            message["seq"],
            message["id"],
            kind,
            target,
            message["msg"],
            self._history.tick(),
        )
        self._history.received.append(got)

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
        elif errno in (NOT_FOUND, NOT_A_MEMBER) and self._may_be_refused(sent):
            del self.outbox[mid]
        else:
            self._history.surprises.append(f"{self.name}: {sent} was refused: {ack}")
            del self.outbox[mid]

    def _may_be_refused(self, sent: Sent) -> bool:
        return sent.changing or (
            sent.kind == GROUP_CHAT and sent.target in self.person.foreign_groups
        )

    def _check_repeated(self, mid: str, seq: int) -> None:
        sent = self._done.get(mid)
        if sent is not None and sent.seq != seq:
            self._history.surprises.append(f"{self.name}: acknowledged as {seq}, too: {sent}")

    # ------------------------------------------------------------------ writing

    def _send(self, **message: Any) -> None:
        if self._writer is not None and not self._writer.transport.is_closing():
            frame = json.dumps(message, ensure_ascii=False).encode()
            if self._websocket is None:
                self._writer.write(frame + b"\n")
            else:
                self._websocket.send(frame)

    def _send_chat(self, sent: Sent) -> None:
        assert self.own.number is not None
        sent.devices.add(self.own.number)
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
            await asyncio.sleep(self._random.expovariate(self._rate))
            if self.sends and len(self.outbox) < OUTBOX:
                self._send_new()

    def _send_new(self) -> None:
        number = next(self._numbers)
        mid = f"{self.seat}{MIDS[number % len(MIDS)]}{number // len(MIDS)}"
        person = self.person
        text = f"{self.name} sends {number} {self._random.choice(('', '你好', '“”', 'x' * 300))}"
        kind, receivers = GROUP_CHAT, frozenset[int]()
        changing = self.groups.ids if self._random.random() < TO_CHANGING else []
        dice = self._random.random()
        if changing:
            target = self._random.choice(changing)
        elif dice < 0.05 and person.foreign_groups:
            target = self._random.choice(person.foreign_groups)
        elif dice < 0.4 and person.groups:
            target = self._random.choice(sorted(person.groups))
            receivers = person.groups[target] - {self.user_id}
        else:
            kind, target = ONE_CHAT, self._random.choice(person.peers)
            if dice > 0.97:
                target = self.user_id
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
            changing=bool(changing),
        )
        self._history.sent.append(sent)
        self.outbox[mid] = sent
        self._send_chat(sent)
        if self._random.random() < REPEATED:
            self._send_chat(sent)

    async def _change_groups(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(RATE))
            if self.sends and self.changer is not None:
                request = self.changer.next_request()
                if request is not None:
                    self._send(**request)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            self._send(msgid=26)

    async def _disconnect(self) -> None:
        """End or disturb the connection in one of several ways."""
        while True:
            if self.sleeps is not None and not self.sleeps.is_set():
                raise GoneError("sleeps")
            await asyncio.sleep(self._random.expovariate(1 / 4))
            if not self.disconnects or self._writer is None:
                continue
            way = self._random.choice(self._ways())
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
            if way in NAMED_WAYS:
                self._change_devices(way)
                continue
            if way == "upgrade":
                self.own.named = True
                raise GoneError(way)
            if way == "logout":
                self._send(msgid=3, id=self.user_id)
                self.own.token = None
                await asyncio.sleep(0.1)
                raise GoneError(way)
            self._slow = True
            await asyncio.sleep(self._random.uniform(0.5, 2.0))
            self._slow = False

    def _ways(self) -> tuple[str, ...]:
        if self.user_id == self.groups.observer:
            return WAYS
        ways = WAYS + AWAY if self.goes_away else WAYS
        if self.own.named:
            return ways + NAMED_WAYS
        return ("upgrade",) if self.person.kind is Kind.UPGRADED else ways

    def _change_devices(self, way: str) -> None:
        if way == "forget":
            self._forgets = True
            raise GoneError(way)
        request = self.own.end(another=way != "end")
        if request is not None:
            self._send(**request)
