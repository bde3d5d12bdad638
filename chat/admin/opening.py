"""Opens the admin socket as the settings say."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from chat.admin.commands import COMMANDS
from chat.admin.context import AdminContext
from chat.admin.operators import Operators
from chat.admin.server import AdminServer
from chat.admin.service import AdminService
from chat.admin.socket_file import folder_of_server, name_of
from chat.config import ServerConfig
from muduopy import EventLoop

log = logging.getLogger(__name__)

AUTO = "auto"
"""The value of ``server.admin_socket`` with which the server chooses the place."""


def open_admin(
    loop: EventLoop,
    config: ServerConfig,
    port: int,
    database_file: Path | None,
    context: AdminContext,
    environment: Mapping[str, str] = os.environ,
) -> AdminServer | None:
    """Bind the admin socket; None if the settings want none.

    ``database_file``: of SQLite; None for another database. Raises ConfigError; OSError if the
    socket that the settings name cannot be bound. With "auto" that is only a warning, and the
    server serves its users without the socket.
    """
    if not config.admin_socket:
        return None
    operators = Operators(os.geteuid(), config.admin_users)
    serve = AdminService(context, COMMANDS).serve
    shared = bool(config.admin_users)
    if config.admin_socket != AUTO:
        return AdminServer(loop, Path(config.admin_socket), operators, serve, shared=shared)
    path = folder_of_server(database_file, environment) / name_of(port)
    try:
        return AdminServer(loop, path, operators, serve, shared=shared)
    except OSError as exc:
        reason = exc.strerror or exc
        log.warning("no admin socket: %s: %s; chatctl needs server.admin_socket", path, reason)
        return None
