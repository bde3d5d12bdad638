"""conf/chatserver@.service: when systemd starts a server again."""

from __future__ import annotations

import configparser
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent


def test_the_unit_outlives_a_database_that_is_away() -> None:
    """Five starts that fail within ten seconds are systemd's limit, if none is set."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(PROJECT / "conf" / "chatserver@.service", encoding="utf-8")
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Service"]["Restart"] == "always"
