"""Builds the way of a request: delivery, the context of the handlers, the service, the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chat.app.foundation import Foundation
from chat.app.login_parts import LoginParts, approves_friends
from chat.config import Config
from chat.connection.server import ChatServer, HttpFront
from chat.delivery.delivery import Delivery
from chat.dialect_files import Dialects
from chat.handlers import ROUTES, Context
from chat.listeners import Listener
from chat.names.lookalikes import Lookalikes
from chat.protocol import build_schema
from chat.service.request_workers import RequestWorkers
from chat.service.service import ChatService
from muduopy import InetAddress

if TYPE_CHECKING:
    import ssl


def build_delivery(config: Config, base: Foundation, logins: LoginParts) -> Delivery:
    """The delivery of messages, in the mode of the settings."""
    return Delivery(
        base.database,
        base.bus,
        logins.registry,
        base.workers,
        config.chat.delivery,
        logins.notices.heard,
        config.limits,
    )


def build_context(
    config: Config, base: Foundation, logins: LoginParts, delivery: Delivery
) -> Context:
    """The parts that handlers use."""
    return Context(
        database=base.database,
        bus=base.bus,
        logins=logins.registry,
        delivery=delivery,
        authentication=logins.authentication,
        login_flow=logins.flow,
        reconciliation=logins.reconciliation,
        login_limits=logins.limits,
        lookalikes=Lookalikes(base.database),
        passwords=logins.passwords,
        clock=base.clock,
        node=base.node,
        heartbeat=config.server.heartbeat,
        registration=config.chat.registration,
        visibility=logins.visibility,
        friend_notices=logins.friend_notices,
        approve_friends=approves_friends(config),
        group_join=config.chat.group_join,
        directory=config.chat.directory,
        search=config.chat.search,
        limits=config.limits,
        classic=config.classic,
    )


def build_service(
    config: Config, base: Foundation, context: Context, dialects: Dialects
) -> ChatService:
    """The way from frames to handlers."""
    schema = build_schema(config.limits, config.classic.password_min)
    workers = RequestWorkers(base.workers, base.hashers, base.clock)
    return ChatService(context, ROUTES, schema, workers, dialects.by_name)


def bind_server(
    config: Config,
    base: Foundation,
    service: ChatService,
    dialects: Dialects,
    tls: ssl.SSLContext | None,
    address: InetAddress,
    also: Sequence[Listener],
    front: HttpFront | None,
) -> ChatServer:
    """The server, bound to all its addresses. Raises OSError, ConfigError.

    ``front`` serves HTTP on them; None: HTTP is refused.
    """
    return ChatServer(
        base.loop,
        address,
        config.server,
        config.classic,
        service,
        config.limits,
        tls,
        dialects.used,
        [
            (other.address, dialects.named(other.dialect) if other.dialect else None)
            for other in also
        ],
        front,
    )
