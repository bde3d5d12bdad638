"""The chat server. Start it with ``bin/chatserver``; its parts are put together in chat.app."""

__version__ = "0.1.0"
