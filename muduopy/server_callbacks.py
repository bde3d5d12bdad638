"""ServerCallbacks: the callbacks of a server, and the methods that set them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from muduopy.callbacks import (
    AdmissionCallback,
    ConnectionCallback,
    ContextT,
    EarlyEndCallback,
    MessageCallback,
    NamingCallback,
    ThreadInitCallback,
    WaterMarkCallback,
    WriteCompleteCallback,
    discard_message,
    ignore_connection,
)
from muduopy.checks import check_callback, check_mark
from muduopy.errors import StateError
from muduopy.socket_transport import HIGH_WATER_MARK


class ServerCallbacks(Generic[ContextT]):
    """The set-up methods of TcpServer. Before ``start``, in the thread that makes the server."""

    def __init__(self) -> None:
        self._started = False
        self._thread_init: ThreadInitCallback | None = None
        self._admission_callback: AdmissionCallback | None = None
        self._early_end_callback: EarlyEndCallback | None = None
        self._naming_callback: NamingCallback | None = None
        self._connection_callback: ConnectionCallback[ContextT] = ignore_connection
        self._departure_callback: ConnectionCallback[ContextT] = ignore_connection
        self._message_callback: MessageCallback[ContextT] = discard_message
        self._write_complete_callback: WriteCompleteCallback[ContextT] | None = None
        self._high_water: tuple[WaterMarkCallback[ContextT], int] | None = None
        self._low_water: tuple[WaterMarkCallback[ContextT], int] | None = None

    def check_not_started(self, method: str) -> None:
        """Raise StateError if the server has started, which is too late for set-up methods."""
        if self._started:
            raise StateError(f"{method}() on {self!r}, which has started: call it before start()")

    def set_thread_init_callback(self, callback: ThreadInitCallback) -> None:
        """Runs in each sub-loop's thread before its loop does. Before start.

        This and the other set-up methods raise StateError after start, and TypeError unless the
        callback is a function, also for ``async def`` functions.
        """
        self._set_up("set_thread_init_callback", callback)
        self._thread_init = callback

    def set_connection_callback(self, callback: ConnectionCallback[ContextT]) -> None:
        """For UP and DOWN of each connection. Before start."""
        self._set_up("set_connection_callback", callback)
        self._connection_callback = callback

    def set_admission_callback(self, callback: AdmissionCallback) -> None:
        """Decides on each accepted connection, by the peer's address. Before start.

        The callback returns None to admit the peer, or bytes to refuse it. The bytes are sent, and
        the connection is closed. With TLS they are not sent, as the peer expects a handshake. It
        runs in the base loop's thread, before anything is allocated for the connection.
        """
        self._set_up("set_admission_callback", callback)
        self._admission_callback = callback

    def set_early_end_callback(self, callback: EarlyEndCallback) -> None:
        """Decides on peers that have closed by the time of their accept. Before start.

        The callback gets all bytes that such a peer has sent, fewer than 128, and returns whether
        they need no answer. Then the peer is closed at once, as with ``peer_speaks_first``, which
        it needs. It runs in the base loop's thread, on Linux only.
        """
        self._set_up("set_early_end_callback", callback)
        self._early_end_callback = callback

    def set_naming_callback(self, callback: NamingCallback) -> None:
        """Chooses the ``log_name`` of each admitted connection. Before start.

        The callback gets the peer's address. So the library's lines about a TLS handshake have your
        name, too. It runs in the base loop's thread.
        """
        self._set_up("set_naming_callback", callback)
        self._naming_callback = callback

    def set_departure_callback(self, callback: ConnectionCallback[ContextT]) -> None:
        """For the end of each admitted connection, after DOWN. Before start.

        It also runs for connections that were never up, because their TLS handshake has failed;
        ``connection.was_up`` tells which. Base loop's thread.
        """
        self._set_up("set_departure_callback", callback)
        self._departure_callback = callback

    def set_message_callback(self, callback: MessageCallback[ContextT]) -> None:
        """For arriving bytes. Before start."""
        self._set_up("set_message_callback", callback)
        self._message_callback = callback

    def set_write_complete_callback(self, callback: WriteCompleteCallback[ContextT]) -> None:
        """For output that the kernel has taken completely. Before start."""
        self._set_up("set_write_complete_callback", callback)
        self._write_complete_callback = callback

    def set_high_water_callback(
        self, callback: WaterMarkCallback[ContextT], mark: int = HIGH_WATER_MARK
    ) -> None:
        """For waiting output that has risen to ``mark`` bytes. Before start."""
        self._set_up("set_high_water_callback", callback)
        check_mark(mark)
        self._high_water = (callback, mark)

    def set_low_water_callback(self, callback: WaterMarkCallback[ContextT], mark: int = 0) -> None:
        """For waiting output that has fallen to ``mark`` bytes. Before start."""
        self._set_up("set_low_water_callback", callback)
        check_mark(mark)
        self._low_water = (callback, mark)

    def _set_up(self, method: str, callback: Callable[..., object]) -> None:
        self.check_not_started(method)
        check_callback(callback, f"{method}()'s callback")
