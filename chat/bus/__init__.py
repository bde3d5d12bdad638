"""The bus port and its implementations."""

from chat.bus.base import Bus, Wake
from chat.bus.local import LocalBus

__all__ = ["Bus", "LocalBus", "Wake"]
