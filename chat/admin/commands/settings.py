"""Commands on settings of the running server: worker thread."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from chat.admin.audit import write_audited
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.config import ConfigError
from chat.reloading import Reloaded
from chat.storage import StorageError

log = logging.getLogger(__name__)

LEVELS = ("debug", "info", "warning", "error")


def reload_settings(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Read the settings and the bans again."""
    try:
        done = ctx.reloading.reload()
    except ConfigError as exc:
        raise AdminError(f"nothing was changed: {exc}") from exc
    _record(ctx, request, done)
    return dataclasses.asdict(done)


def reload_by_signal(ctx: AdminContext) -> None:
    """The same after SIGHUP; a mistake in the file is logged."""
    try:
        reload_settings(ctx, AdminRequest("reload", {}, "SIGHUP"))
    except AdminError as exc:
        log.error("SIGHUP: %s", exc)


def set_log_level(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Log more or less, until the next reload or start. Argument: level."""
    level = request.text("level")
    if level not in LEVELS:
        raise AdminError(f"level: must be one of {', '.join(LEVELS)}")
    write_audited(ctx, request, lambda tx: None, f"node {ctx.node}", level)
    logging.getLogger().setLevel(level.upper())
    return {"level": level}


def _record(ctx: AdminContext, request: AdminRequest, done: Reloaded) -> None:
    # The settings have changed already: an error of the database must not deny that.
    try:
        ctx.ban_list.read()
        write_audited(ctx, request, lambda tx: None, f"node {ctx.node}", str(done))
    except StorageError as exc:
        log.warning("settings reloaded (%s), but not recorded: %s", done, exc)
