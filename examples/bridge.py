"""A chat account for any language: `python -m examples.bridge HOST PORT [FOLDER]`.

JSON objects go in on standard input and come out on standard output, one a line:

    {"do": "login", "user_id": 5, "password": "…"}     no password if FOLDER has a saved login
    {"do": "send", "to": 6, "text": "hello"}           or "group": 7 instead of "to"
    {"do": "add_friend", "friend_id": 6}               and other methods of ChatClient

Each request gets an answer with the request's "ref": {"ref": 1, "ok": …} or
{"ref": 1, "error": "…"}. Lines with an "event" answer no request: "message", "presence" or "state".
The program ends at the end of input.
"""

import json
import sys
from concurrent.futures import Future
from typing import Any

from client import ChatClient, ClientError, Receipt
from examples._json_lines import say

METHODS = {
    *("register", "login", "logout", "add_friend", "remove_friend", "create_group", "join_group"),
    *("leave_group", "members", "remove_member", "dissolve_group", "history"),
}


def send(client: ChatClient, ref: Any, text: str, to: int = 0, group: int = 0) -> None:
    def done(sending: Future[Receipt]) -> None:  # called later, when the server has the message
        error = sending.exception()
        say(ref=ref, **({"ok": sending.result()} if error is None else {"error": str(error)}))

    sending = client.send_group(group, text) if group else client.send(to, text)
    sending.add_done_callback(done)


def obey(client: ChatClient, order: dict[str, Any]) -> None:
    ref, what = order.pop("ref", None), order.pop("do", None)
    try:
        if what == "send":
            send(client, ref, **order)
        elif isinstance(what, str) and what in METHODS:
            say(ref=ref, ok=getattr(client, what)(**order))
        else:
            say(ref=ref, error=f"there is nothing called {what!r}")
    except (ClientError, ValueError, TypeError) as exc:
        say(ref=ref, error=str(exc))


def main() -> int:
    try:
        host, port = sys.argv[1], int(sys.argv[2])
    except (IndexError, ValueError):
        print("usage: bridge HOST PORT [FOLDER]", file=sys.stderr)
        return 2
    client = ChatClient(
        host,
        port,
        folder=sys.argv[3] if len(sys.argv) > 3 else None,
        on_message=lambda message: say(event="message", message=message),
        on_presence=lambda presence: say(event="presence", presence=presence),
        on_state=lambda status: say(event="state", state=status.state.value, why=status.error),
    )
    try:
        with client:
            for line in sys.stdin:
                try:
                    obey(client, dict(json.loads(line)))
                except (ValueError, TypeError):
                    say(error="not a JSON object")
    except KeyboardInterrupt:
        return 0
    except ClientError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
