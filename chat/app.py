"""The composition root: constructs the parts of a server, wires them, starts and ends them.

It is the one place that knows config, database, bus and server together.

Threads: the main thread runs the main loop (accepting, and all connections unless there are
sub-loops); ``threads`` sub-loops; ``workers`` and ``hashers`` for SQL and passwords; ``admin`` for
commands of operators; one database writer; one that waits for signals; one that renews the lease in
a cluster.

The end goes in the order of the data: stop accepting, say goodbye, let requests and commits finish,
release the users, close the database.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chat import __version__
from chat.admin.ban_list import READ_SECONDS as BANS_SECONDS
from chat.admin.ban_list import BanList
from chat.admin.commands.settings import reload_by_signal
from chat.admin.context import AdminContext
from chat.admin.opening import open_admin
from chat.admin.server import THREADS as ADMIN_THREADS
from chat.admin.server import AdminServer
from chat.backends import find_bus, mask, open_bus, open_database, sqlite_file
from chat.cli import Arguments, parse_arguments, read_again
from chat.config import Config, ConfigError, HashCost
from chat.connection.server import ChatServer
from chat.delivery.agreed_mode import agree_on_mode
from chat.delivery.delivery import Delivery
from chat.delivery.poller import MailboxPoller
from chat.dialect_files import load_dialects
from chat.exit_status import FAILED, REPORTED, STOPPED, report
from chat.handlers import ROUTES, Context
from chat.limits.keyed_buckets import KeyedBuckets
from chat.limits.networks import Exempt
from chat.listeners import Listener, parse_status_address
from chat.login.authentication import Authentication
from chat.login.friend_notices import FriendNotices
from chat.login.lease import Lease
from chat.login.login_flow import LoginFlow
from chat.login.login_limits import LoginLimits, LoginRates
from chat.login.passwords import Passwords
from chat.login.presence import Presence
from chat.login.presence_feed import PresenceFeed
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import Mailbox
from chat.maintenance import Maintenance
from chat.names.lookalikes import Lookalikes
from chat.notice import ACCEPTED, ASKED, BLOCKED, PRESENCE, TAKEN, Notice
from chat.process.clock import Clock
from chat.process.file_limit import fit_file_limit
from chat.process.log_format import new_format
from chat.process.log_queue import LogQueue
from chat.process.loop_lag import LoopLag
from chat.process.signals import block_signals, watch_signals
from chat.protocol import build_schema
from chat.reloading import Reloading, no_settings
from chat.request_workers import RequestWorkers, hash_threads, new_hashers
from chat.retention import Retention
from chat.service import ChatService
from chat.storage.tables import DRAIN
from chat.tls import tls_context, warn_without_tls
from muduopy import EventLoop, InetAddress, ThreadPool

if TYPE_CHECKING:
    import ssl

    from chat.status.status_server import StatusServer

log = logging.getLogger("chat")

RECONCILE_SECONDS = 5.0
"""Between two comparisons of rows with logins, on a database without other servers."""

RETENTION_SECONDS = 60.0
"""Between two looks whether a pass of the retention is due."""

LOG_SECONDS = 5.0
"""Between two reports of the lines that were left out of the log."""

FLUSH_SECONDS = 2.0
"""Seconds to write the last lines of the log. Then its reader has stopped."""

END_SECONDS = 10.0
"""Seconds to end after the draining. Then the process exits, even if the database is silent."""

SECONDS_PER_DAY = 86_400
WORKER_QUEUE = 4096


class App:
    """A whole chat server: construct, ``start``, ``run``. Main thread.

    Attributes:
        lease_lost: another server has started under the name of this one.
    """

    def __init__(
        self,
        address: InetAddress,
        config: Config,
        also: Sequence[Listener] = (),
        read_again: Callable[[], Config] = no_settings,
        logs: LogQueue | None = None,
    ) -> None:
        """Constructs all parts; opens the database and binds. ``also``: further addresses.
        ``read_again`` returns the settings for a reload, or raises ConfigError. ``logs``: for the
        status page, and for the last lines if the end takes too long.

        Raises StorageError, BusRefusedError, OSError, ConfigError.
        """
        self.lease_lost = False
        self._config = config
        self._logs = logs
        self._node = config.server.node or f"node-{address.port}"
        self._end_timer: threading.Timer | None = None
        self._lags: dict[str, LoopLag] = {}
        self._loops: dict[str, EventLoop] = {}
        self._tls = tls_context(config.server)
        dialects = load_dialects(config.classic.dialects)
        bus_address = find_bus(config.bus)  # a mistake shows before tables are created
        hashing = hash_threads(config.server.hash_threads)
        # Besides the pools the main thread reads, at the start and the end.
        threads = config.server.workers + hashing + ADMIN_THREADS + 1
        with contextlib.ExitStack() as undo:
            self._database = open_database(config.database, threads=threads)
            undo.callback(self._database.close)
            self._loop = EventLoop()
            undo.callback(self._loop.close)
            self._workers = ThreadPool(config.server.workers, "worker", WORKER_QUEUE)
            self._hashers = new_hashers(hashing)
            self._bus = open_bus(bus_address, self._node, self._loop, self._workers)
            context = self._wire(address)
            self._context = context
            schema = build_schema(config.limits, config.classic.password_min)
            workers = RequestWorkers(self._workers, self._hashers, context.clock)
            self._service = ChatService(context, ROUTES, schema, workers, dialects.by_name)
            self._server = ChatServer(
                self._loop,
                address,
                config.server,
                config.classic,
                self._service,
                config.limits,
                self._tls,
                dialects.used,
                [
                    (other.address, dialects.named(other.dialect) if other.dialect else None)
                    for other in also
                ],
            )
            undo.callback(self._server.close)
            self._status = self._new_status(context)
            if self._status is not None:
                undo.callback(self._status.close)
            self._ban_list = BanList(self._database, self._server, context.clock)
            self._maintenance.every(BANS_SECONDS, self._ban_list.read)
            self._operation = self._new_operation(context, read_again)
            self._admin = self._open_admin()
            undo.pop_all()

    def _wire(self, address: InetAddress) -> Context:
        """Construct and wire the parts between the database and the server."""
        config, database, bus = self._config, self._database, self._bus
        clock, logins = Clock(), LoginRegistry()
        self._logins = logins
        token_seconds = config.chat.token_days * SECONDS_PER_DAY
        self._maintenance = Maintenance(database, clock, token_seconds)
        if config.chat.retention_days:
            retention = Retention(
                database, clock, config.chat.retention_days, self._loop, self._workers
            )
            self._maintenance.every(RETENTION_SECONDS, retention.begin)
        self._lookalikes = Lookalikes(database)
        self._lease: Lease | None = None
        self._poller: MailboxPoller | None = None
        if not database.exclusive:
            place = f"{address} on {socket.gethostname()}"
            self._lease = Lease(
                database,
                self._node,
                place,
                self._about,
                self._on_renewed,
                self._on_lease_lost,
                self._on_command,
            )
            self._poller = MailboxPoller(self._loop, database, logins, self._workers)
        visibility = Visibility(config.chat.presence)
        self._feed = PresenceFeed(self._loop, database, bus, logins, self._workers, visibility)
        self._friend_notices = FriendNotices(
            database, bus, logins, self._workers, clock, visibility
        )
        approve = config.chat.contacts == "approve"
        replaces = config.chat.on_duplicate_login == "replace"
        self._presence = Presence(
            database, logins, self._workers, self._feed, self._node, self._lease, replace=replaces
        )
        self._reconciliation = Reconciliation(
            database, bus, logins, self._workers, self._feed, self._presence, self._lease
        )
        self._delivery = Delivery(
            database,
            bus,
            logins,
            self._workers,
            config.chat.delivery,
            self._on_notices,
            config.limits,
        )
        passwords = new_passwords(config.password)
        exempt = Exempt(config.limits.exempt, loopback=not config.server.proxy_protocol)
        login_limits = LoginLimits(_login_rates(config), exempt)
        self._mailbox = Mailbox(database, self._workers)
        return Context(
            database=database,
            bus=bus,
            logins=logins,
            delivery=self._delivery,
            authentication=Authentication(database, passwords, login_limits, clock, token_seconds),
            login_flow=LoginFlow(
                database,
                bus,
                logins,
                self._mailbox,
                self._presence,
                clock,
                visibility,
                lists_requests=approve,
            ),
            reconciliation=self._reconciliation,
            login_limits=login_limits,
            lookalikes=self._lookalikes,
            passwords=passwords,
            clock=clock,
            node=self._node,
            heartbeat=config.server.heartbeat,
            registration=config.chat.registration,
            visibility=visibility,
            group_failures=KeyedBuckets(
                config.chat.login_failures / config.chat.login_failure_window,
                config.chat.login_failures,
            ),
            friend_notices=self._friend_notices,
            approve_contacts=approve,
            group_join=config.chat.group_join,
            limits=config.limits,
            classic=config.classic,
        )

    def _new_status(self, context: Context) -> StatusServer | None:
        """The status page, if a setting asks for it."""
        if not self._config.server.status:
            return None
        try:
            from chat.status.samples import Samples
            from chat.status.status_server import StatusServer
            from chat.status.watched import Watched
        except ImportError as exc:
            raise ConfigError(
                "server.status: needs h11 and prometheus-client: pip install 'muduopy[chat]'"
            ) from exc
        self._samples = Samples(context.database, self._workers)
        watched = Watched(
            self._node,
            lambda: self._config,
            self._server,
            context.logins,
            self._delivery.commits,
            self._mailbox,
            context.database,
            context.bus,
            self._lease,
            self._workers,
            self._hashers,
            context.passwords,
            self._samples,
            self._lags,
            self._loops,
            lambda: self._end_timer is not None,
            self._logs,
        )
        return StatusServer(parse_status_address(self._config.server.status), watched)

    def _new_operation(self, context: Context, read: Callable[[], Config]) -> AdminContext:
        """The parts of the server for commands of operators."""
        return AdminContext(
            database=self._database,
            logins=context.logins,
            passwords=context.passwords,
            delivery=self._delivery,
            reconciliation=self._reconciliation,
            server=self._server,
            clock=context.clock,
            node=self._node,
            lease=self._lease,
            drain=self.drain,
            ban_list=self._ban_list,
            reloading=Reloading(self._loop, self._config, read, self._apply),
        )

    def _open_admin(self) -> AdminServer | None:
        """Bind the socket for operators. Raises ConfigError, OSError."""
        assert isinstance(self._server.address, InetAddress)
        config, port = self._config, self._server.address.port
        file = sqlite_file(config.database.url)
        return open_admin(self._loop, config.server, port, file, self._operation)

    def _apply(self, config: Config, tls: ssl.SSLContext | None) -> None:
        """Use new settings, as far as they change while the server runs. Main loop."""
        logging.getLogger().setLevel(config.server.log_level.upper())
        if tls is not None:
            self._server.change_tls(tls)
        self._server.change_limits(config.limits)
        self._delivery.change_limits(config.limits)
        self._context.login_limits.change(
            _login_rates(config), config.limits.exempt, self._context.clock.monotonic()
        )
        self._context = replace(
            self._context, limits=config.limits, registration=config.chat.registration
        )
        schema = build_schema(config.limits, config.classic.password_min)
        self._service.change_limits(self._context, schema)
        self._config = config

    # ------------------------------------------------------------------ start

    def start(self) -> None:
        """Start the threads and the bus, and become one of the servers on the database.

        Ends everything, and raises ConfigError, OtherModeError, NameTakenError or StorageError, if
        that is not possible.
        """
        try:
            if self._status is not None:
                self._status.start()
            self._start_pools()
            self._delivery.start(self._loop)
            self._claim()
            self._lookalikes.start(self._loop, self._workers)
            self._ban_list.read()
            self._workers.try_run(self._delivery.announcements.listen)
            self._maintenance.delete_expired_tokens()
            self._maintenance.start(self._loop, self._workers)
        except BaseException:
            self._server.close()
            self._close()
            raise

    def _start_pools(self) -> None:
        try:
            self._workers.start()
            self._hashers.start()
        except RuntimeError as exc:
            raise ConfigError(
                f"server.workers, server.hash_threads: no more threads to be had: {exc}"
            ) from exc

    def _claim(self) -> None:
        """Take the name, in one transaction with the agreement on the mode; release old users."""
        agree = partial(agree_on_mode, node=self._node, mode=self._config.chat.delivery)
        if self._lease is not None:
            self._lease.claim(agree)
        else:
            self._database.write(agree)
        self._presence.reclaim()

    def report_every(self, seconds: float, call: Callable[[], object]) -> None:
        """Make this call regularly while the server runs. Before ``run``."""
        self._loop.run_every(seconds, call)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; a second signal exits at once. After ``start``."""
        reload = partial(reload_by_signal, self._operation)
        watch_signals(self.drain, partial(self._workers.try_run, reload))
        try:
            if self._lease is not None:
                self._lease.start()  # each renewal starts a reconciliation
            else:
                self._loop.run_every(RECONCILE_SECONDS, self._reconciliation.start_round)
            self._server.start()
            self._measure_loops()
            if self._admin is not None:
                self._admin.start()
                log.info("admin socket at %s", self._admin.path)
            if self._poller is not None:
                self._poller.start()
            log.info(
                "chatserver %s listening on %s%s, delivery %s, %s",
                __version__,
                ", ".join(str(address) for address in self._server.addresses),
                "" if self._tls is None else " with TLS",
                self._config.chat.delivery,
                mask(self._config.database.url),
            )
            warn_without_tls(self._config.server, self._server.addresses)
            if self._status is not None:
                self._status.announce()
            self._loop.loop()
        finally:
            self._close()
        log.info("stopped")

    def _measure_loops(self) -> None:
        """Measure the lag of every loop, and take samples for the status page."""
        if self._status is None:
            return
        self._samples.start(self._loop)
        self._loops["main"] = self._loop
        for loop, counters in self._server.counters.items():
            if loop is not self._loop:
                self._loops[counters.name] = loop
        for name, loop in self._loops.items():
            lag = LoopLag(loop)
            lag.start()
            # Last, because the page is made from the table meanwhile.
            self._lags[name] = lag

    # ------------------------------------------------------------------ among other nodes

    def _about(self) -> tuple[int, str]:
        """Connections and bus state, for the list of nodes. The lease's thread."""
        return self._server.open, self._bus.state

    def _on_renewed(self, whole: bool) -> None:
        """The lease's thread. ``whole``: the lease had not run out."""
        self._reconciliation.start_round(thorough=not whole)

    def _on_lease_lost(self) -> None:
        """The lease's thread."""
        self.lease_lost = True
        self._loop.queue_in_loop(self._stop)

    def _on_command(self, command: str) -> None:
        """The lease's thread. A command of an operator at another node."""
        if command == DRAIN:
            log.info("an operator drains this node")
            self.drain()
        else:
            log.warning("an operator gave the unknown command %r", command)

    def _on_notices(self, notices: Sequence[Notice]) -> None:
        """The bus's thread. Notices of other nodes about users."""
        taken = [notice.target for notice in notices if notice.word == TAKEN]
        if taken:
            self._reconciliation.check_soon(taken)
        for notice in notices:
            if notice.word == PRESENCE:
                self._feed.heard(notice.target, notice.ids)
            elif notice.word in (ASKED, ACCEPTED):
                self._friend_notices.heard(notice)
            elif notice.word == BLOCKED and (login := self._logins.find(notice.target)):
                self._logins.add_blocks(login, (), notice.ids)

    # ------------------------------------------------------------------ the end

    def drain(self) -> None:
        """Finish the work and end: no new clients, goodbye to the others, commit. Any thread.

        Further calls change nothing. /readyz and the row of this node show it at once.
        """
        self._loop.queue_in_loop(self._stop)

    def _stop(self) -> None:
        if self._end_timer is not None:
            return
        drain = self._config.server.drain_seconds
        if self._lease is not None:
            self._workers.try_run(self._lease.announce_drain)
        self._end_timer = threading.Timer(drain + END_SECONDS, self._give_up)
        self._end_timer.daemon = True
        self._end_timer.start()
        self._server.stop(drain, self._loop.quit)

    def _close(self) -> None:
        if self._status is not None:
            self._status.close()
        if self._admin is not None:
            self._admin.close()
        if self._poller is not None:
            self._poller.close()
        self._bus.stop_waiting()
        # Drop queued requests: their connections are closed. The users are released below.
        self._workers.stop(drain=False)
        self._hashers.stop(drain=False)
        if not self.lease_lost:
            self._presence.release_all()
        if self._lease is not None:
            self._lease.close()
        self._bus.close()
        self._database.close()
        self._loop.run_queued()
        self._loop.close()
        if self._end_timer is not None:
            self._end_timer.cancel()

    def _give_up(self) -> None:
        """End the process: the database is silent. Acknowledged messages are committed."""
        log.error("could not end in time")
        if self._logs is not None:
            self._logs.close_in(FLUSH_SECONDS)
        os._exit(1)


