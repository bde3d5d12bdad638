"""A process of users that come and go: logins, groups, histories, logouts and cut connections.

    python -m bench.soak.churn PORT PASSWORD FIRST_USER USERS SEED

It ends at the end of standard input, and then writes one line of JSON with the count of each step.
It removes all that it creates, so the tables do not grow. The server's refusals count, and end
nothing: at a busy moment a login may be refused.
"""

from __future__ import annotations

import contextlib
import json
import random
import select
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench import common
from bench.attacks.witness import Client, Place

STEP_SECONDS = 0.05  # between two steps: 20 a second
NO_LINGER = struct.pack("ii", 1, 0)


class Guest:
    """One user of the churn: online or not. Used by one thread."""

    def __init__(self, place: Place, user: int, password: str) -> None:
        self.user = user
        self._place = place
        self._password = password
        self._token: str | None = None
        self._client: Client | None = None

    @property
    def online(self) -> bool:
        return self._client is not None

    def ask(self, answer: int, **fields: Any) -> dict[str, Any]:
        """One request of the user, and its answer."""
        assert self._client is not None
        self._client.send(id=self.user, **fields)
        return self._client.expect(answer)

    def login(self) -> str:
        """Log in, mostly by token; returns the name of the step."""
        self._client = client = Client(self._place, self.user)
        by_token = self._token is not None and self.user % 4 != 0
        secret = {"token": self._token} if by_token else {"password": self._password}
        client.send(msgid=1, v=2, id=self.user, device=f"churn-{self.user}", **secret)
        answer = client.expect(2)
        if answer["errno"]:
            self._token = None
            self.cut()
            return f"errno {answer['errno']}"
        self._token = answer["token"]
        client.acknowledge(answer["offlinemsg"])
        return "login by token" if by_token else "login by password"

    def logout(self) -> str:
        self.ask(25, msgid=3)
        self._token = None
        self._close()
        return "logout"

    def cut(self) -> str:
        """End the connection with RST."""
        assert self._client is not None
        self._client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._close()
        return "cut"

    def group(self, choose: random.Random) -> str:
        """Create a group, write to it, and dissolve it."""
        made = self.ask(23, msgid=8, groupname=f"g{choose.getrandbits(60):x}", groupdesc="")
        if made["errno"]:
            return f"errno {made['errno']}"
        group = made["groupid"]
        self.ask(20, msgid=10, groupid=group, msg="hello", mid=f"{choose.getrandbits(60):x}")
        self.ask(47, msgid=46, groupid=group)
        return "group"

    def history(self, other: int) -> str:
        self.ask(30, msgid=29, **{"with": other, "limit": 20})
        return "history"

    def friend(self, other: int) -> str:
        """Add a friend, and remove it."""
        self.ask(22, msgid=7, friendid=other)
        self.ask(41, msgid=40, friendid=other)
        return "friend"

    def _close(self) -> None:
        assert self._client is not None
        self._client.sock.close()
        self._client = None


def step(guest: Guest, others: Sequence[int], choose: random.Random) -> str:
    """One step of one user; returns its name."""
    if not guest.online:
        return guest.login()
    other = choose.choice(others)
    match choose.randrange(8):
        case 0 | 1:
            return guest.logout()
        case 2 | 3:
            return guest.cut()
        case 4 | 5:
            return guest.group(choose)
        case 6:
            return guest.history(other)
        case _:
            return guest.friend(other)


def main() -> None:
    port, password, first, users, seed = sys.argv[1:]
    choose = random.Random(int(seed))
    ids = range(int(first), int(first) + int(users))
    place = Place(int(port), None, False, ids)
    guests = [Guest(place, user, password) for user in ids]
    counts: Counter[str] = Counter()
    while not select.select([sys.stdin], [], [], 0)[0]:
        guest = choose.choice(guests)
        try:
            counts[step(guest, ids, choose)] += 1
        except (OSError, KeyError) as exc:
            counts[type(exc).__name__] += 1
            with contextlib.suppress(OSError, AssertionError):
                guest.cut()
        time.sleep(STEP_SECONDS)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    common.run_main(main)
