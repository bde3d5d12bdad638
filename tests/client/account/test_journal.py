from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.account.journal import Journal, Record, read_private, write_private
from client.errors import StoreError
from tests.tiers import examples


def journal(path: Path, *records: Record) -> Journal:
    made = Journal(path / "j")
    made.replace(records)
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_records_survive_in_order(tmp_path: Path) -> None:
    made = journal(tmp_path, {"n": 1})
    made.append({"n": 2, "text": "你好\n\u2028\ud800"})
    made.append({"n": 3})
    assert made.records == 3
    made.close()
    made.close()
    again = Journal(made.path)
    assert again.load() == [{"n": 1}, {"n": 2, "text": "你好\n\u2028\ud800"}, {"n": 3}]
    assert len(made.path.read_bytes().splitlines()) == 3


def test_a_file_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none").load() == []


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    made = journal(tmp_path)
    assert mode(made.path) == 0o600
    made.close()
    made.path.chmod(0o644)
    made.load()
    assert mode(made.path) == 0o600


def test_replacing_leaves_no_other_file(tmp_path: Path) -> None:
    made = journal(tmp_path, {"n": 1}, {"n": 2})
    made.append({"n": 3})
    made.replace([{"n": 9}])
    made.append({"n": 10})
    made.close()
    assert Journal(made.path).load() == [{"n": 9}, {"n": 10}]
    assert os.listdir(tmp_path) == ["j"]


def test_damaged_lines_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"n":1}\n\xff\xfe\nnonsense\n[1]\n{"n":2}\n\n' + b"[" * 100_000 + b'\n{"n":')
    with caplog.at_level(logging.WARNING):
        assert Journal(path).load() == [{"n": 1}, {"n": 2}]
    assert "5 damaged lines are ignored" in caplog.text


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=5), st.data())
def test_killed_at_any_byte(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], data: st.DataObject
) -> None:
    """From any part of the file, each whole line is a record, in order."""
    path = tmp_path_factory.mktemp("j") / "j"
    whole = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    found = Journal(path).load()
    complete = whole[:cut].count(b"\n")
    assert found[:complete] == records[:complete]
    assert len(found) <= complete + 1  # only the line end of the last record may be missing


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="directory"):
        read_private(tmp_path / "folder")
    with pytest.raises(StoreError, match="No such file"):
        write_private(tmp_path / "nowhere" / "file", b"")
    with pytest.raises(StoreError):
        Journal(tmp_path / "not open").append({"n": 1})


def test_a_full_disk() -> None:
    made = Journal(Path("/dev/full"))
    made._fd = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(StoreError, match="No space left"):
        made.append({"n": 1})
    made.close()
    assert made.records == 0
