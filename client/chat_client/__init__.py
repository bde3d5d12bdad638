"""ChatClient: the face of the library: a chat account that stays connected and loses no message.

It has no state of its own. Its parts in ``client.account`` connect, log in, send and receive.

::

    from client import ChatClient

    with ChatClient("127.0.0.1", 6000) as client:
        client.login("li si", "secret-1")
        for message in client.messages():
            if message.group_id is None:
                client.send(message.sender_id, f"you said: {message.text}")

The way of a chat message, out and in::

    send ─▶ outbox ─▶ session ─▶ server      server ─▶ session ─▶ inbox ─▶ messages(), on_message
              ▲ its file          │                      │ seen before?     │ its file, and then
              └──── CHAT_ACK ─────┘                      └──▶ DELIVERED ◀───┘ acknowledged

The methods are in four bases of the class, by subject::

    chat_client.py   connect, log in, log out, close; keep files of the program
    own_account.py   the password, the name, the end of the account
    messages.py      send, receive, the outbox, the history
    contacts.py      friends, requests to be a friend, blocked users
    devices.py       the user's devices
    groups.py        groups, their members, roles and bans
"""

from client.chat_client.chat_client import ChatClient

__all__ = ["ChatClient"]
