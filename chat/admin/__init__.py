"""The administration of a running server: its Unix socket, the commands, and the audit log.

``bin/chatctl`` (chat.chatctl) is the other end of the socket.
"""
