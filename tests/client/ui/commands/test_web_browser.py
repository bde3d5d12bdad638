from __future__ import annotations

import sys
from pathlib import Path

import pytest

from client.ui.commands.web_browser import opener


def test_what_opens_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://a.example/;x"
    assert opener({"BROWSER": sys.executable}, url) == [sys.executable, url]
    wanted = {"BROWSER": f"{sys.executable} -m 'web %s':other"}
    assert opener(wanted, url) == [sys.executable, "-m", f"web {url}"]
    assert opener({"BROWSER": "no-such-program"}, url) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert opener({}, url) is None
    (tmp_path / "xdg-open").write_text("#!/bin/sh\n", encoding="ascii")
    (tmp_path / "xdg-open").chmod(0o755)
    assert opener({}, url) == ["xdg-open", url]
