"""Builds the parts for the operator: commands, and the regular jobs on the database."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chat.admin.audit import delete_old_changes
from chat.admin.ban_list import READ_SECONDS as BANS_SECONDS
from chat.admin.ban_list import BanList
from chat.admin.context import AdminContext
from chat.admin.opening import open_admin
from chat.admin.server import AdminServer
from chat.app.foundation import Foundation
from chat.app.live_settings import LiveSettings
from chat.app.login_parts import LoginParts, token_seconds
from chat.backends import sqlite_file
from chat.config import Config
from chat.connection.server import ChatServer
from chat.delivery.delivery import Delivery
from chat.login.idle_devices import PASS_SECONDS as IDLE_SECONDS
from chat.login.lease import Lease
from chat.maintenance.maintenance import Maintenance
from chat.maintenance.retention import Retention
from chat.reloading import Reloading
from chat.search.indexer import EVERY_SECONDS as INDEX_SECONDS
from chat.search.indexer import Indexer
from muduopy import InetAddress

RETENTION_SECONDS = 60.0
"""Between two looks whether a pass of the retention is due."""

AUDIT_SECONDS = 3600.0
"""Between two deletions of old changes from the audit log."""


def build_maintenance(
    config: Config, base: Foundation, logins: LoginParts, ban_list: BanList
) -> Maintenance:
    """The regular jobs."""
    maintenance = Maintenance(base.database, base.clock, token_seconds(config))
    days = config.chat.retention_days
    if days:
        retention = Retention(base.database, base.clock, days, base.loop, base.workers)
        maintenance.every(RETENTION_SECONDS, retention.begin)
    if config.server.audit_days:
        old = partial(delete_old_changes, base.database, base.clock, config.server.audit_days)
        maintenance.every(AUDIT_SECONDS, old)
    if config.chat.search:
        maintenance.every(INDEX_SECONDS, Indexer(base.database, base.clock).work)
    maintenance.every(IDLE_SECONDS, logins.idle_devices.end_idle)
    maintenance.every(BANS_SECONDS, ban_list.read)
    return maintenance


def build_admin_context(
    settings: LiveSettings,
    read: Callable[[], Config],
    base: Foundation,
    logins: LoginParts,
    delivery: Delivery,
    server: ChatServer,
    lease: Lease | None,
    ban_list: BanList,
    drain: Callable[[], object],
) -> AdminContext:
    """The parts that commands use. ``read`` returns the settings for a reload."""
    return AdminContext(
        database=base.database,
        logins=logins.registry,
        passwords=logins.passwords,
        delivery=delivery,
        reconciliation=logins.reconciliation,
        server=server,
        clock=base.clock,
        node=base.node,
        lease=lease,
        drain=drain,
        ban_list=ban_list,
        reloading=Reloading(base.loop, settings.config, read, settings.apply),
    )


def bind_admin(
    config: Config, base: Foundation, server: ChatServer, context: AdminContext
) -> AdminServer | None:
    """The socket for operators, if the settings want one. Raises ConfigError, OSError."""
    assert isinstance(server.address, InetAddress)
    file = sqlite_file(config.database.url)
    return open_admin(base.loop, config.server, server.address.port, file, context)
