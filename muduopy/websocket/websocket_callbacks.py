"""WebSocketCallbacks: the callbacks of WebSockets, and the methods that set them.

All run in the connection's loop. A callback that raises is logged, and its WebSocket is closed with
1011.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeAlias

from muduopy.callbacks import ContextT
from muduopy.checks import check_callback, check_mark
from muduopy.socket_transport import HIGH_WATER_MARK
from muduopy.websocket.close_code import CloseCode

if TYPE_CHECKING:
    from muduopy.websocket.websocket_connection import WebSocketConnection

WebSocketCallback: TypeAlias = "Callable[[WebSocketConnection[ContextT]], object]"
"""The WebSocket came up or went down; ``connected`` tells which."""

TextCallback: TypeAlias = "Callable[[WebSocketConnection[ContextT], str, float], object]"
"""A text message arrived: (WebSocket, text, time of arrival in seconds of time.monotonic)."""

BinaryCallback: TypeAlias = "Callable[[WebSocketConnection[ContextT], bytes, float], object]"
"""A binary message, or the payload of a Pong, arrived: (WebSocket, bytes, time of arrival)."""

WebSocketWaterMarkCallback: TypeAlias = "Callable[[WebSocketConnection[ContextT], int], object]"
"""The waiting output crossed a water mark: (WebSocket, bytes now waiting)."""


def ignore_websocket(websocket: WebSocketConnection[ContextT]) -> None:
    """The default connection callback."""


def refuse_text(websocket: WebSocketConnection[ContextT], text: str, when: float) -> None:
    """The default text callback."""
    websocket.close(CloseCode.UNSUPPORTED_DATA, "no text messages here")


def refuse_binary(websocket: WebSocketConnection[ContextT], data: bytes, when: float) -> None:
    """The default binary callback."""
    websocket.close(CloseCode.UNSUPPORTED_DATA, "no binary messages here")


class WebSocketCallbacks(Generic[ContextT]):
    """The set-up methods that servers, endpoints and clients share.

    Before ``start``, ``accept`` or ``connect``. Each raises TypeError unless its callback is a
    function, also for ``async def`` functions.
    """

    def __init__(self) -> None:
        self._connection_callback: WebSocketCallback[ContextT] = ignore_websocket
        self._text_callback: TextCallback[ContextT] = refuse_text
        self._binary_callback: BinaryCallback[ContextT] = refuse_binary
        self._pong_callback: BinaryCallback[ContextT] | None = None
        self._write_complete_callback: WebSocketCallback[ContextT] | None = None
        self._high_water: tuple[WebSocketWaterMarkCallback[ContextT], int] | None = None
        self._low_water: tuple[WebSocketWaterMarkCallback[ContextT], int] | None = None

    def set_connection_callback(self, callback: WebSocketCallback[ContextT]) -> None:
        """For UP, after the opening handshake, and DOWN, when the TCP connection is down."""
        self._set_up("set_connection_callback", callback)
        self._connection_callback = callback

    def set_text_callback(self, callback: TextCallback[ContextT]) -> None:
        """For text messages. Without it, a text message closes with 1003."""
        self._set_up("set_text_callback", callback)
        self._text_callback = callback

    def set_binary_callback(self, callback: BinaryCallback[ContextT]) -> None:
        """For binary messages. Without it, a binary message closes with 1003."""
        self._set_up("set_binary_callback", callback)
        self._binary_callback = callback

    def set_pong_callback(self, callback: BinaryCallback[ContextT]) -> None:
        """For Pongs, with their payload. Pings are answered without a callback."""
        self._set_up("set_pong_callback", callback)
        self._pong_callback = callback

    def set_write_complete_callback(self, callback: WebSocketCallback[ContextT]) -> None:
        """For output that the kernel has taken completely."""
        self._set_up("set_write_complete_callback", callback)
        self._write_complete_callback = callback

    def set_high_water_callback(
        self, callback: WebSocketWaterMarkCallback[ContextT], mark: int = HIGH_WATER_MARK
    ) -> None:
        """For waiting output that has risen to ``mark`` bytes. Raises ValueError below 0."""
        self._set_up("set_high_water_callback", callback)
        check_mark(mark)
        self._high_water = (callback, mark)

    def set_low_water_callback(
        self, callback: WebSocketWaterMarkCallback[ContextT], mark: int = 0
    ) -> None:
        """For waiting output that has fallen to ``mark`` bytes. Raises ValueError below 0."""
        self._set_up("set_low_water_callback", callback)
        check_mark(mark)
        self._low_water = (callback, mark)

    def _set_up(self, method: str, callback: Callable[..., object]) -> None:
        check_callback(callback, f"{method}()'s callback")
