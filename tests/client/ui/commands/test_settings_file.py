from __future__ import annotations

import stat
from pathlib import Path

import pytest

from client.ui.commands.settings_file import Settings, load, save


def test_choices_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    assert load(path) == Settings()
    save(path, Settings("light", "zh", False))
    assert load(path) == Settings("light", "zh", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", ["", "nonsense", "[]", '{"theme": "pink", "language": 5, "bell": "x"}', "[" * 10_000]
)
def test_nonsense_is_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content, encoding="utf-8")
    assert load(path) == Settings()


def test_nowhere() -> None:
    save(None, Settings("light"))
    assert load(None) == Settings()
    save(Path("/dev/null/x"), Settings("light"))
    assert load(Path("/dev/null/x")) == Settings()
