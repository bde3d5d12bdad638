from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.account.folder_lock import FILE, FolderLock, is_free
from client.errors import InUseError, StoreError


def test_one_program_at_a_time(tmp_path: Path) -> None:
    first, second = FolderLock(), FolderLock()
    assert is_free(tmp_path)
    assert not [*tmp_path.iterdir()]
    first.acquire(tmp_path)
    assert not is_free(tmp_path)
    with pytest.raises(InUseError):
        second.acquire(tmp_path)
    assert not second.is_held
    first.release()
    first.release()
    assert is_free(tmp_path)
    second.acquire(tmp_path)
    second.release()


def test_a_lock_whose_file_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program removes the file between the opening and the locking."""
    real, opened = os.open, []

    def open_and_remove(path: Path, *args: int) -> int:
        fd = real(path, *args)
        opened.append(fd)
        if len(opened) == 1:
            os.unlink(path)
        return fd

    monkeypatch.setattr(os, "open", open_and_remove)
    lock = FolderLock()
    lock.acquire(tmp_path)
    assert len(opened) == 2
    with pytest.raises(InUseError):
        FolderLock().acquire(tmp_path)
    lock.release()


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        FolderLock().acquire(tmp_path / "x")


def test_a_lock_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert not is_free(tmp_path)
