"""App: a whole chat server, and the order in which its parts start and end.

The end goes in the order of the data: stop accepting, say goodbye, let requests and commits finish,
release the users, close the database.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial

from chat import __version__
from chat.admin.ban_list import BanList
from chat.admin.commands.settings import reload_by_signal
from chat.app.admin_parts import bind_admin, build_admin_context, build_maintenance
from chat.app.foundation import open_foundation
from chat.app.live_settings import LiveSettings
from chat.app.login_parts import build_logins
from chat.app.server_parts import bind_server, build_context, build_delivery, build_service
from chat.app.status_page import build_status_page
from chat.app.web_page import build_web_front, page_address
from chat.backends import mask
from chat.config import Config
from chat.delivery.agreed_mode import agree_on_mode
from chat.delivery.delivery import DIRECT
from chat.delivery.poller import MailboxPoller
from chat.dialect_files import load_dialects
from chat.epoch import make_names
from chat.exit_status import DRAINED, FAILED
from chat.listeners import Listener
from chat.login.lease import Lease
from chat.process.log_queue import LogQueue
from chat.process.signals import watch_signals
from chat.reloading import no_settings
from chat.storage.tables import DRAIN
from chat.tls import tls_context, warn_without_tls
from muduopy import InetAddress

log = logging.getLogger("chat")

RECONCILE_SECONDS = 5.0
"""Between two comparisons of rows with logins, on a database without other servers."""

FLUSH_SECONDS = 2.0
"""Seconds to write the last lines of the log. Then its reader has stopped."""

END_SECONDS = 10.0
"""Seconds to end after the draining. Then the process exits, even if the database is silent."""


class App:
    """A whole chat server: construct, ``start``, ``run``. Main thread.

    Attributes:
        lease_lost: another server has started under the name of this one.
        drained: an operator has drained this server: it should stay down.
    """

    def __init__(
        self,
        address: InetAddress,
        config: Config,
        also: Sequence[Listener] = (),
        read_again: Callable[[], Config] = no_settings,
        logs: LogQueue | None = None,
    ) -> None:
        """Construct all parts, open the database, and bind the addresses.

        ``also``: further addresses. ``read_again`` returns the settings for a reload, or raises
        ConfigError. ``logs``: for the status page, and for the last lines of the log if the end
        takes too long.

        Raises StorageError, BusRefusedError, OSError, ConfigError.
        """
        self.lease_lost = False
        self.drained = False
        self._logs = logs
        self._end_timer: threading.Timer | None = None
        with contextlib.ExitStack() as undo:
            self._build(address, config, also, read_again, undo)
            undo.pop_all()

    def _build(
        self,
        address: InetAddress,
        config: Config,
        also: Sequence[Listener],
        read_again: Callable[[], Config],
        undo: contextlib.ExitStack,
    ) -> None:
        """Each part from the parts above it. ``undo`` closes them if a later one fails."""
        self._tls = tls_context(config.server)
        dialects = load_dialects(config.classic.dialects)
        node = config.server.node or f"node-{address.port}"
        base = self._base = open_foundation(config, node, undo)
        lease = self._lease = None if base.database.exclusive else self._new_lease(address)
        logins = self._logins = build_logins(config, base, lease)
        delivery = self._delivery = build_delivery(config, base, logins)
        context = build_context(config, base, logins, delivery)
        self._lookalikes = context.lookalikes
        service = build_service(config, base, context, dialects)
        front = build_web_front(config, self._is_ending, base.bus, lease)
        server = bind_server(config, base, service, dialects, self._tls, address, also, front)
        self._has_page = front is not None
        undo.callback(server.close)
        self._server = server
        settings = self._settings = LiveSettings(
            config, base, context, service, server, delivery, logins
        )
        self._status = build_status_page(
            settings, base, logins, delivery, server, lease, self._is_ending, self._logs
        )
        if self._status is not None:
            undo.callback(self._status.close)
        ban_list = self._ban_list = BanList(base.database, server, base.clock)
        self._maintenance = build_maintenance(config, base, logins, ban_list)
        self._operation = build_admin_context(
            settings,
            read_again,
            base,
            logins,
            delivery,
            server,
            lease,
            ban_list,
            self.drain_for_operator,
        )
        self._admin = bind_admin(config, base, server, self._operation)
        self._poller: MailboxPoller | None = None
        if lease is not None:
            self._poller = MailboxPoller(base.loop, base.database, logins.registry, base.workers)

    def _new_lease(self, address: InetAddress) -> Lease:
        """The lease on the name of this server, among the servers of the database."""
        return Lease(
            self._base.database,
            self._base.node,
            f"{address} on {socket.gethostname()}",
            self._about,
            self._on_renewed,
            self._on_lease_lost,
            self._on_command,
        )

    # ------------------------------------------------------------------ start

    def start(self) -> None:
        """Start the threads and the bus, and become one of the servers on the database.

        Ends everything, and raises ConfigError, OtherModeError, NameTakenError or StorageError, if
        that is not possible.
        """
        loop, workers = self._base.loop, self._base.workers
        try:
            if self._status is not None:
                self._status.start()
            self._base.start_threads()
            self._delivery.start(loop)
            self._claim()
            self._base.database.write(make_names)
            self._lookalikes.start(loop, workers)
            self._ban_list.read()
            workers.try_run(self._delivery.announcements.listen)
            if self._logins.devices is not None:
                workers.try_run(partial(self._logins.devices.report, self._base.database))
            self._maintenance.delete_expired_tokens()
            self._maintenance.start(loop, workers)
        except BaseException:
            self._server.close()
            self._close()
            raise

    def _claim(self) -> None:
        """Take the name, in one transaction with the agreement on the mode; release old users."""
        mode = self._settings.config.chat.delivery
        agree = partial(agree_on_mode, node=self._base.node, mode=mode)
        if self._lease is not None:
            self._lease.claim(agree)
        else:
            self._base.database.write(agree)
        self._logins.presence.reclaim()

    def report_every(self, seconds: float, call: Callable[[], object]) -> None:
        """Make this call regularly while the server runs. Before ``run``."""
        self._base.loop.run_every(seconds, call)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; a second signal exits at once. After ``start``."""
        reload = partial(reload_by_signal, self._operation)
        watch_signals(self.drain, partial(self._base.workers.try_run, reload))
        try:
            self._serve()
            self._base.loop.loop()
        finally:
            self._close()
        log.info("stopped")

    def _serve(self) -> None:
        """Start all that serves others: clients, operators, the status page."""
        loop = self._base.loop
        if self._lease is not None:
            self._lease.start()  # each renewal starts a reconciliation
        else:
            loop.run_every(RECONCILE_SECONDS, self._logins.reconciliation.start_round)
        self._server.start()
        if self._status is not None:
            self._status.measure(loop, self._server)
        if self._admin is not None:
            self._admin.start()
            log.info("admin socket at %s", self._admin.path)
        if self._poller is not None:
            self._poller.start()
        self._announce()

    def _announce(self) -> None:
        """Log the addresses of the server."""
        config = self._settings.config
        log.info(
            "chatserver %s listening on %s%s, delivery %s, %s",
            __version__,
            ", ".join(str(address) for address in self._server.addresses),
            "" if self._tls is None else " with TLS",
            config.chat.delivery,
            mask(config.database.url),
        )
        if config.chat.delivery == DIRECT and config.chat.devices > 1:
            log.info("delivery direct: an account has one login at a time, and no devices")
        warn_without_tls(config.server, self._server.addresses)
        if self._has_page:
            scheme = "http" if self._tls is None else "https"
            address = page_address(self._server.address)
            log.info("open %s://%s/ in a browser", scheme, address)
        if self._status is not None:
            self._status.announce()

    # ------------------------------------------------------------------ among other nodes

    def _about(self) -> tuple[int, str]:
        """Connections and bus state, for the list of nodes. The lease's thread."""
        return self._server.open, self._base.bus.state

    def _on_renewed(self, whole: bool) -> None:
        """The lease's thread. ``whole``: the lease had not run out."""
        self._logins.reconciliation.start_round(thorough=not whole)

    def _on_lease_lost(self) -> None:
        """The lease's thread."""
        self.lease_lost = True
        self._base.loop.queue_in_loop(self._stop)

    def _on_command(self, command: str) -> None:
        """The lease's thread. A command of an operator at another node."""
        if command == DRAIN:
            log.info("stopping: an operator drains this node")
            self.drain_for_operator()
        else:
            log.warning("an operator gave the unknown command %r", command)

    # ------------------------------------------------------------------ the end

    def drain(self) -> None:
        """Stop accepting, send the clients away, commit, and end. Any thread.

        Further calls change nothing. /readyz and the row of this node show it at once.
        """
        self._base.loop.queue_in_loop(self._stop)

    def drain_for_operator(self) -> None:
        """``drain``, with the exit status DRAINED. Any thread."""
        self._base.loop.queue_in_loop(self._note_operator)
        self.drain()

    def _note_operator(self) -> None:
        self.drained = True

    def _is_ending(self) -> bool:
        """Any thread."""
        return self._end_timer is not None

    def _stop(self) -> None:
        if self._end_timer is not None:
            return
        drain = self._settings.config.server.drain_seconds
        if self._lease is not None:
            self._base.workers.try_run(self._lease.announce_drain)
        self._end_timer = threading.Timer(drain + END_SECONDS, self._give_up)
        self._end_timer.daemon = True
        self._end_timer.start()
        self._server.stop(drain, self._base.loop.quit)

    def _close(self) -> None:
        if self._status is not None:
            self._status.close()
        if self._admin is not None:
            self._admin.close()
        if self._poller is not None:
            self._poller.close()
        self._base.bus.stop_waiting()
        # Requests that wait are dropped: their connections are closed. The users are released now.
        self._base.stop_threads()
        if not self.lease_lost:
            self._logins.presence.release_all()
        if self._lease is not None:
            self._lease.close()
        self._base.close()
        if self._end_timer is not None:
            self._end_timer.cancel()

    def _give_up(self) -> None:
        """End the process: the database is silent. Acknowledged messages are committed."""
        log.error("could not end in time: the database does not answer; ending at once")
        if self._logs is not None:
            self._logs.close_in(FLUSH_SECONDS)
        os._exit(DRAINED if self.drained else FAILED)
