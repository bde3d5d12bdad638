"""The message and the exit status for each error that ends the server."""

from __future__ import annotations

from chat.bus import BusRefusedError
from chat.config import ConfigError
from chat.delivery.agreed_mode import OtherModeError
from chat.epoch import ServersRunError
from chat.login.lease import NameTakenError
from chat.storage import StorageError

STOPPED, FAILED, WRONG_SETTINGS, DRAINED = 0, 1, 2, 3
"""DRAINED: an operator has drained the server (chatctl node drain). The systemd unit names this
status, so that systemd does not start the server again."""

_REPORTS: tuple[tuple[type[Exception], int, str], ...] = (
    (ConfigError, WRONG_SETTINGS, "{}"),
    (OtherModeError, WRONG_SETTINGS, "chat.delivery: {}"),
    (NameTakenError, WRONG_SETTINGS, "server.node: {}; give this one another name"),
    (ServersRunError, FAILED, "{}"),
    (StorageError, FAILED, "database: {}"),
    (BusRefusedError, FAILED, "bus: {}"),
)

REPORTED: tuple[type[Exception], ...] = (*(error for error, _, _ in _REPORTS), OSError)
"""The errors that ``report`` knows."""


def report(error: Exception, address: object) -> tuple[str, int]:
    """A line for the administrator, and the exit status. Pure.

    ``address``: the server's, for an OSError without a file: the server cannot bind.
    """
    for kind, status, text in _REPORTS:
        if isinstance(error, kind):
            return text.format(error), status
    assert isinstance(error, OSError)
    return f"{error.filename or address}: {error.strerror}", FAILED
