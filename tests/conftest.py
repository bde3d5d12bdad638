"""For all tests: the fast tier, random delays, the signals that a background script takes away."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests import tiers
from tests.delays import random_delays

TESTS = Path(__file__).parent

SLOW = {
    TESTS / place
    for place in (
        *("bench", "chaos", "cluster", "docs", "e2e", "examples", "fuzz", "web/e2e"),
        "test_running_tests.py",
        *(f"chat/bus/redis/test_{name}.py" for name in ("cluster", "failures", "redis_bus")),
        *("chat/bus/redis/test_requests.py", "chat/bus/redis/test_url.py", "chat/storage/mysql"),
        *("client/ui/commands", "client/ui/keyboard", "client/ui/test_app.py"),
    )
}
"""Tests in these places start programs (servers, builds) or the whole terminal."""

QUICK = {
    TESTS / "client/ui/commands" / f"test_{name}.py"
    for name in ("export", "settings_file", "web_browser")
} | {TESTS / "fuzz/test_frames.py"}
"""Files in SLOW that start nothing."""


TIMED = {TESTS / "muduopy/test_slow_callbacks.py"}
"""Files whose tests measure time or look at stacks. `--delays` leaves them out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="unit tests only, with fewer examples")
    parser.addoption("--delays", metavar="SEED", help="random delays in threads and servers")


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose(fast=config.getoption("fast"))
    if seed := config.getoption("delays"):
        random_delays.install(seed)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test gets the same delays alone as among others."""
    if seed := item.config.getoption("delays"):
        random_delays.choose(f"{seed} {item.nodeid}")
        os.environ.update(random_delays.environment())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """In the fast tier, leave out the files in SLOW; with delays, those in TIMED."""
    if config.getoption("delays") and collection_path in TIMED:
        return True
    if not config.getoption("fast") or collection_path.is_dir() or collection_path in QUICK:
        return None
    return True if not SLOW.isdisjoint((collection_path, *collection_path.parents)) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the fast tier, leave out the conformance tests on MySQL, which is one of their parameters.

    They start a server, too.
    """
    if not config.getoption("fast"):
        return
    config.hook.pytest_deselected(items=[item for item in items if "mysql" in item.name])
    items[:] = [item for item in items if "mysql" not in item.name]


# A shell starts background jobs with SIGINT ignored, and nohup ignores SIGHUP. Every program that
# the tests start would inherit that, and a test that ends one by such a signal would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
