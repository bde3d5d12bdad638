"""The composition root: the one place that knows config, database, bus and server together.

Threads: the main thread runs the main loop (accepting, and all connections unless there are
sub-loops); ``threads`` sub-loops; ``workers`` for SQL and hashing; one database writer; one
that waits for signals. Shutdown goes in the order of the data: stop accepting, say goodbye,
let requests and commits finish, release the users, close the database.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from chat import __version__
from chat.backends import BusAddress, find_bus, mask, open_bus, open_database
from chat.bus import BusRefusedError
from chat.cli import parse_arguments
from chat.config import Config, ConfigError, HashCost
from chat.connection.server import ChatServer
from chat.delivery.codec import MessageBus
from chat.delivery.delivery import Delivery
from chat.delivery.poller import MailboxPoller
from chat.dialect_files import load_dialects
from chat.handlers import ROUTES, Context
from chat.listeners import Listener
from chat.login.authentication import Authentication
from chat.login.failure_limiter import FailureLimiter
from chat.login.lease import Lease, NameTakenError
from chat.login.login_flow import LoginFlow
from chat.login.passwords import Passwords
from chat.login.presence import Presence
from chat.login.presence_feed import PresenceFeed
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.mailbox.mailbox import Mailbox
from chat.names.lookalikes import Lookalikes
from chat.notice import PRESENCE, TAKEN, Notice
from chat.process.clock import Clock
from chat.process.file_limit import fit_file_limit
from chat.process.log_limit import LogLimit
from chat.protocol import build_schema
from chat.request_workers import RequestWorkers, hash_threads, new_hashers
from chat.service import ChatService
from chat.storage import StorageError, Transaction
from chat.storage.tables import NodeModel, SettingModel, TokenModel
from chat.tls import tls_context
from muduopy import EventLoop, InetAddress, ThreadPool

log = logging.getLogger("chat")

SIGNALS = {signal.SIGINT, signal.SIGTERM}
RECONCILE_SECONDS = 5.0
TIDY_SECONDS = 3600.0
CHECK_SECONDS = 60.0
LOG_SECONDS = 5.0
"""Seconds between reports of the lines that were left out of the log."""
END_SECONDS = 10.0
"""What the end may take once the clients are gone, should the database not answer."""
SECONDS_PER_DAY = 86_400
WORKER_QUEUE = 4096


class App:
    """A whole chat server. Main thread."""

    def __init__(self, address: InetAddress, config: Config, also: Sequence[Listener] = ()) -> None:
        """Opens the database and binds. ``also``: further addresses to listen on.

        Raises StorageError, BusRefusedError, NameTakenError, OSError, ConfigError.
        """
        self._config = config
        self._lease: Lease | None = None
        self._poller: MailboxPoller | None = None
        self._bus: MessageBus | None = None
        self._presence: Presence | None = None
        self._reconciliation: Reconciliation | None = None
        self.lease_lost = False
        self._guard: threading.Timer | None = None
        self._tls = tls_context(config.server)
        dialects = load_dialects(config.classic.dialects)
        self._dialects = dialects
        self._also = [
            (listener.address, dialects.named(listener.dialect) if listener.dialect else None)
            for listener in also
        ]
        bus = find_bus(config.bus)  # what can be wrong with it shows before anything is written
        hashing = hash_threads(config.server.hash_threads)
        # Besides the two pools the main thread reads, at the start and the end.
        threads = config.server.workers + hashing + 1
        self._database = open_database(config.database, threads=threads)
        self._loop = EventLoop()
        self._workers = ThreadPool(config.server.workers, "worker", WORKER_QUEUE)
        self._hashers = new_hashers(hashing)
        try:
            self._start_threads()
            self._assemble(address, bus)
        except BaseException:
            self._close()
            raise

    def _start_threads(self) -> None:
        try:
            self._workers.start()
            self._hashers.start()
        except RuntimeError as exc:
            raise ConfigError(
                f"server.workers, server.hash_threads: no more threads to be had: {exc}"
            ) from exc

    def _assemble(self, address: InetAddress, bus: BusAddress) -> None:
        config = self._config
        clock = Clock()
        node = config.server.node or f"node-{address.port}"
        self._bus = open_bus(bus, node, self._loop, self._workers)
        logins = LoginRegistry()
        feed = PresenceFeed(self._loop, self._database, self._bus, logins, self._workers)
        if not self._database.exclusive:
            place = f"{address} on {socket.gethostname()}"
            self._lease = Lease(
                self._database, node, place, self._about, self._on_renewed, self._on_lease_lost
            )
            self._poller = MailboxPoller(self._loop, self._database, logins, self._workers)
        self._presence = Presence(
            self._database,
            logins,
            self._workers,
            feed,
            node,
            self._lease,
            replace=config.chat.on_duplicate_login == "replace",
        )
        self._reconciliation = Reconciliation(
            self._database, self._bus, logins, self._workers, feed, self._presence, self._lease
        )
        delivery = Delivery(
            self._database,
            self._bus,
            logins,
            self._workers,
            config.chat.delivery,
            partial(self._on_notices, feed),
        )
        passwords = new_passwords(config.password)
        limiter = FailureLimiter(config.chat.login_failures, config.chat.login_failure_window)
        token_seconds = config.chat.token_days * SECONDS_PER_DAY
        mailbox = Mailbox(self._database, self._workers)
        context = Context(
            database=self._database,
            bus=self._bus,
            logins=logins,
            delivery=delivery,
            authentication=Authentication(self._database, passwords, limiter, clock, token_seconds),
            login_flow=LoginFlow(self._database, self._bus, logins, mailbox, self._presence, clock),
            lookalikes=Lookalikes(self._database),
            passwords=passwords,
            clock=clock,
            node=node,
            heartbeat=config.server.heartbeat,
            registration=config.chat.registration,
            limits=config.limits,
            classic=config.classic,
        )
        schema = build_schema(config.limits, config.classic.password_min)
        workers = RequestWorkers(self._workers, self._hashers, clock)
        service = ChatService(context, ROUTES, schema, workers, self._dialects.by_name)
        self._server = ChatServer(
            self._loop,
            address,
            config.server,
            config.classic,
            service,
            config.limits,
            self._tls,
            self._dialects.used,
            self._also,
        )
        delivery.start(self._loop)
        try:
            self._enter(node, self._presence)
            context.lookalikes.start(self._loop, self._workers)
            tidy = partial(self._tidy, clock, token_seconds)
            tidy()
        except BaseException:
            self._server.close()
            raise
        self._loop.run_every(TIDY_SECONDS, lambda: self._workers.try_run(tidy))
        self._loop.run_every(CHECK_SECONDS, lambda: self._workers.try_run(self._check_database))

    def _enter(self, node: str, presence: Presence) -> None:
        """Become one of the servers."""
        agree = partial(self._agree_on_delivery, node)
        if self._lease is not None:
            self._lease.claim(agree)
        else:
            self._database.write(agree)
        presence.reclaim()

    def _agree_on_delivery(self, node: str, tx: Transaction) -> None:
        """All servers on one database deliver in the same way. Raises ConfigError."""
        mode = self._config.chat.delivery
        model = SettingModel(tx)
        model.get("schema_version", lock=True)  # of two that start together, one waits here
        others = [row.name for row in NodeModel(tx).all() if row.alive and row.name != node]
        used = model.get("delivery")
        if not others or used is None:
            model.set("delivery", mode)
        elif used != mode:
            raise ConfigError(
                f"chat.delivery: {', '.join(others)} on this database use {used!r}, not {mode!r}"
            )

    def _tidy(self, clock: Clock, token_seconds: int) -> None:
        """Raises StorageError."""
        now = clock.unix()
        place = ""

        def next_part(tx: Transaction) -> str:
            return TokenModel(tx).delete_expired(now, token_seconds, place)

        while place := self._database.write(next_part):
            pass

    def report_every(self, seconds: float, report: Callable[[], object]) -> None:
        """Call ``report`` regularly while the server runs. Before ``run``."""
        self._loop.run_every(seconds, report)

    def _check_database(self) -> None:
        """A file that was removed takes all later messages with it. Worker thread."""
        try:
            self._database.check()
        except StorageError as exc:
            log.error("the database is gone: %s", exc)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; a second one exits at once."""
        threading.Thread(target=self._wait_for_signals, name="signals", daemon=True).start()
        try:
            if self._lease is not None:
                self._lease.start()  # whose renewals see to the rest
            else:
                assert self._reconciliation is not None
                self._loop.run_every(RECONCILE_SECONDS, self._reconciliation.start_round)
            self._server.start()
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
            self._loop.loop()
        finally:
            self._close()
        log.info("stopped")

    def _wait_for_signals(self) -> None:
        # In a thread of its own rather than in a handler, which could interrupt the holder of
        # any lock. The signals are blocked everywhere else.
        number = signal.sigwait(SIGNALS)
        log.info("%s: stopping", signal.Signals(number).name)
        self._loop.queue_in_loop(self._stop)
        number = signal.sigwait(SIGNALS)
        os._exit(128 + number)

    # ------------------------------------------------------------------ among other nodes

    def _about(self) -> tuple[int, str]:
        assert self._bus is not None
        return self._server.open, self._bus.state

    def _on_renewed(self, whole: bool) -> None:
        """Lease's thread. After a lease that had run out this finds what others have changed."""
        assert self._reconciliation is not None
        self._reconciliation.start_round(thorough=not whole)

    def _on_lease_lost(self) -> None:
        """Lease's thread: another server has our name."""
        self.lease_lost = True
        self._loop.queue_in_loop(self._stop)

    def _on_notices(self, feed: PresenceFeed, heard: Sequence[Notice]) -> None:
        """The bus's thread."""
        assert self._reconciliation is not None
        taken = [notice.target for notice in heard if notice.word == TAKEN]
        if taken:
            self._reconciliation.check_soon(taken)
        for notice in heard:
            if notice.word == PRESENCE:
                feed.heard(notice.target, notice.ids)

    # ------------------------------------------------------------------ the end

    def _stop(self) -> None:
        drain = self._config.server.drain_seconds
        if self._guard is None:
            self._guard = threading.Timer(drain + END_SECONDS, _give_up)
            self._guard.daemon = True
            self._guard.start()
        self._server.stop(drain, self._loop.quit)

    def _close(self) -> None:
        if self._poller is not None:
            self._poller.close()
        if self._bus is not None:
            self._bus.stop_waiting()
        # Drop queued requests: their connections are closed. The users are released below.
        self._workers.stop(drain=False)
        self._hashers.stop(drain=False)
        if self._presence is not None and not self.lease_lost:
            self._presence.release_all()
        if self._lease is not None:
            self._lease.close()
        if self._bus is not None:
            self._bus.close()
        self._database.close()
        self._loop.run_queued()
        self._loop.close()
        if self._guard is not None:
            self._guard.cancel()


