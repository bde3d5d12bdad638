"""The bus port and its implementations."""

from chat.bus.base import PRESENCE, TAKEN, Bus, Notice, Wake
from chat.bus.local import LocalBus

__all__ = ["PRESENCE", "TAKEN", "Bus", "LocalBus", "Notice", "Wake"]
