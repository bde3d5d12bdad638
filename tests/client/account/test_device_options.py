from __future__ import annotations

import socket
import sys

import pytest

from chat.protocol.names import plain_name
from client.account.device_options import LONGEST_LABEL, default_label


@pytest.mark.parametrize(
    ("program", "host", "label"),
    [
        ("/usr/bin/chatclient", "laptop.example", "chatclient@laptop"),
        ("bot.py", "laptop", "bot@laptop"),
        ("-c", "laptop", "python@laptop"),
        ("/usr/lib/chat/__main__.py", "laptop", "python@laptop"),
        ("機器人.py", "my host", "unknown@my_host"),
        ("x" * 99, "y" * 99, f"{'x' * 30}@{'y' * 30}"),
        ("", "", "python@unknown"),
    ],
)
def test_the_label_is_one_that_the_server_takes(
    monkeypatch: pytest.MonkeyPatch, program: str, host: str, label: str
) -> None:
    monkeypatch.setattr(sys, "argv", [program] if program else [])
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert default_label() == label
    assert plain_name(LONGEST_LABEL)(label) is None
