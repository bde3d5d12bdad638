"""A whole chat server in the test's own loop, and clients that talk to it through sockets.

The base loop runs only while a test waits for something, so connections can be looked at without
races (unless the node has sub-loops).
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chat.bus import LocalBus
from chat.config import ClassicConfig, HashCost, ServerConfig
from chat.connection.connection import AnyConnection
from chat.connection.server import ChatServer
from chat.delivery.codec import MessageBus
from chat.delivery.delivery import STORED, Delivery
from chat.delivery.direct import DirectMode
from chat.delivery.members import MemberLists
from chat.handlers import ROUTES, Context, Route
from chat.limits.networks import Exempt
from chat.login.authentication import Authentication
from chat.login.device_notices import DeviceNotices
from chat.login.device_switch import DeviceSwitch
from chat.login.devices import Devices
from chat.login.friend_notices import FriendNotices
from chat.login.login import Login
from chat.login.login_costs import LoginCosts
from chat.login.login_flow import LoginFlow
from chat.login.login_limits import LoginLimits, LoginRates
from chat.login.passwords import Passwords
from chat.login.presence import Presence
from chat.login.presence_feed import PresenceFeed
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import Mailbox
from chat.names.lookalikes import Lookalikes
from chat.process.clock import Clock
from chat.protocol import (
    ACK_OF,
    FrameDecoder,
    Limits,
    Message,
    MsgType,
    build_schema,
    decode,
    encode,
)
from chat.protocol.dialects import TUTORIAL, Table
from chat.service.request_workers import RequestWorkers
from chat.service.service import ChatService
from chat.storage import Database
from chat.storage.tables import OfflineMessageModel, User, UserModel
from muduopy import InetAddress, ThreadPool
from tests.chat.loopkit import WAIT, FailingDatabase, Passes

CHEAP = HashCost(time_cost=1, memory_kib=8, parallelism=1)
PASSWORD = "secret-1"
TOKEN_SECONDS = 30 * 86_400


class TestClock(Clock):
    """A clock whose monotonic time and date are the test's to set."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__()
        self.now = time.monotonic() - 1e6  # so that no request seems to have waited
        self.date = 1_800_000_000

    def monotonic(self) -> float:
        return self.now

    def unix(self) -> int:
        return self.date


class RecordingServer(ChatServer):
    """Keeps the connections in the order in which they were made."""

    def __init__(self, made: list[AnyConnection], *arguments: Any, **options: Any) -> None:
        self._made = made
        super().__init__(*arguments, **options)

    def _new_connection(self, *arguments: Any) -> AnyConnection:
        self._made.append(super()._new_connection(*arguments))
        return self._made[-1]


class SilentFeed(PresenceFeed):
    """Tells friends nothing, so that a test gets only the messages that it is about."""

    def changed(self, user_ids: Iterable[int]) -> None:
        pass


