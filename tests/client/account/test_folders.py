from __future__ import annotations

from pathlib import Path

import pytest

from client.account.folders import default_folder, server_folder


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_folder() == Path("/home/ann/.local/state/chatclient")
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert default_folder() == Path("/home/ann/.local/state/chatclient")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_folder() == Path("/state/chatclient")


def test_each_server_has_a_folder() -> None:
    root = Path("/root")
    assert server_folder(root, "Chat.Example", 6000) == root / "chat.example_6000"
    assert server_folder(root, "::1", 6000) == root / "__1_6000"
