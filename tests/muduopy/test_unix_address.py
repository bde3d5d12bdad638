"""Unix-domain sockets: the address, and a server that is bound to one."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from muduopy import Acceptor, Address, EventLoop, InetAddress, TcpServer, UnixAddress
from tests.muduopy.netkit import ServerMaker, echo


def test_forms() -> None:
    assert str(UnixAddress("/run/x.sock")) == "unix:/run/x.sock"
    assert str(UnixAddress("\0name")) == "unix:@name"
    assert UnixAddress("/run/x.sock").host == "/run/x.sock"
    assert UnixAddress.from_sockaddr("") == UnixAddress.from_sockaddr(None) == UnixAddress("")
    assert UnixAddress.from_sockaddr(b"\0name") == UnixAddress("\0name")
    assert UnixAddress("/tmp/ü").sockaddr == "/tmp/ü".encode()


def test_a_path_that_is_too_long_is_refused() -> None:
    UnixAddress("x" * 107)
    with pytest.raises(ValueError, match="at most 107 bytes"):
        UnixAddress("x" * 108)
    UnixAddress("\0" + "x" * 107)  # abstract: without a closing NUL
    with pytest.raises(ValueError, match="at most 108 bytes"):
        UnixAddress("\0" + "x" * 108)


@pytest.mark.parametrize("path", ["/tmp/a\0b", "a\0", "\ud800"])
def test_impossible_paths(path: str) -> None:
    with pytest.raises(ValueError):
        UnixAddress(path)


@pytest.mark.parametrize("path", [b"/tmp/x", None, Path("/tmp/x")])
def test_paths_of_other_types(path: object) -> None:
    with pytest.raises(TypeError, match="is a str"):
        UnixAddress(path)  # type: ignore[arg-type]


def test_a_name_from_the_kernel_is_an_address() -> None:
    """A program in C may bind 108 bytes without a closing NUL; Python itself may not."""
    assert UnixAddress.from_sockaddr("x" * 108).path == "x" * 108


def test_the_longest_abstract_name() -> None:
    address = UnixAddress("\0" + "x" * 107)
    with EventLoop() as loop:
        acceptor = Acceptor(loop, address)
        assert acceptor.address == address
        acceptor.close()


def test_bytes_go_both_ways_and_the_file_is_removed(
    run_server: ServerMaker, tmp_path: Path
) -> None:
    path = tmp_path / "echo.sock"
    address = UnixAddress(str(path))
    running = run_server(0, lambda server: server.set_message_callback(echo), address=address)
    client, connection = running.accept()
    assert connection.local_address == address
    assert connection.peer_address == UnixAddress("")
    connection.set_tcp_no_delay(True)  # has no effect
    connection.set_keep_alive(60, 10, 3)
    client.sendall(b"hello")
    assert client.recv(100) == b"hello"
    client.close()
    running.stop()
    assert not path.exists()


def test_a_file_left_behind_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "left.sock"))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(address.path)
    with EventLoop() as loop:
        first = Acceptor(loop, address)
        first.listen()
        with pytest.raises(OSError, match="in use"):
            Acceptor(loop, address)
        first.close()
        assert not Path(address.path).exists()


def test_another_kind_of_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    with EventLoop() as loop, pytest.raises(OSError, match="in use"):
        Acceptor(loop, UnixAddress(str(path)))
    assert path.read_text() == "precious"


def test_a_socket_that_took_our_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with EventLoop() as loop:
        acceptor = Acceptor(loop, UnixAddress(str(path)))
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            acceptor.close()
            assert path.exists()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o600), (0o077, 0o666), (0, 0o660)])
def test_the_permissions_of_the_file(tmp_path: Path, umask: int, mode: int) -> None:
    address = UnixAddress(str(tmp_path / "x.sock"))
    former = os.umask(umask)
    try:
        with EventLoop() as loop, TcpServer(loop, address, file_mode=mode):
            assert stat.S_IMODE(os.stat(address.path).st_mode) == mode
    finally:
        os.umask(former)


@pytest.mark.parametrize("address", [InetAddress.loopback(0), UnixAddress("\0muduopy")])
def test_only_a_file_has_permissions(address: Address) -> None:
    with EventLoop() as loop, pytest.raises(ValueError, match="has no file"):
        Acceptor(loop, address, file_mode=0o600)
