"""ChatServer: accepts connections and gives their bytes to the service.

It owns the TcpServer, the limits on connections and the clock that watches over silent and
stuck peers. It does not interpret frames.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from chat.config import ClassicConfig, ServerConfig
from chat.connection.admission import Admission, error_of
from chat.connection.classic_reader import ClassicReader
from chat.connection.connection import AnyConnection, ClientConnection, Front
from chat.connection.farewell import FINISH_SECONDS, Farewell, send_away
from chat.connection.framing import Framer, LineFramer, pack_for_unknown
from chat.connection.guest_gate import GuestGate
from chat.connection.loop_counters import LoopCounters
from chat.connection.proxy_protocol import is_idle
from chat.connection.token_bucket import Allowances
from chat.connection.turns import Turns
from chat.limits.bans import Bans
from chat.limits.networks import Exempt, Networks
from chat.process.peer_label import PeerLabel
from chat.protocol import Limits, encode
from chat.protocol.dialects import TUTORIAL, DialectGuess, Table
from chat.protocol.dialects.classic_answer import classic_answer
from muduopy import (
    Address,
    Buffer,
    EventLoop,
    EventLoopThreadPool,
    InetAddress,
    TcpConnection,
    TcpServer,
)

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
"""How often a loop looks for peers that are silent or do not read."""

HEARTBEATS_MISSED = 3
POOL_SECONDS = 2.0
"""How long a stopping server waits for a sub-loop that is in a callback."""

T = TypeVar("T")
NewGuess = Callable[[], DialectGuess]

KEEP_ALIVE = (60, 10, 3)
"""TCP keepalive: idle seconds, seconds between probes, probes."""


class FrameService(Protocol):
    """Serves the frames of connections. All methods: the connection's loop."""

    def receive(self, connection: AnyConnection, data: bytes) -> None:
        """These bytes have arrived."""

    def take_turn(self, connection: AnyConnection, limit: int) -> int:
        """Serve up to ``limit`` frames that wait; returns the number that was looked at."""

    def disconnected(self, connection: AnyConnection) -> None:
        """The connection is down."""


class HttpFront(Protocol):
    """Serves HTTP on connections that begin with it. All methods: the connection's loop."""

    def begin(self, connection: AnyConnection, data: bytes) -> Front:
        """Serve HTTP on this connection; ``data`` are its first bytes."""

    def serve(
        self,
        speaks_messages: Callable[[AnyConnection, Framer, Callable[[str | None], object]], object],
        received: Callable[[TcpConnection, bytes, float], object],
    ) -> None:
        """Set two functions. ``speaks_messages`` gets each new WebSocket, with its framer and the
        function that ends it. ``received`` gets its messages."""


