"""The cases of the Autobahn test suite, the large ones in smaller sizes."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.muduopy.netkit import eventually
from tests.muduopy.websocket.cases.case import SMALL, Case
from tests.muduopy.websocket.cases.run import CASES, LIMITS, failure_of
from tests.muduopy.websocket.websocketkit import WebSocketMaker

GROUPS = {group: list(cases) for group, cases in groupby(CASES, key=lambda case: case.group)}

COUNTS = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1,
          "12": 90, "13": 126}  # fmt: skip


def test_the_cases_are_those_of_the_suite() -> None:
    numbers = [case.number for case in CASES]
    assert len(set(numbers)) == len(numbers)
    found = {major: sum(n.split(".")[0] == major for n in numbers) for major in COUNTS}
    assert found == COUNTS


@pytest.mark.parametrize("cases", GROUPS.values(), ids=GROUPS)
def test_group(run_websockets: WebSocketMaker, cases: list[Case]) -> None:
    running = run_websockets(limits=LIMITS, deflate=True)
    failures = {
        case.number: failure for case in cases if (failure := failure_of(case, running.peer, SMALL))
    }
    assert failures == {}
    eventually(lambda: running.call(lambda: not running.server.tcp_server.connections))