def _give_up() -> None:
    """The database does not answer. Nothing that was acknowledged depends on our waiting."""
    log.error("could not end in time")
    os._exit(1)


def new_passwords(cost: HashCost) -> Passwords:
    """Raises ConfigError for an impossible cost."""
    try:
        return Passwords(cost)
    except ValueError as exc:
        raise ConfigError(f"password: {exc}") from exc


def main(argv: Sequence[str] | None = None) -> int:
    """The executable. Status: 0 stopped, 1 could not run, 2 wrong arguments."""
    arguments = parse_arguments(argv)
    config = arguments.config
    logging.basicConfig(
        level=config.server.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(threadName)s %(message)s",
        stream=sys.stderr,
    )
    workers = config.server.workers + hash_threads(config.server.hash_threads)
    connections = fit_file_limit(config.server.max_connections, workers)
    config = replace(config, server=replace(config.server, max_connections=connections))
    # Before any thread exists, so that all inherit it.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        app = App(arguments.address, config, arguments.also)
        # Not before: what an upgrade says about single names must all be in the log.
        log_limit = LogLimit()
        for handler in logging.getLogger().handlers:
            handler.addFilter(log_limit)
        app.report_every(LOG_SECONDS, log_limit.report)
        app.run()
        if app.lease_lost:
            return _complain("another server has started under this one's name", 1)
    except ConfigError as exc:
        return _complain(f"{exc}", 2)
    except NameTakenError as exc:
        return _complain(f"server.node: {exc}; give this one another name", 2)
    except StorageError as exc:
        return _complain(f"database: {exc}", 1)
    except BusRefusedError as exc:
        return _complain(f"bus: {exc}", 1)
    except OSError as exc:
        return _complain(f"{exc.filename or arguments.address}: {exc.strerror}", 1)
    return 0


def _complain(problem: str, status: int) -> int:
    print(f"chatserver: {problem}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
