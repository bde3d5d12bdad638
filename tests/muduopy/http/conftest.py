"""Fixtures for the HTTP server's tests, beside those of tests/muduopy/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from muduopy.http import HttpCallback
from tests.muduopy.http.httpkit import HttpMaker, RunningHttp


@pytest.fixture
def run_http(no_leaks: None) -> Iterator[HttpMaker]:
    """Start servers: ``run_http(callback, threads, **options of RunningHttp)``."""
    servers: list[RunningHttp] = []

    def make(callback: HttpCallback | None = None, threads: int = 0, **options: Any) -> RunningHttp:
        servers.append(RunningHttp(callback, threads, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
