"""An echo bot: `python -m examples.bot HOST PORT ID`. Ctrl-C ends it.

The first time it asks for the password; after that the login that it has saved in FOLDER, the
current directory's `bot-state`, is enough. It may be killed and started again at any time: it
answers every message, and none twice but one that it was just answering.
"""

import getpass
import sys
from pathlib import Path

from client import ChatClient, ClientError, RefusedError

FOLDER = Path("bot-state")


def answer(client: ChatClient) -> None:
    """Write back whatever is written to us, until Ctrl-C."""
    for message in client.messages():
        if message.group_id is not None:
            client.send_group(message.group_id, f"{message.sender_name}: {message.text}")
        elif message.sender_id != message.to_id:  # not to what it says to itself
            client.send(message.sender_id, f"you said: {message.text}")


def log_in(client: ChatClient, user_id: int) -> None:
    try:
        account = client.login(user_id)
    except RefusedError:
        account = client.login(user_id, ask_password())
    print(f"answering as {account.name} ({account.id})", flush=True)


def ask_password() -> str:
    """On the terminal; without one, the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    password = sys.stdin.readline().removesuffix("\n")
    if not password:
        sys.exit("no saved login and no terminal: give the password on standard input")
    return password


def main() -> int:
    try:
        host, port, user_id = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    except (IndexError, ValueError):
        print("usage: bot HOST PORT ID", file=sys.stderr)
        return 2
    try:
        with ChatClient(host, port, folder=FOLDER) as client:
            log_in(client, user_id)
            answer(client)
    except KeyboardInterrupt:
        return 0  # what was sent has been acknowledged, or goes out the next time
    except (ClientError, ValueError) as exc:  # a ValueError: ID is no user's number
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
