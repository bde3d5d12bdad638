"""The bus between nodes: its interface, and the bus of a node that is alone.

The bus over Redis is in ``chat.bus.redis``. It is imported only where the settings name a server.
"""

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
