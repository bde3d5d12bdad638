"""The chat server. Start it with ``bin/chatserver``; ``chat.app`` puts its parts together."""

from chat.version import __version__ as __version__
