"""LiveSettings: the settings in use, and their replacement while the server runs."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chat.app.foundation import Foundation
from chat.app.login_parts import LoginParts, login_rates
from chat.config import Config
from chat.connection.server import ChatServer
from chat.delivery.delivery import Delivery
from chat.handlers import Context
from chat.protocol import build_schema
from chat.service.service import ChatService

if TYPE_CHECKING:
    import ssl


class LiveSettings:
    """Passes new settings to the parts that can change theirs.

    Attributes:
        config: all settings in use. Any thread reads it; ``apply`` replaces it.
    """

    def __init__(
        self,
        config: Config,
        base: Foundation,
        context: Context,
        service: ChatService,
        server: ChatServer,
        delivery: Delivery,
        logins: LoginParts,
    ) -> None:
        self.config = config
        self._base = base
        self._logins = logins
        self._context = context
        self._service = service
        self._server = server
        self._delivery = delivery

    def apply(self, config: Config, tls: ssl.SSLContext | None) -> None:
        """Use new settings, as far as they change while the server runs. Main loop."""
        logging.getLogger().setLevel(config.server.log_level.upper())
        if tls is not None:
            self._server.change_tls(tls)
        self._server.change_limits(config.limits)
        self._delivery.change_limits(config.limits)
        self._context.login_limits.change(
            login_rates(config), config.limits.exempt, self._context.clock.monotonic()
        )
        self._context.login_flow.change_limits(config.limits)
        self._change_devices(config)
        self._context = replace(
            self._context, limits=config.limits, registration=config.chat.registration
        )
        schema = build_schema(config.limits, config.classic.password_min)
        self._service.change_limits(self._context, schema)
        self.config = config

    def _change_devices(self, config: Config) -> None:
        self._logins.idle_devices.change_days(config.chat.device_days)
        devices = self._logins.devices
        if devices is not None and devices.most != config.chat.devices:
            devices.change(config.chat.devices)
            self._base.workers.try_run(partial(devices.report, self._base.database))