class ChatServer:
    """Accepts chat connections. Base loop's thread, callbacks excepted.

    Attributes:
        admission: counts the connections, and refuses those above the limits.
        bans: the networks whose connections are refused.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: InetAddress,
        config: ServerConfig,
        classic: ClassicConfig,
        service: FrameService,
        limits: Limits,
        tls: ssl.SSLContext | None = None,
        tables: Sequence[Table] = (TUTORIAL,),
        also: Sequence[tuple[InetAddress, Table | None]] = (),
        front: HttpFront | None = None,
    ) -> None:
        """Binds. Raises OSError.

        ``tables``: the dialects that a classic client may speak. ``also``: further addresses, and
        the dialect that is expected there. ``front`` serves HTTP; None: HTTP is refused.
        """
        self._config = config
        self._service = service
        self._classic = classic
        self._limits = limits
        self._allowances = Allowances.of(config.max_frame, limits)
        exempt = Exempt(limits.exempt, loopback=not config.proxy_protocol)
        self.admission = Admission(config.max_connections, limits, exempt)
        self.bans = Bans()
        self._balancers = Networks(config.proxy_from)
        self._http_proxies = Networks(config.proxy_http_from)
        begin_http = None if front is None else front.begin
        self._gate = GuestGate(service, limits, config.login_seconds, self.bans, begin_http)
        self._has_front = front is not None
        if front is not None:
            front.serve(self._speaks_messages, self._received)
        self._lock = threading.Lock()  # guards the dicts
        self._number = 0  # of the last connection; the base loop's
        # A loop uses its own entry only; both dicts are filled before a second thread reads them.
        self._by_loop: dict[EventLoop, set[AnyConnection]] = {}
        self._turns: dict[EventLoop, Turns] = {}
        self.counters: dict[EventLoop, LoopCounters] = {}
        self._tables = tables
        self._loop = loop
        self._pool = EventLoopThreadPool(loop, "chat-loop", config.threads)
        self._tcps: list[TcpServer] = []
        self._stopping = False
        try:
            for place, expected in [(address, None), *also]:
                self._tcps.append(self._bind(loop, place, expected, tls))
        except BaseException:
            self.close()
            raise

    def _bind(
        self,
        loop: EventLoop,
        address: InetAddress,
        expected: Table | None,
        tls: ssl.SSLContext | None,
    ) -> TcpServer:
        try:
            tcp = TcpServer(
                loop,
                address,
                "chat",
                thread_pool=self._pool,
                tls=tls,
                max_handshakes=self._limits.tls_handshakes,
                peer_speaks_first=True,
            )
        except OSError as exc:
            exc.filename = str(address)  # so that the message names it
            raise
        tcp.set_thread_init_callback(self._watch_loop)
        tcp.set_admission_callback(self._admit)
        tcp.set_naming_callback(self._new_label)
        tcp.set_early_end_callback(partial(is_idle, proxy=self._config.proxy_protocol))
        tcp.set_departure_callback(self._departed)
        new_guess = partial(DialectGuess, self._tables, expected)
        tcp.set_connection_callback(partial(self._on_connection, new_guess))
        tcp.set_message_callback(self._on_message)
        return tcp

    @property
    def address(self) -> Address:
        return self.addresses[0]

    @property
    def addresses(self) -> list[Address]:
        return [tcp.address for tcp in self._tcps]

    @property
    def open(self) -> int:
        """How many connections there are, TLS handshakes included. Any thread."""
        return self.admission.total

    @property
    def waiting_turns(self) -> int:
        """The number of connections that wait for a turn. Any thread."""
        return sum(turns.waiting for turns in list(self._turns.values()))

    @property
    def gone_early(self) -> int:
        """Connections that had ended before their accept. Any thread."""
        return sum(tcp.gone_early for tcp in self._tcps)

    @property
    def handshakes_ended(self) -> int:
        """TLS handshakes that were ended for others. Any thread."""
        return sum(tcp.handshakes_ended for tcp in self._tcps)

    def connections_in(self, loop: EventLoop) -> list[AnyConnection]:
        """The connections of a loop. That loop's thread."""
        return list(self._by_loop.get(loop, ()))

    def start(self) -> None:
        """Listen. Raises OSError."""
        for tcp in self._tcps:
            tcp.start()

    def stop(self, drain_seconds: float, stopped: Callable[[], object]) -> None:
        """Stop accepting, send the clients away one after another, close; then call ``stopped``.

        It takes ``drain_seconds`` at the most. A further call sends the rest away at once.
        """
        finish = partial(self._finish_stop, stopped)
        if self._stopping:
            finish(min(drain_seconds, FINISH_SECONDS))
            return
        self._stopping = True
        for tcp in self._tcps:
            tcp.stop_accepting()
        connections = [one for tcp in self._tcps for one in tcp.connections.values()]
        Farewell(self._loop, connections, drain_seconds, finish).start()

    def _finish_stop(self, stopped: Callable[[], object], seconds: float) -> None:
        left = len(self._tcps)

        def one_stopped() -> None:
            nonlocal left
            left -= 1
            if not left:
                self._pool.stop(POOL_SECONDS)
                stopped()

        for tcp in self._tcps:
            tcp.stop(seconds, one_stopped, send_away)

    def close(self) -> None:
        """Close without notice to clients, after a drain or before the start. Idempotent.

        The loop's thread.
        """
        for tcp in self._tcps:
            tcp.close()
        self._pool.stop(POOL_SECONDS)

    def ask_loops(self, question: Callable[[Collection[AnyConnection]], T]) -> list[Future[T]]:
        """Ask each loop about its connections; the answers come from the loops. Any thread.

        Raises LoopError while the server stops.
        """
        with self._lock:
            loops = list(self._by_loop.items())
        return [loop.submit(partial(question, connections)) for loop, connections in loops]

    def close_banned(self) -> None:
        """Close the connections of banned addresses. Any thread."""
        with self._lock:
            loops = list(self._by_loop.items())
        for loop, connections in loops:
            loop.queue_in_loop(partial(self._close_banned, connections))

    def change_tls(self, context: ssl.SSLContext) -> None:
        """Use this TLS context for new connections. Base loop's thread."""
        for tcp in self._tcps:
            tcp.set_tls(context)

    def change_limits(self, limits: Limits) -> None:
        """Use these limits for new connections and for guests. Connections above them stay.

        The number of TLS handshakes stays as it was. Base loop's thread. Raises ValueError for a
        network in ``exempt`` that is none.
        """
        self.admission.change_limits(limits, self._loop.poll_return_time)
        self._gate.limits = limits
        self._limits = limits
        self._allowances = Allowances.of(self._config.max_frame, limits)

    # ------------------------------------------------------------------ in the base loop

    def _host_of(self, peer: Address) -> str | None:
        """The host to count the connection for; None: a balancer or proxy will announce it."""
        announced = self._config.proxy_protocol or self._http_proxies.covers(peer.host)
        return None if announced else peer.host

    def _admit(self, peer: Address) -> bytes | None:
        if self._config.proxy_protocol:
            if not self._balancers.covers(peer.host):
                self.admission.refuse_stranger(peer.host)
                return b""
        elif self.bans.banned(peer.host):
            self.admission.refuse_banned(peer.host)
            return b""
        refusal = self.admission.admit(self._host_of(peer), self._loop.poll_return_time)
        if refusal is None:
            return None
        if refusal.full:  # silent TLS peers make room, too
            any(tcp.end_handshake() for tcp in self._tcps)
        error = error_of(refusal)
        return pack_for_unknown(encode({**(classic_answer(error) or {}), **error}))

    def _new_label(self, peer: Address) -> PeerLabel:
        """The name in the log, until a balancer announces the client."""
        self._number += 1
        return PeerLabel(peer.host, self._number)

    def _departed(self, tcp: TcpConnection) -> None:
        self.admission.departed(self._host_of(tcp.peer_address), tcp.was_up)

    # ------------------------------------------------------------------ in the connections' loops

    def _watch_loop(self, loop: EventLoop) -> None:
        connections: set[AnyConnection] = set()
        with self._lock:
            self._by_loop[loop] = connections
            self._turns[loop] = Turns(loop, self._service.take_turn)
            self.counters[loop] = LoopCounters(threading.current_thread().name)
        loop.run_every(SWEEP_SECONDS, lambda: self._sweep(loop, connections))

    def _on_connection(self, new_guess: NewGuess, tcp: TcpConnection) -> None:
        if tcp.connected:
            self._came(tcp, new_guess)
        else:
            self._went(tcp)

    def _came(self, tcp: TcpConnection, new_guess: NewGuess) -> None:
        self.counters[tcp.loop].accepted += 1
        label = tcp.log_name
        number = label.number if isinstance(label, PeerLabel) else 0
        tcp.set_tcp_no_delay(True)
        tcp.set_keep_alive(*KEEP_ALIVE)
        tcp.set_half_close_callback(self._on_half_close)
        connection = self._new_connection(tcp, new_guess, number)
        if self._config.proxy_protocol:
            connection.guest.announced = b""
        if self._has_front:
            connection.guest.first = b""
        host = self._host_of(tcp.peer_address)
        end = partial(tcp.loop.queue_in_loop, partial(_make_room, tcp))
        connection.ticket = self.admission.come_up(host, end)
        tcp.context = connection
        self._by_loop[tcp.loop].add(connection)

    def _new_connection(
        self, tcp: TcpConnection, new_guess: NewGuess, number: int
    ) -> AnyConnection:
        framer = LineFramer()
        return ClientConnection(
            tcp,
            framer,
            self._allowances,
            self._turns[tcp.loop].add,
            self._classic,
            self.counters[tcp.loop],
            number,
            partial(ClassicReader, framer, new_guess),
        )

    def _speaks_messages(
        self,
        former: AnyConnection,
        framer: Framer,
        shut_down: Callable[[str | None], object],
    ) -> None:
        """A connection that has begun with HTTP is a WebSocket now: it speaks v2 in messages."""
        tcp, counters = former.tcp, former.counters
        resume = self._turns[tcp.loop].add
        connection: AnyConnection = ClientConnection(
            tcp,
            framer,
            self._allowances,
            resume,
            self._classic,
            counters,
            former.label.number,
            shut_down=shut_down,
        )
        connection.introduce(former.peer, former.label.number)
        connection.v2 = True
        connection.ticket, former.ticket = former.ticket, None
        tcp.context = connection
        connections = self._by_loop[tcp.loop]
        connections.discard(former)
        connections.add(connection)  # the bytes so far count with it
        if self._http_proxies.covers(tcp.peer_address.host):
            self._gate.announce(connection, former.peer, tcp.loop.poll_return_time)

    def _went(self, tcp: TcpConnection) -> None:
        connection = tcp.context
        if isinstance(connection, ClientConnection):
            self._by_loop[tcp.loop].discard(connection)
            connection.counters.keep_bytes(connection)
            self._service.disconnected(connection)
            if connection.ticket is not None:
                connection.ticket.leave()
            tcp.context = None

    def _on_message(self, tcp: TcpConnection, buffer: Buffer, when: float) -> None:
        self._received(tcp, buffer.retrieve_all(), when)

    def _received(self, tcp: TcpConnection, data: bytes, when: float) -> None:
        """These bytes, or a message on a WebSocket, have arrived."""
        connection: AnyConnection = tcp.context
        if connection.login is None:
            self._gate.receive(connection, data, when)
            return
        connection.last_seen = when
        self._service.receive(connection, data)

    def _on_half_close(self, tcp: TcpConnection) -> None:
        connection = tcp.context
        if isinstance(connection, ClientConnection):
            connection.finish()
        else:
            tcp.shutdown()

    def _close_banned(self, connections: set[AnyConnection]) -> None:
        for connection in list(connections):
            if connection.guest.announced is None and self.bans.banned(connection.peer):
                log.info("%s: %s is banned; closing", connection.label, connection.owner)
                connection.counters.closed.add("banned")
                connection.abandon()

    def _sweep(self, loop: EventLoop, connections: set[AnyConnection]) -> None:
        now = loop.poll_return_time
        self.counters[loop].count(connections)
        for connection in list(connections):
            self._check(connection, now)

    def _check(self, connection: AnyConnection, now: float) -> None:
        silent = now - connection.last_seen
        stalled_at = connection.stalled_at
        if stalled_at is not None and now - stalled_at > self._config.stall_seconds:
            log.info("%s: %s does not read; closing", connection.label, connection.owner)
            connection.counters.closed.add("stalled")
            connection.tcp.force_close()
            return
        if connection.closed:
            return
        connection.flow.pay_surplus()
        if connection.login is None:
            self._gate.check(connection, now)
        # A classic client has no heartbeat; TCP keepalive watches over it.
        elif connection.v2 and silent > HEARTBEATS_MISSED * self._config.heartbeat:
            connection.close("idle", reconnect=True)


def _make_room(tcp: TcpConnection) -> None:
    """End a guest for a new connection. The connection's loop."""
    connection = tcp.context
    if isinstance(connection, ClientConnection):
        connection.make_room()
