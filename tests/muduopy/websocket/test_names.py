"""The names that ``import muduopy.websocket`` defines, and the message without its dependency."""

from __future__ import annotations

import subprocess
import sys

import muduopy.websocket

WITHOUT = """
import sys
sys.modules["websockets"] = None
try:
    import muduopy.websocket
except ModuleNotFoundError as exc:
    print(exc)
"""


def test_names() -> None:
    assert muduopy.websocket.__all__ == [
        "BinaryCallback",
        "CloseCode",
        "FrameError",
        "HandshakeCallback",
        "HandshakeError",
        "TextCallback",
        "WebSocketCallback",
        "WebSocketClient",
        "WebSocketConnection",
        "WebSocketEndpoint",
        "WebSocketError",
        "WebSocketLimits",
        "WebSocketRequest",
        "WebSocketServer",
        "WebSocketWaterMarkCallback",
        "say_goodbye",
    ]


def test_without_its_dependency() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout == "muduopy.websocket needs websockets; try: pip install websockets\n"
