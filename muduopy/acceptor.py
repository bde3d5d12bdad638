"""Acceptor: the listening socket of one server."""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import time
from collections.abc import Callable

from muduopy.address import Address, address_of, check_address
from muduopy.channel import Channel
from muduopy.event_loop import EventLoop
from muduopy.unix_address import UnixAddress

log = logging.getLogger(__name__)

ACCEPTS_PER_EVENT = 64
ACCEPT_SECONDS = 0.001
"""The most connections that one pass accepts, and the time after which it accepts no more, so that
the established ones get their turn."""

PAUSE_SECONDS = 0.00005
"""Sleep after such a pass. Without it the loop takes the interpreter's lock back as soon as it has
released it, and other threads get it every 5 ms only."""

_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
RETRY_SECONDS = 0.1
"""The pause before the next accept, when the process has no descriptor left, not even the spare."""


class Acceptor:
    """Accepts connections and hands their sockets to ``new_connection_callback``.

    A pending connection keeps the listening socket readable, so the loop would spin if the process
    had no descriptor left to accept it. Therefore the acceptor keeps a spare descriptor. It closes
    the spare, accepts the connection, closes the connection, and opens the spare again. The client
    sees end-of-file.

    Loop thread only. Raises OSError when the address cannot be bound. That includes an address
    that another program, or another Acceptor, has bound without listening yet. Raises ValueError
    for a ``file_mode`` with an address that is no path.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        *,
        reuse_port: bool = False,
        file_mode: int | None = None,
    ) -> None:
        """``file_mode``: the permissions of a Unix socket's file; without it, the umask decides."""
        check_address(address)
        if file_mode is not None and (not isinstance(address, UnixAddress) or address.abstract):
            raise ValueError(f"file_mode: {address} has no file")
        self._loop = loop
        self._socket = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            if file_mode is not None:
                # The kernel gives the file the mode of the socket, less the umask. So no other
                # user can connect between ``bind`` and ``chmod``.
                os.fchmod(self._socket.fileno(), file_mode)
            if reuse_port:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.setblocking(False)
            _bind(self._socket, address)
            if file_mode is not None:
                os.chmod(address.host, file_mode)
        except OSError as exc:
            self._socket.close()
            exc.filename = str(address)  # shown in its text
            raise
        self.address = address_of(self._socket.getsockname())
        self._file = _identity(self.address)
        self.new_connection_callback: Callable[[socket.socket, Address], object] = _refuse
        self._spare = _open_spare()
        self._channel = Channel(loop, self._socket.fileno())
        self._channel.read_callback = self._accept
        self._closed = False

    def set_socket_option(self, level: int, option: int, value: int | bytes) -> None:
        """``setsockopt`` on the listening socket. Raises OSError."""
        self._socket.setsockopt(level, option, value)

    def listen(self) -> None:
        """Begin to accept. Raises OSError."""
        self._loop.assert_in_loop_thread()
        # The connections inherit it, so the port can be bound while they are in TIME_WAIT.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.listen(socket.SOMAXCONN)
        self._channel.enable_reading()

    def close(self) -> None:
        """Stop accepting and release the port; idempotent."""
        self._loop.assert_in_loop_thread()
        if self._closed:
            return
        self._closed = True
        self._channel.disable_all()
        if self._file is not None and _identity(self.address) == self._file:
            os.unlink(self.address.host)  # the file is still ours: no other server replaced it
        self._socket.close()
        self._close_spare()

    def _accept(self) -> None:
        end = time.monotonic() + ACCEPT_SECONDS
        for _ in range(ACCEPTS_PER_EVENT):
            if self._closed:  # the callback closed it
                return
            try:
                sock, peer = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno in _OUT_OF_FILES:
                    self._turn_one_away(exc)
                    return
                # The connection was reset before it was accepted. The next one may be fine.
                log.info("accept: %s", exc)
                continue
            sock.setblocking(False)
            try:
                self.new_connection_callback(sock, address_of(peer))
            except BaseException as exc:  # noqa: BLE001 - contained
                self._loop.contain(exc, "new-connection callback raised")
                sock.close()
            if time.monotonic() > end:
                break
        time.sleep(PAUSE_SECONDS)

    def _turn_one_away(self, reason: OSError) -> None:
        log.error("accept: %s; turning the connection away", reason.strerror)
        self._close_spare()
        try:
            sock, _ = self._socket.accept()
            sock.close()
        except OSError:
            pass  # another thread took the freed descriptor first
        self._spare = _open_spare()
        if self._spare < 0:
            # There is no spare descriptor, so pause instead of spinning.
            self._channel.disable_reading()
            self._loop.run_after(RETRY_SECONDS, self._resume)

    def _close_spare(self) -> None:
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1

    def _resume(self) -> None:
        if not self._closed:
            self._channel.enable_reading()


def _refuse(sock: socket.socket, peer: Address) -> None:
    sock.close()


def _open_spare() -> int:
    """Open the spare descriptor; -1 if the process has none left."""
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _bind(sock: socket.socket, address: Address) -> None:
    try:
        sock.bind(address.sockaddr)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        if isinstance(address, UnixAddress):
            if not _is_left_behind(address):
                raise
            os.unlink(address.host)
            sock.bind(address.sockaddr)
        else:
            _bind_beside_old_connections(sock, address)
    if isinstance(address, UnixAddress):
        # Listen at once: a file without a listener looks like that of a killed server. Clients
        # that connect before ``start`` wait.
        sock.listen(socket.SOMAXCONN)


def _bind_beside_old_connections(sock: socket.socket, address: Address) -> None:
    """Bind a port on which connections of a former server are in TIME_WAIT.

    SO_REUSEADDR allows that. But Linux lets two sockets with this option bind the same port as
    long as neither listens, and the second server would fail only in ``listen``. So the option is
    set for this one call, and is off while the socket is bound and does not listen.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address.sockaddr)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


def _is_left_behind(address: Address) -> bool:
    """Whether the path is the file of a Unix socket without a listener."""
    if _identity(address) is None:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(address.sockaddr) == errno.ECONNREFUSED


def _identity(address: Address) -> tuple[int, int] | None:
    """Device and inode of a Unix socket's file; None if the address has no such file."""
    if not isinstance(address, UnixAddress) or address.abstract:
        return None
    try:
        found = os.lstat(address.path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None
