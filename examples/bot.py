"""An echo bot: `python -m examples.bot HOST PORT NAME`. Ctrl-C ends it.

At the first start it asks for the password. It saves its login in FOLDER, `bot-state` in the
current directory, and uses that at later starts. It may be killed and started again at any time,
and still answers each message. It answers each one once, except that a message that it was
answering when it was killed may get a second answer.
"""

import getpass
import sys
from pathlib import Path

from client import ChatClient, ClientError, RefusedError

FOLDER = Path("bot-state")


def answer(client: ChatClient) -> None:
    """Answer each message, until Ctrl-C."""
    for message in client.messages():
        if message.mine:  # from another device of this account, or to itself
            continue
        if message.group_id is not None:
            client.send_group(message.group_id, f"{message.sender_name}: {message.text}")
        else:
            client.send(message.sender_id, f"you said: {message.text}")


def log_in(client: ChatClient, name: str) -> None:
    try:
        account = client.login(name)
    except RefusedError:
        account = client.login(name, ask_password())
    print(f"answering as {account.name} ({account.id})", flush=True)


def ask_password() -> str:
    """Ask on the terminal; without one, read the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    password = sys.stdin.readline().removesuffix("\n")
    if not password:
        sys.exit("no saved login and no terminal: give the password on standard input")
    return password


def main() -> int:
    try:
        host, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    except (IndexError, ValueError):
        print("usage: bot HOST PORT NAME", file=sys.stderr)
        return 2
    try:
        with ChatClient(host, port, folder=FOLDER) as client:
            log_in(client, name)
            answer(client)
    except KeyboardInterrupt:
        return 0  # messages without an acknowledgement are sent at the next start
    except (ClientError, ValueError) as exc:  # ValueError: NAME is no text
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
