"""StatusServer: the pages ``/metrics``, ``/healthz``, ``/readyz`` and ``/inspect`` over HTTP."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from prometheus_client.exposition import CONTENT_TYPE_LATEST

from chat.status.health import stuck_loops, troubles
from chat.status.host_check import is_own_host
from chat.status.inspection import inspect
from chat.status.metrics import MetricsPage
from chat.status.watched import Watched
from chat.tls import is_open_to_others
from muduopy import Address, EventLoop, EventLoopThread, InetAddress
from muduopy.http import HttpRequest, HttpResponse, HttpServer

log = logging.getLogger(__name__)

SHOWN = 20
"""Connections on ``/inspect``, unless ``?top=`` asks for another number."""

STOP_SECONDS = 2.0
"""The wait for a page that is being made while the server stops."""

PAGES = "/metrics /healthz /readyz /inspect"

Page = Callable[[HttpRequest, HttpResponse], object]


class StatusServer:
    """Its loop and thread are its own, so that no other loop waits for a page. Main thread.

    Attributes:
        address: where it listens, after ``start``.
    """

    def __init__(self, address: InetAddress, watched: Watched) -> None:
        """``watched``: its settings name the hosts that the pages answer to."""
        self.address: Address = address
        self._watched = watched
        self._names = {name.lower() for name in watched.config().server.status_names}
        self._metrics = MetricsPage(watched)
        self._started_at = time.monotonic()
        self._server: HttpServer | None = None
        self._thread = EventLoopThread("status", self._listen)
        self._pages: dict[str, Page] = {
            "/": self._index,
            "/metrics": self._show_metrics,
            "/healthz": self._show_health,
            "/readyz": self._show_readiness,
            "/inspect": self._show_inside,
        }

    def start(self) -> None:
        """Listen. Raises OSError, with the address."""
        self._thread.start_loop()

    def announce(self) -> None:
        """Log the address, and warn if other machines reach it."""
        log.info("status page at http://%s/", self.address)
        if is_open_to_others([self.address]):
            log.warning(
                "the status page has no password, and shows the addresses of users: let only your "
                "own machines reach %s",
                self.address,
            )

    def close(self) -> None:
        """Stop. Idempotent; it may be called before ``start``."""
        server, self._server = self._server, None
        if server is not None:
            stopped = threading.Event()
            server.stop(0.0, stopped.set)
            stopped.wait(STOP_SECONDS)
        self._thread.stop(STOP_SECONDS)

    def _listen(self, loop: EventLoop) -> None:
        """In the thread, before its loop runs."""
        try:
            server = HttpServer(loop, self.address, "status")
        except OSError as exc:
            exc.filename = f"server.status: {self.address}"
            raise
        server.set_http_callback(self._answer)
        server.start()
        self._server = server
        self.address = server.address

    # ------------------------------------------------------------------ pages, in the thread

    def _answer(self, request: HttpRequest, response: HttpResponse) -> None:
        response.set_header("Cache-Control", "no-store")
        page = self._pages.get(request.path)
        if not is_own_host(request.headers.get("Host"), self._names):
            response.set_text("421: use the address, or add the name to server.status_names\n", 421)
        elif page is None:
            response.set_text(f"404: the pages are {PAGES}\n", 404)
        elif request.method not in ("GET", "HEAD"):
            response.set_text("405: only GET\n", 405)
        else:
            page(request, response)

    def _index(self, request: HttpRequest, response: HttpResponse) -> None:
        response.set_text(PAGES.replace(" ", "\n") + "\n")

    def _show_metrics(self, request: HttpRequest, response: HttpResponse) -> None:
        response.body = self._metrics.text()
        response.set_header("Content-Type", CONTENT_TYPE_LATEST)

    def _show_health(self, request: HttpRequest, response: HttpResponse) -> None:
        _show(response, stuck_loops(self._watched))

    def _show_readiness(self, request: HttpRequest, response: HttpResponse) -> None:
        found = troubles(self._watched)
        _show(response, [f"{kind}: {text}" for kind, text in found.items() if text])

    def _show_inside(self, request: HttpRequest, response: HttpResponse) -> None:
        top = parse_qs(request.query).get("top", [""])[0]
        count = int(top) if top.isascii() and top.isdigit() and len(top) < 5 else SHOWN
        page = inspect(self._watched, self._started_at, count)
        response.set_text(json.dumps(page, indent=1, ensure_ascii=False) + "\n")
        response.set_header("Content-Type", "application/json")


def _show(response: HttpResponse, problems: list[str]) -> None:
    """200, or 503 with the reasons."""
    if problems:
        response.set_text("\n".join(problems) + "\n", 503)
    else:
        response.set_text("ok\n")