class Node:
    """Everything that chat.app puts together, except signals and the command line."""

    def __init__(
        self,
        database: Database,
        passes: Passes,
        *,
        mode: str = STORED,
        replace: bool = False,
        workers: int = 2,
        worker_queue: int = 100,
        hash_queue: int = 100,
        registration: str = "open",
        visibility: Visibility | None = None,
        failures: int = 10,
        group_join: str = "open",
        directory: bool = False,
        approve: bool = False,
        devices: int = 8,
        rates: LoginRates | None = None,
        loopback_exempt: bool = True,
        routes: dict[int, Route] | None = None,
        limits: Limits | None = None,
        config: ServerConfig | None = None,
        classic: ClassicConfig | None = None,
        bus: MessageBus | None = None,
        tables: Sequence[Table] = (TUTORIAL,),
        also: Sequence[tuple[InetAddress, Table | None]] = (),
    ) -> None:
        self.passes = passes
        self.visibility = visibility or Visibility()
        self.database = FailingDatabase(database)
        self.clock = TestClock()
        self.workers = ThreadPool(workers, "worker", worker_queue)
        self.hashers = ThreadPool(2, "hasher", hash_queue)
        self.logins = LoginRegistry()
        self.bus = bus or LocalBus()
        self.mailbox = Mailbox(self.database, self.workers)
        self.delivery = Delivery(
            self.database,
            self.bus,
            self.logins,
            self.workers,
            mode,
            on_notices=lambda heard: None,
            limits=limits or Limits(),
        )
        feed = SilentFeed(passes.loop, self.database, self.bus, self.logins, self.workers)
        self.presence = Presence(
            self.database, self.logins, self.workers, feed, "node-1", None, replace=replace
        )
        self.reconciliation = Reconciliation(
            self.database, self.bus, self.logins, self.workers, feed, self.presence, None
        )
        self.device_notices = DeviceNotices(self.database, self.bus, self.logins, self.workers)
        self.devices: Devices | None = None
        if mode == STORED:
            self.devices = Devices(
                DeviceSwitch(self.database, None, allowed=devices > 1),
                self.device_notices,
                self.reconciliation.rows_changed,
                devices,
            )
        passwords = Passwords(CHEAP)
        rates = rates or LoginRates(failures, 60, of_account=max(failures, 100))
        self.login_limits = LoginLimits(rates, Exempt(loopback=loopback_exempt))
        self.context = Context(
            database=self.database,
            bus=self.bus,
            logins=self.logins,
            delivery=self.delivery,
            authentication=Authentication(
                self.database, passwords, self.login_limits, self.clock, TOKEN_SECONDS
            ),
            login_flow=LoginFlow(
                self.database,
                self.bus,
                self.logins,
                self.mailbox,
                self.presence,
                self.clock,
                self.visibility,
                lists_requests=approve,
                costs=LoginCosts(limits or Limits(), self.login_limits.share_key),
                devices=self.devices,
            ),
            reconciliation=self.reconciliation,
            login_limits=self.login_limits,
            lookalikes=Lookalikes(self.database),
            passwords=passwords,
            clock=self.clock,
            node="node-1",
            heartbeat=30,
            registration=registration,
            visibility=self.visibility,
            friend_notices=FriendNotices(
                self.database, self.bus, self.logins, self.workers, self.clock, self.visibility
            ),
            approve_friends=approve,
            group_join=group_join,
            directory=directory,
            limits=limits or Limits(),
            classic=classic or ClassicConfig(),
        )
        self.context.lookalikes.start(passes.loop, self.workers)
        schema = build_schema(self.context.limits, self.context.classic.password_min)
        request_workers = RequestWorkers(self.workers, self.hashers, self.clock)
        self.service = ChatService(self.context, routes or ROUTES, schema, request_workers, tables)
        self.config = config or ServerConfig()
        self.made: list[AnyConnection] = []
        self.server = RecordingServer(
            self.made,
            passes.loop,
            InetAddress.loopback(0),
            self.config,
            self.context.classic,
            self.service,
            self.context.limits,
            tables=tables,
            also=also,
        )
        self.clients: list[Client] = []
        self.delivery.start(passes.loop)
        self.server.start()

    # ------------------------------------------------------------------ clients

    def connect(
        self, *, v2: bool = True, receive_buffer: int | None = None, place: int = 0
    ) -> Client:
        """A client whose connection the server knows."""
        known = len(self.made)
        client = self.socket(v2=v2, receive_buffer=receive_buffer, place=place)
        self.until(lambda: len(self.made) > known, "the connection")
        client.connection = self.made[known]
        return client

    def socket(
        self, *, v2: bool = True, receive_buffer: int | None = None, place: int = 0
    ) -> Client:
        """A client that the server may refuse. ``place``: which of the server's addresses."""
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.clients.append(Client(self, sock, v2))
        sock.settimeout(WAIT)
        sock.connect(self.server.addresses[place].sockaddr)
        return self.clients[-1]

    def user(self, name: str, password: str = PASSWORD) -> int:
        """A registered user."""
        hashed = self.context.passwords.hash(password)
        return self.database.write(lambda tx: UserModel(tx).insert(name, hashed))

    def online(self, user: int | str, *, v2: bool = True, **fields: Any) -> Client:
        """A client that has logged in, as a new user if a name is given."""
        user_id = self.user(user) if isinstance(user, str) else user
        client = self.connect(v2=v2)
        answer = client.log_in(user_id, **fields)
        assert answer["errno"] == 0, answer
        return client

    # ------------------------------------------------------------------ looking in

    def row(self, user_id: int) -> User:
        user = self.database.read(lambda tx: UserModel(tx).find(user_id))
        assert user is not None
        return user

    def owed(self, user_id: int) -> list[int]:
        rows = self.database.read(lambda tx: OfflineMessageModel(tx).sizes(user_id, 100_000))
        return [seq for seq, _ in rows]

    def log_rows(self) -> int:
        """How many messages are in the log."""
        rows = self.database.read(lambda tx: tx.query("SELECT COUNT(*) FROM message"))
        return int(rows[0][0])

    def until_owed(self, user_id: int, count: int) -> None:
        self.until(lambda: len(self.owed(user_id)) == count, f"{count} messages owed")

    def until(self, condition: Callable[[], object], what: str = "the condition") -> None:
        """Wait for what happens in other threads, too."""
        heartbeat = self.passes.loop.run_every(0.001, lambda: None)
        self.passes.until(condition, what)
        self.passes.loop.cancel(heartbeat)

    def sweep(self, later: float) -> None:
        """What the server does every few seconds, so many seconds from now."""
        loop = self.passes.loop
        for connection in list(self.server._by_loop[loop]):
            self.server._check(connection, loop.poll_return_time + later)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        stopped: list[bool] = []
        self.server.stop(0.0, lambda: stopped.append(True))
        self.until(lambda: stopped, "the server's end")
        self.workers.stop()
        self.hashers.stop()
        self.passes.settle()


