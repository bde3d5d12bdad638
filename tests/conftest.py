"""For all tests: the signals that a script in the background takes away; the fast tier."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests import tiers

TESTS = Path(__file__).parent

SLOW = {
    TESTS / place
    for place in (
        *("bench", "chaos", "cluster", "docs", "e2e", "examples", "test_running_tests.py"),
        *("chat/bus/redis", "chat/storage/mysql"),
        *("client/ui/commands", "client/ui/keyboard", "client/ui/test_app.py"),
    )
}
"""Tests in these places start programs (servers, builds) or the whole terminal."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="unit tests only, with fewer examples")


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose(fast=config.getoption("fast"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the fast tier, leave out the tests in SLOW, and the conformance tests on MySQL."""
    if not config.getoption("fast"):
        return
    slow = [item for item in items if is_slow(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if not is_slow(item)]


def is_slow(item: pytest.Item) -> bool:
    """Does the test start programs? Conformance tests have the back end among their parameters."""
    return not SLOW.isdisjoint((item.path, *item.path.parents)) or "mysql" in item.name


# A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Every program that
# the tests start would inherit that, and a test that ends one by such a signal would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
