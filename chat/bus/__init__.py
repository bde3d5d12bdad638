"""The bus port and its implementations."""

from chat.bus.base import (
    MEMBERS,
    PRESENCE,
    TAKEN,
    Bus,
    BusRefusedError,
    Forward,
    Forwarded,
    Live,
    LiveHandler,
    Notice,
    Wake,
)
from chat.bus.local import LocalBus

__all__ = [
    "MEMBERS",
    "PRESENCE",
    "TAKEN",
    "Bus",
    "BusRefusedError",
    "Forward",
    "Forwarded",
    "Live",
    "LiveHandler",
    "LocalBus",
    "Notice",
    "Wake",
]
