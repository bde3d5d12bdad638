"""The chat client. Start it with ``bin/chatclient``; its parts are put together in client.main.

It imports the standard library and chat.protocol, nothing else of this project.
"""

__version__ = "0.1.0"
