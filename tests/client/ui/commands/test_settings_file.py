from __future__ import annotations

import stat
from pathlib import Path

import pytest

from client.ui.commands.settings_file import Settings, SettingsFile


def test_settings_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    assert SettingsFile(path).load() == Settings()
    file = SettingsFile(path)
    file.change(theme="light", language="zh")
    file.change(bell=False)
    assert SettingsFile(path).load() == Settings("light", "zh", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", ["", "nonsense", "[]", '{"theme": "pink", "language": 5, "bell": "x"}', "[" * 10_000]
)
def test_a_damaged_file_gives_the_defaults(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content, encoding="utf-8")
    assert SettingsFile(path).load() == Settings()


@pytest.mark.parametrize("path", [None, Path("/dev/null/x")])
def test_settings_without_a_usable_file(path: Path | None) -> None:
    file = SettingsFile(path)
    file.change(theme="light")
    assert file.settings == Settings("light")
    assert SettingsFile(path).load() == Settings()
