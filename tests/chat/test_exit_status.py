"""Each error that ends the server has its line and its exit status."""

from __future__ import annotations

import pytest

from chat.bus import BusRefusedError
from chat.config import ConfigError
from chat.delivery.agreed_mode import OtherModeError
from chat.exit_status import FAILED, REPORTED, WRONG_SETTINGS, report
from chat.login.lease import NameTakenError
from chat.storage import StorageError

ERRORS = [
    (ConfigError("chat.delivery: no"), "chat.delivery: no", WRONG_SETTINGS),
    (OtherModeError("b use 'direct'"), "chat.delivery: b use 'direct'", WRONG_SETTINGS),
    (NameTakenError("x"), "server.node: x; give this one another name", WRONG_SETTINGS),
    (StorageError("x"), "database: x", FAILED),
    (BusRefusedError("x {y}"), "bus: x {y}", FAILED),
    (OSError(98, "in use"), "1.2.3.4:5: in use", FAILED),
    (OSError(2, "no such file", "cert.pem"), "cert.pem: no such file", FAILED),
]


@pytest.mark.parametrize(("error", "line", "status"), ERRORS)
def test_an_error(error: Exception, line: str, status: int) -> None:
    assert isinstance(error, REPORTED)
    assert report(error, "1.2.3.4:5") == (line, status)
