from __future__ import annotations

import sys
from pathlib import Path

import pytest

from client.ui.commands.web_browser import browser_command


def test_browser_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://a.example/;x"
    assert browser_command({"BROWSER": sys.executable}, url) == [sys.executable, url]
    wanted = {"BROWSER": f"{sys.executable} -m 'web %s':other"}
    assert browser_command(wanted, url) == [sys.executable, "-m", f"web {url}"]
    assert browser_command({"BROWSER": "no-such-program"}, url) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser_command({}, url) is None
    (tmp_path / "xdg-open").write_text("#!/bin/sh\n", encoding="ascii")
    (tmp_path / "xdg-open").chmod(0o755)
    assert browser_command({}, url) == ["xdg-open", url]
