"""The place of the admin socket, and the folder that is not trusted."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chat.admin.socket_file import check_folder, folder_of_server, found_in, name_of


def test_the_place() -> None:
    database = Path("data/chat.db")
    service = {"RUNTIME_DIRECTORY": "/run/chat:/run/other"}
    assert folder_of_server(database, service) == Path("/run/chat")
    assert folder_of_server(database, {}) == Path("data")
    assert folder_of_server(None, {}) == Path("var")
    assert folder_of_server(None, {"RUNTIME_DIRECTORY": ""}) == Path("var")


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    check_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    check_folder(folder)


def test_a_folder_that_all_users_may_change(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="chmod o-w"):
        check_folder(tmp_path)
    tmp_path.chmod(0o1777)  # as /tmp: no user may remove or replace files of others
    check_folder(tmp_path)


def test_only_sockets_are_found(folder: Path) -> None:
    (folder / name_of(1)).write_text("a file")
    (folder / name_of(3)).symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(folder / name_of(2)))
        assert list(found_in(folder)) == [folder / "chatserver-2.sock"]
    assert list(found_in(folder / "absent")) == []
