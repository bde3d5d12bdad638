"""The bus port and its implementations."""

from chat.bus.base import (
    Answer,
    BadPayloadError,
    Bus,
    BusListener,
    BusRefusedError,
    Codec,
    Count,
    Received,
    Stamp,
)
from chat.bus.local import LocalBus

__all__ = [
    "Answer",
    "BadPayloadError",
    "Bus",
    "BusListener",
    "BusRefusedError",
    "Codec",
    "Count",
    "LocalBus",
    "Received",
    "Stamp",
]