def _login_rates(config: Config) -> LoginRates:
    return LoginRates(
        config.chat.login_failures,
        config.chat.login_failure_window,
        config.limits.failures_of_network,
        config.limits.failures_of_account,
        config.limits.registrations_of_network,
    )


def new_passwords(cost: HashCost) -> Passwords:
    """Raises ConfigError for an impossible cost."""
    try:
        return Passwords(cost)
    except ValueError as exc:
        raise ConfigError(f"password: {exc}") from exc


def main(argv: Sequence[str] | None = None) -> int:
    """The executable. Returns the exit status, see exit_status.py."""
    arguments = parse_arguments(argv)
    config = arguments.config
    block_signals()
    root, logs = logging.getLogger(), LogQueue(sys.stderr, new_format(config.server.log_format))
    root.setLevel(config.server.log_level.upper())
    root.addHandler(logs)
    logs.start()
    try:
        problem, status = _serve(argv, arguments, logs)
    finally:
        root.removeHandler(logs)
        if not logs.close_in(FLUSH_SECONDS):
            # The reader of the log has stopped. The interpreter would wait for the log's thread.
            os._exit(FAILED)
    if problem:
        print(f"chatserver: {problem}", file=sys.stderr)  # noqa: T201
    return status


def _serve(argv: Sequence[str] | None, arguments: Arguments, logs: LogQueue) -> tuple[str, int]:
    """Run a server until it ends. Returns a line about a failure, and the exit status."""
    config = arguments.config
    workers = config.server.workers + hash_threads(config.server.hash_threads) + ADMIN_THREADS
    connections = fit_file_limit(config.server.max_connections, workers)
    config = _with_connections(config, connections)

    def reread() -> Config:
        new, wanted = read_again(argv), arguments.config.server.max_connections
        # The number that the file descriptors allow, while the wish is the same.
        same = new.server.max_connections == wanted
        return _with_connections(new, connections) if same else new

    try:
        app = App(arguments.address, config, arguments.also, reread, logs)
        app.start()
        logs.begin_to_drop()
        app.report_every(LOG_SECONDS, logs.limit.report)
        app.run()
    except REPORTED as exc:
        return report(exc, arguments.address)
    if app.lease_lost:
        return "another server has started under this one's name", FAILED
    return "", STOPPED


def _with_connections(config: Config, connections: int) -> Config:
    return replace(config, server=replace(config.server, max_connections=connections))


if __name__ == "__main__":
    sys.exit(main())
