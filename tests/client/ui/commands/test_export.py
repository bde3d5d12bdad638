from __future__ import annotations

import stat
from pathlib import Path

import pytest

from client.ui.commands.export import ExportError, as_text, to_path, write_messages
from client.ui.model.message_item import received
from tests.client.ui.uikit import in_tea, item, one


def test_a_message() -> None:
    assert as_text(received(one(1, "hello: 你好"), me=1)) == (
        "2026-11-23 18:00:00 [2] bob: hello: 你好"
    )


def test_a_message_of_several_lines_and_worse() -> None:
    message = received(in_tea(1, "one\ntwo\x1b[2J\n\u202ethree"), me=1)
    assert as_text(message) == (
        "2026-11-23 18:00:00 [2] bob: one\n    two\\x1b[2J\n    \\u202ethree"
    )
    message.time, message.time_text, message.sender = None, "now\n", "b\rob"
    assert as_text(message).startswith("now\\n [2] b\\rob: one\n")


def test_a_new_file_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    assert write_messages(path, [item(1, "a"), item(2, "b")]) == 2
    assert path.read_text("utf-8").count("\n") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(ExportError) as caught:
        write_messages(path, [item(1, "a")])
    assert caught.value.exists
    assert path.read_text("utf-8") == "precious"


@pytest.mark.parametrize("name", ["no/such/folder/x", ".", "a\0b", "x" * 300])
def test_files_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError) as caught:
        write_messages(tmp_path / name, [item(1, "a")])
    assert "\n" not in str(caught.value)


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert to_path("~/x y.txt") == Path("/home/ann/x y.txt")
    assert to_path("x.txt") == Path("x.txt")
    with pytest.raises(ExportError):
        to_path("~unknown-user/x")
