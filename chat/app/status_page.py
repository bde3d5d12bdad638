"""StatusPage: the status page of a server, and the measurements that it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.app.foundation import Foundation
from chat.app.live_settings import LiveSettings
from chat.app.login_parts import LoginParts
from chat.config import ConfigError
from chat.connection.server import ChatServer
from chat.delivery.delivery import Delivery
from chat.listeners import parse_status_address
from chat.login.lease import Lease
from chat.process.log_queue import LogQueue
from chat.process.loop_lag import LoopLag
from muduopy import EventLoop

if TYPE_CHECKING:
    from chat.status.samples import Samples
    from chat.status.status_server import StatusServer

Lags = dict[str, LoopLag]
Loops = dict[str, EventLoop]


class StatusPage:
    """Serves from ``start`` to ``close``. Main thread."""

    def __init__(self, server: StatusServer, samples: Samples, lags: Lags, loops: Loops) -> None:
        """``lags`` and ``loops``: the tables of the page, by the name of a loop's thread. They are
        filled by ``measure``."""
        self._server = server
        self._samples = samples
        self._lags = lags
        self._loops = loops
        self.start = server.start
        self.announce = server.announce
        self.close = server.close

    def measure(self, main: EventLoop, server: ChatServer) -> None:
        """Measure the lag of every loop, and take samples. After the start of the server."""
        self._samples.start(main)
        self._loops["main"] = main
        for loop, counters in server.counters.items():
            if loop is not main:
                self._loops[counters.name] = loop
        for name, loop in self._loops.items():
            lag = LoopLag(loop)
            lag.start()
            # After ``start``, because the status page may already read the table in its thread.
            self._lags[name] = lag


def build_status_page(
    settings: LiveSettings,
    base: Foundation,
    logins: LoginParts,
    delivery: Delivery,
    server: ChatServer,
    lease: Lease | None,
    stopping: Callable[[], bool],
    logs: LogQueue | None,
) -> StatusPage | None:
    """The status page, if a setting asks for it. Raises ConfigError."""
    address = settings.config.server.status
    if not address:
        return None
    try:
        from chat.status.samples import Samples
        from chat.status.status_server import StatusServer
        from chat.status.watched import Watched
    except ImportError as exc:
        raise ConfigError(
            "server.status: needs prometheus-client: pip install 'muduopy[chat]'"
        ) from exc
    samples = Samples(base.database, base.workers)
    lags: Lags = {}
    loops: Loops = {}
    watched = Watched(
        base.node,
        lambda: settings.config,
        server,
        logins.registry,
        delivery.commits,
        logins.mailbox,
        base.database,
        base.bus,
        lease,
        base.workers,
        base.hashers,
        logins.passwords,
        samples,
        lags,
        loops,
        stopping,
        logs,
    )
    return StatusPage(StatusServer(parse_status_address(address), watched), samples, lags, loops)
