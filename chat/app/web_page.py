"""Builds the web page: the files, HTTP and the WebSocket on the chat port."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from chat.config import Config, ConfigError
from chat.limits.networks import Networks
from chat.process.data_files import shipped_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from chat.delivery.codec import MessageBus
    from chat.login.lease import Lease
    from chat.web.front import WebFront
    from muduopy import Address

log = logging.getLogger("chat")


def build_web_front(
    config: Config, stopping: Callable[[], bool], bus: MessageBus, lease: Lease | None
) -> WebFront | None:
    """HTTP on the chat port; None without ``server.web``. Raises ConfigError.

    The other parts are those that ``/readyz`` asks.
    """
    if not config.server.web:
        return None
    try:
        from chat.web.front import WebFront
        from chat.web.page_files import PageFiles
    except ImportError:
        log.warning("no web page: it needs the package websockets: pip install 'muduopy[chat]'")
        return None
    try:
        files = PageFiles(shipped_page())
    except OSError as exc:
        raise ConfigError(
            f"server.web: the files of the page cannot be read: {exc.filename}; install the "
            "program again, or set server.web = false"
        ) from exc
    limits = config.limits

    def is_ready() -> bool:
        return not stopping() and bus.healthy and (lease is None or lease.held)

    checks = {"/healthz": lambda: True, "/readyz": is_ready}
    return WebFront(
        files,
        config.server.origins,
        config.server.max_frame,
        limits.frame_seconds,
        checks,
        Networks(config.server.proxy_http_from).covers,
    )


def page_address(address: Address) -> str:
    """Where a browser on this machine finds the page of a server that listens there."""
    text = str(address)
    for every in ("0.0.0.0", "[::]"):
        if text.startswith(f"{every}:"):
            return text.replace(every, "127.0.0.1", 1)
    return text
