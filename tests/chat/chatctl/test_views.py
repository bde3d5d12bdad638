"""The results of commands, as lines for people."""

from __future__ import annotations

from typing import Any

import pytest

from chat.chatctl import views
from chat.chatctl.views import Result, View

ROW = {"peer": "::1", "owner": "user 1", "cost": 4, "received": 2048, "sent": 0}


@pytest.mark.parametrize(
    ("view", "result", "last"),
    [
        (views.sessions, {"login": None, "tokens": []}, "0 tokens"),
        (views.dissolved, {"id": 1, "members": 1}, "group 1 is dissolved; it had 1 member"),
        (views.dissolved, {"id": 1, "members": 2}, "group 1 is dissolved; it had 2 members"),
        (
            views.banned,
            {"network": "192.0.2.1/32", "expires": 0},
            "192.0.2.1/32 is banned for ever",
        ),
    ],
)
def test_last_lines(view: View, result: Result, last: str) -> None:
    assert view(result)[-1] == last


def test_one_token() -> None:
    lines = views.sessions({"login": None, "tokens": [1]})
    assert lines[:2] == ["not logged in", "1 token"]


def test_the_devices_of_a_user() -> None:
    devices = [
        {"deviceid": 0, "label": "", "used": 1, "node": None},
        {"deviceid": 3, "label": "my phone", "used": 1, "node": "n1"},
    ]
    lines = views.sessions({"login": None, "tokens": [], "devices": devices})
    assert lines == [
        "device 0 (older clients): offline, last login 1970-01-01 00:00:01",
        "device 3 (my phone): at n1, last login 1970-01-01 00:00:01",
        "0 tokens",
    ]


def test_the_busiest_connections() -> None:
    lines = views.top({"connections": [ROW], "seconds": 2, "all": 1})
    assert lines == [
        "address  user    frames/s  KiB/s in  KiB/s out",
        "::1      user 1       2.0       1.0        0.0",
        "(1 connection; a frame of 5 KiB counts as 6 frames)",
    ]


def test_limits_are_aligned_although_a_list_is_empty() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "limits.exempt", "value": None, "use": None},
        {"name": "limits.joins", "value": 200, "use": None},
    ]
    assert views.limits({"limits": rows}) == [
        "limit          value  highest use",
        "limits.exempt      -            -",
        "limits.joins     200            -",
    ]


def test_a_drained_server() -> None:
    assert views.drained({"node": "a", "here": True}) == ["a drains now, and then ends"]
    assert "stop it where it runs" in views.drained({"node": "a", "here": False})[1]


@pytest.mark.parametrize(
    ("registration", "last"),
    [
        ("invitation", "until  never"),
        ("open", "(users need no code: chat.registration is open)"),
        ("closed", "(no user can register: set chat.registration to invitation)"),
    ],
)
def test_a_code_that_is_of_no_use_yet(registration: str, last: str) -> None:
    made = {"code": "a-b", "uses": 1, "expires": 0, "registration": registration}
    assert views.invitation(made)[-1] == last
