"""LoginParts: the parts that log users in and out, and know where they are."""

from __future__ import annotations

from dataclasses import dataclass

from chat.app.foundation import Foundation
from chat.config import Config, ConfigError, HashCost
from chat.delivery.delivery import STORED
from chat.limits.networks import Exempt
from chat.login.authentication import Authentication
from chat.login.device_notices import DeviceNotices
from chat.login.device_switch import DeviceSwitch
from chat.login.devices import Devices
from chat.login.friend_notices import FriendNotices
from chat.login.idle_devices import IdleDevices
from chat.login.lease import Lease
from chat.login.login_costs import LoginCosts
from chat.login.login_flow import LoginFlow
from chat.login.login_limits import LoginLimits, LoginRates
from chat.login.passwords import Passwords
from chat.login.presence import Presence
from chat.login.presence_feed import PresenceFeed
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.login.user_notices import UserNotices
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import Mailbox

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LoginParts:
    """The parts of chat/login, by their names, and the mailboxes.

    Attributes:
        notices: takes the notices of other servers about users.
        device_notices: tells devices about each other.
        devices: None: a user has one device (``direct``).
    """

    registry: LoginRegistry
    visibility: Visibility
    friend_notices: FriendNotices
    presence: Presence
    reconciliation: Reconciliation
    notices: UserNotices
    device_notices: DeviceNotices
    passwords: Passwords
    limits: LoginLimits
    authentication: Authentication
    mailbox: Mailbox
    flow: LoginFlow
    devices: Devices | None
    idle_devices: IdleDevices


def build_logins(config: Config, base: Foundation, lease: Lease | None) -> LoginParts:
    """``lease``: None where no other server can use the database. Raises ConfigError."""
    database, bus, workers, clock = base.database, base.bus, base.workers, base.clock
    registry, visibility = LoginRegistry(), Visibility(config.chat.presence)
    mailbox = Mailbox(database, workers)
    feed = PresenceFeed(base.loop, database, bus, registry, workers, visibility)
    friend_notices = FriendNotices(database, bus, registry, workers, clock, visibility)
    replaces = config.chat.on_duplicate_login == "replace"
    presence = Presence(database, registry, workers, feed, base.node, lease, replace=replaces)
    reconciliation = Reconciliation(database, bus, registry, workers, feed, presence, lease)
    device_notices = DeviceNotices(database, bus, registry, workers)
    devices = None
    if config.chat.delivery == STORED:
        switch = DeviceSwitch(database, lease, allowed=config.chat.devices > 1)
        devices = Devices(switch, device_notices, reconciliation.rows_changed, config.chat.devices)
    passwords = new_passwords(config.password)
    exempt = Exempt(config.limits.exempt, loopback=not config.server.proxy_protocol)
    limits = LoginLimits(login_rates(config), exempt)
    approve = approves_friends(config)
    return LoginParts(
        registry=registry,
        visibility=visibility,
        friend_notices=friend_notices,
        presence=presence,
        reconciliation=reconciliation,
        device_notices=device_notices,
        notices=UserNotices(registry, reconciliation, feed, friend_notices, device_notices),
        passwords=passwords,
        limits=limits,
        authentication=Authentication(database, passwords, limits, clock, token_seconds(config)),
        mailbox=mailbox,
        devices=devices,
        idle_devices=IdleDevices(database, clock, device_notices, config.chat.device_days),
        flow=LoginFlow(
            database,
            bus,
            registry,
            mailbox,
            presence,
            clock,
            visibility,
            lists_requests=approve,
            costs=LoginCosts(config.limits, limits.share_key),
            devices=devices,
        ),
    )


def new_passwords(cost: HashCost) -> Passwords:
    """Raises ConfigError for an impossible cost."""
    try:
        return Passwords(cost)
    except ValueError as exc:
        raise ConfigError(f"password: {exc}") from exc


def login_rates(config: Config) -> LoginRates:
    """The limits of logins and registrations in the settings."""
    return LoginRates(
        config.chat.login_failures,
        config.chat.login_failure_window,
        config.limits.failures_of_network,
        config.limits.failures_of_account,
        config.limits.registrations_of_network,
    )


def token_seconds(config: Config) -> int:
    """The life of a saved login, in seconds."""
    return config.chat.token_days * SECONDS_PER_DAY


def approves_friends(config: Config) -> bool:
    """Whether a user becomes a friend only when it agrees."""
    return config.chat.friend_requests == "approve"
