"""The tables of a server: the installed ones, and files of the operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat.config import ClassicConfig, ConfigError
from chat.dialect_files import load_dialects
from chat.protocol.dialects import TUTORIAL

DEFAULT = ClassicConfig().dialects


def test_the_default_is_all_that_is_shipped() -> None:
    dialects = load_dialects(DEFAULT)
    assert tuple(table.name for table in dialects.used) == DEFAULT
    assert dialects.used[0] is TUTORIAL
    assert dialects.by_name == dialects.used


def test_those_that_are_not_used_are_known_all_the_same() -> None:
    dialects = load_dialects(["reg3", "tutorial"])
    assert [table.name for table in dialects.used] == ["reg3", "tutorial"]
    assert [table.name for table in dialects.by_name[:3]] == ["reg3", "tutorial", "thousand"]
    assert {table.name for table in dialects.by_name} == set(DEFAULT)
    assert dialects.named("ack5").name == "ack5"


def test_a_file_of_one_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ninth.toml").write_text("[numbers]\nlogin = 100\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("ninth.toml", "./ninth.toml", str(tmp_path / "ninth.toml")):
        [table] = load_dialects([name]).used
        assert (table.name, table.requests[100]) == ("ninth", 1)
    assert load_dialects(["tutorial"]).named("ninth.toml").name == "ninth"


def test_a_file_in_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "reg3.toml"
    path.write_text("[numbers]\nlogin = 100\n", encoding="utf-8")
    dialects = load_dialects(["tutorial", str(path)])
    assert dialects.named("reg3") is dialects.used[1]
    assert len([table for table in dialects.by_name if table.name == "reg3"]) == 1


def refused(*names: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_dialects(names)
    return str(raised.value)


def test_mistakes(tmp_path: Path) -> None:
    assert refused() == 'classic.dialects: is empty; ["tutorial"] is the least'
    assert refused("reg3", "reg3") == "classic.dialects: reg3 is there twice"
    assert refused("reg4").startswith("no dialect 'reg4'; there are tutorial, ack5, errnum, ")
    missing = tmp_path / "missing.toml"
    assert refused(str(missing)) == f"{missing}: No such file or directory"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[numbers]\nchat = 7\n", encoding="utf-8")
    assert refused(str(wrong)) == f"{wrong}: numbers: 7 is given twice, to chat and add_friend"
    wrong.write_bytes(b"\xff")
    assert refused(str(wrong)) == f"{wrong}: not UTF-8"
