"""The composition root: the one place that knows config, database, bus and server together.

Threads: the main thread runs the main loop (accepting, and all connections unless there are
sub-loops); ``threads`` sub-loops; ``workers`` for SQL and hashing; one database writer; one
that waits for signals. Shutdown goes in the order of the data: stop accepting, say goodbye,
let requests and commits finish, release the users, close the database.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from chat import __version__
from chat.bus import LocalBus
from chat.cli import parse_arguments
from chat.clock import Clock
from chat.config import Config, ConfigError
from chat.db import Database, StorageError
from chat.db.sqlite import SqliteDatabase
from chat.delivery.delivery import Delivery
from chat.handlers import ROUTES, Context
from chat.limiter import FailureLimiter
from chat.model import SettingModel, TokenModel, UserModel
from chat.passwords import HashCost, Passwords
from chat.presence import Presence
from chat.protocol import build_schema
from chat.server import ChatServer
from chat.service import ChatService
from chat.sessions import SessionRegistry
from muduopy import EventLoop, InetAddress, ThreadPool

log = logging.getLogger("chat")

SIGNALS = {signal.SIGINT, signal.SIGTERM}
RECONCILE_SECONDS = 5.0
SPARE_FILES = 64
"""Descriptors besides connections: database, loops, standard streams."""
SECONDS_PER_DAY = 86_400
WORKER_QUEUE = 4096


class App:
    """A whole chat server. Main thread."""

    def __init__(self, address: InetAddress, config: Config) -> None:
        """Opens the database and binds. Raises StorageError, OSError, ConfigError."""
        self._config = config
        self._database = open_database(config.database.url)
        self._loop = EventLoop()
        self._workers = ThreadPool(config.server.workers, "worker", WORKER_QUEUE)
        try:
            self._assemble(address)
        except BaseException:
            self._close()
            raise

    def _assemble(self, address: InetAddress) -> None:
        config = self._config
        clock = Clock()
        bus = LocalBus()
        sessions = SessionRegistry()
        delivery = Delivery(self._database, bus, sessions, self._workers, config.chat.delivery)
        self._presence = Presence(
            self._database,
            sessions,
            self._workers,
            f"node-{address.port}",
            replace=config.chat.on_duplicate_login == "replace",
        )
        context = Context(
            database=self._database,
            bus=bus,
            sessions=sessions,
            delivery=delivery,
            presence=self._presence,
            passwords=new_passwords(config.password),
            limiter=FailureLimiter(config.chat.login_failures, config.chat.login_failure_window),
            clock=clock,
            heartbeat=config.server.heartbeat,
            token_seconds=config.chat.token_days * SECONDS_PER_DAY,
            registration=config.chat.registration,
        )
        service = ChatService(context, ROUTES, build_schema(config.limits), self._workers)
        self._server = ChatServer(self._loop, address, config.server, service, delivery.new_pump)
        self._presence.reclaim()
        self._tidy(clock, context.token_seconds)

    def _tidy(self, clock: Clock, token_seconds: int) -> None:
        mode = self._config.chat.delivery
        self._database.write(lambda tx: SettingModel(tx).set("delivery", mode))
        self._database.write(lambda tx: TokenModel(tx).delete_expired(clock.unix(), token_seconds))

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; a second one exits at once."""
        threading.Thread(target=self._wait_for_signals, name="signals", daemon=True).start()
        try:
            self._loop.run_every(RECONCILE_SECONDS, self._presence.reconcile)
            self._server.start()
            log.info(
                "chatserver %s listening on %s, delivery %s, %s",
                __version__,
                self._server.address,
                self._config.chat.delivery,
                self._config.database.url,
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

    def _stop(self) -> None:
        self._server.stop(self._config.server.drain_seconds, self._loop.quit)

    def _close(self) -> None:
        self._workers.stop()
        try:
            # Those whose release was still on its way, or was refused by a full queue.
            self._database.write(self._release_users)
        except StorageError as exc:
            log.warning("users stay online until the next start: %s", exc)
        self._database.close()
        self._loop.close()

    def _release_users(self, tx: object) -> None:
        if hasattr(self, "_presence"):
            UserModel(tx).all_offline(self._presence.node)  # type: ignore[arg-type]


def open_database(url: str) -> Database:
    """The database behind a URL. Raises ConfigError, StorageError."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise ConfigError(f"database.url: {url!r} is not of the form sqlite:///PATH")
    # Three slashes: relative to the current directory; four: absolute.
    return SqliteDatabase(Path(unquote(parts.path[1:])), sqlite_schema())


def new_passwords(cost: HashCost) -> Passwords:
    """Raises ConfigError for an impossible cost."""
    try:
        return Passwords(cost)
    except ValueError as exc:
        raise ConfigError(f"password: {exc}") from exc


def sqlite_schema() -> Path:
    """The table definitions: in an installed package, or in the source tree beside it."""
    package = Path(__file__).parent
    installed = package / "db" / "sqlite.sql"
    return installed if installed.exists() else package.parent / "db" / "sqlite.sql"


def main(argv: Sequence[str] | None = None) -> int:
    """The executable. Status: 0 stopped, 1 could not run, 2 wrong arguments."""
    arguments = parse_arguments(argv)
    config = arguments.config
    logging.basicConfig(
        level=config.server.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(threadName)s %(message)s",
        stream=sys.stderr,
    )
    raise_file_limit(config.server.max_connections + SPARE_FILES)
    # Before any thread exists, so that all inherit it.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        App(arguments.address, config).run()
    except ConfigError as exc:
        return _complain(f"{exc}", 2)
    except StorageError as exc:
        return _complain(f"database: {exc}", 1)
    except OSError as exc:
        return _complain(f"{arguments.address}: {exc.strerror}", 1)
    return 0


def raise_file_limit(wanted: int) -> None:
    """Allow as many descriptors as are wanted, or as the hard limit permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("open files are limited to %d: fewer connections than configured", allowed)


def _complain(problem: str, status: int) -> int:
    print(f"chatserver: {problem}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