class Client:
    """The peer's end of a connection; waiting for an answer runs the node's loop."""

    connection: AnyConnection
    end = b"\n"

    def __init__(self, node: Node, sock: socket.socket, v2: bool) -> None:
        self.node = node
        self.sock = sock
        self.v2 = v2
        self.user_id = 0
        self.inbox: list[Message] = []
        self.notices: list[Message] = []  # GROUP_NOTICE_MSG, which may come between any others
        self.events: list[Message] = []  # GROUP_EVENT_MSG, likewise
        self.at_end = False
        self._decoder = FrameDecoder(1 << 24)

    # ------------------------------------------------------------------ sending

    def write(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send(self, msgid: int, **fields: Any) -> None:
        self.send_all({"msgid": int(msgid), **fields})

    def send_all(self, *messages: Message) -> None:
        """In one segment; the sender's id is added where it is needed."""
        self.write(b"".join(encode(self._complete(message)) + self.end for message in messages))

    def _complete(self, message: Message) -> Message:
        anonymous = (MsgType.REG_MSG, MsgType.PING_MSG, MsgType.DELIVERED_MSG, MsgType.LOGIN_MSG)
        if self.user_id and message.get("msgid") not in anonymous:
            return {"id": self.user_id, **message}
        return message

    # ------------------------------------------------------------------ receiving

    def poll(self) -> None:
        """Take the bytes that have arrived."""
        self.sock.setblocking(False)
        try:
            while not self.at_end and (data := self._receive()) is not None:
                self.at_end = not data
                self._decoder.feed(data)
                for message in map(decode, self._decoder.take()):
                    asides: dict[Any, list[Message]] = {83: self.notices, 113: self.events}
                    asides.get(message.get("msgid"), self.inbox).append(message)
        finally:
            self.sock.settimeout(WAIT)

    def _receive(self) -> bytes | None:
        try:
            return self.sock.recv(1 << 20)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return b""

    def until(self, condition: Callable[[], object], what: str = "the condition") -> None:
        def met() -> object:
            self.poll()
            return condition()

        self.node.until(met, what)

    def next(self) -> Message:
        """The next message, whatever it is."""
        self.until(lambda: self.inbox or self.at_end, "a message")
        assert self.inbox, "the connection ended"
        return self.inbox.pop(0)

    def expect(self, msgid: int) -> Message:
        """The next message, which must be of this kind."""
        message = self.next()
        assert message["msgid"] == msgid, message
        return message

    def notice(self) -> Message:
        """The next notice about a group, without its ``msgid``."""
        self.until(lambda: self.notices or self.at_end, "a notice")
        notice = self.notices.pop(0)
        assert notice.pop("msgid") == MsgType.GROUP_NOTICE_MSG
        return notice

    def event(self) -> Message:
        """The next event of a group."""
        self.until(lambda: self.events or self.at_end, "an event")
        return self.events.pop(0)

    def take(self, count: int) -> list[Message]:
        return [self.next() for _ in range(count)]

    def nothing_more(self) -> None:
        """Nothing has come, and after an answer to a ping still nothing has."""
        self.send(MsgType.PING_MSG, rid="nothing more")
        assert self.next() == {"msgid": 27, "rid": "nothing more"}

    def ended(self) -> list[Message]:
        """The messages until the connection is closed."""
        self.until(lambda: self.at_end, "the end")
        rest, self.inbox = self.inbox, []
        return rest

    # ------------------------------------------------------------------ requests

    def ask(self, msgid: int, **fields: Any) -> Message:
        """Send a request and take its answer, which must be the next message."""
        self.send(msgid, **fields)
        answer = self.next()
        if self.v2:
            assert answer["msgid"] == ACK_OF[msgid], answer
        return answer

    def log_in(self, user_id: int, **fields: Any) -> Message:
        if self.v2:
            fields = {"v": 2, **fields}
        if "token" not in fields:
            fields = {"password": PASSWORD, **fields}
        answer = self.ask(MsgType.LOGIN_MSG, id=user_id, **fields)
        if answer["errno"] == 0:
            self.user_id = user_id
        return answer

    def say(self, to: int | Client, msg: str = "hi", **fields: Any) -> None:
        toid = to.user_id if isinstance(to, Client) else to
        self.send(MsgType.ONE_CHAT_MSG, toid=toid, msg=msg, **self._time(), **fields)

    def tell(self, group_id: int, msg: str = "hi", **fields: Any) -> None:
        self.send(MsgType.GROUP_CHAT_MSG, groupid=group_id, msg=msg, **self._time(), **fields)

    def _time(self) -> Message:
        return {} if self.v2 else {"time": "by the sender"}

    def deliver(self, to: int | Client, msg: str = "hi", **fields: Any) -> Message:
        """Say something and take the acknowledgement."""
        self.say(to, msg, **fields)
        return self.expect(MsgType.CHAT_ACK)

    def got(self, *seqs: int) -> None:
        self.send(MsgType.DELIVERED_MSG, seqs=list(seqs))

    def make_group(self, name: str, *members: Client) -> int:
        """A group of this user's, which others join."""
        answer = self.ask(MsgType.CREATE_GROUP_MSG, groupname=name, groupdesc="")
        group_id: int = answer["groupid"]
        for member in members:
            assert member.ask(MsgType.ADD_GROUP_MSG, groupid=group_id)["errno"] == 0
        return group_id

    @property
    def login(self) -> Login:
        """The server's side of this client's login."""
        login = self.connection.login
        assert isinstance(login, Login), "no login"
        return login

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()

    def leave(self) -> None:
        """Close, and wait until the server knows, and its workers do not read the mailbox."""
        pump = self.login.pump if self.user_id else None
        self.close()
        self.node.until(
            lambda: not self.connection.tcp.connected and self.connection.login is None, "the end"
        )
        if pump is not None:
            self.node.until(lambda: not pump._reading, "the end of the read")


def replace_route(msgid: int, **changes: Any) -> dict[int, Route]:
    """The handler table with one row changed."""
    return {**ROUTES, msgid: dataclasses.replace(ROUTES[msgid], **changes)}


def member_lists(node: Node) -> MemberLists:
    """What a node in the mode ``direct`` knows of the members of groups."""
    assert isinstance(node.delivery.mode, DirectMode)
    return node.delivery.mode._members
