"""conf/chatserver@.service: when systemd starts a server again."""

from __future__ import annotations

import configparser
from pathlib import Path

from chat.exit_status import DRAINED

PROJECT = Path(__file__).parent.parent.parent


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.read(PROJECT / "conf" / "chatserver@.service", encoding="utf-8")
    return found


def test_a_drained_server_stays_down() -> None:
    service = unit()["Service"]
    assert service["RestartPreventExitStatus"] == service["SuccessExitStatus"] == str(DRAINED)


def test_the_unit_outlives_a_database_that_is_away() -> None:
    """Five starts that fail within ten seconds are systemd's limit, if none is set."""
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit()["Service"]["Restart"] == "always"
