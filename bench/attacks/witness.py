"""A process with three users whose service is measured: two that chat, and one that logs in.

    python -m bench.attacks.witness PORT ADDRESS [--tls] [--users ID,ID,ID]

The pair writes in turn at a fixed pace. A latency is counted from the time at which the message was
due, so that a server that stalls delays all messages behind the stall, and each delay counts. The
third user logs in by password every second, and out again. With an ADDRESS other than "-", each
connection begins with a PROXY line that announces it.

It writes READY when the pair is logged in. For each line ``SECONDS`` of standard input it measures
for that time, and writes one line of JSON. It ends at the end of standard input.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import common
from bench.attacks.accounts import PASSWORD, WITNESSES, device_of

PACE = 0.02  # seconds between two messages of the pair
LOGIN_PACE = 1.0
PATIENCE = 10.0  # seconds; what takes longer has failed
POLL = 0.001


@dataclass
class Findings:
    """What the witnesses met in one window. Times are milliseconds."""

    sent: int = 0
    lost: int = 0
    refused: int = 0
    deliveries: list[float] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    failed_logins: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where the server is, how to reach it, and as which three users."""

    port: int
    address: str | None
    tls: bool
    users: Sequence[int]

    def connect(self) -> socket.socket:
        """A connection, ready for the first frame. Raises OSError."""
        sock = socket.create_connection((common.HOST, self.port), PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.address is not None:
                line = f"PROXY TCP4 {self.address} {common.HOST} 40000 {self.port}\r\n"
                sock.sendall(line.encode())
            if self.tls:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                return context.wrap_socket(sock)
        except BaseException:
            sock.close()
            raise
        return sock


class Client:
    """One connection of a v2 client. Used by one thread."""

    def __init__(self, place: Place, user: int) -> None:
        self.user = user
        self.sock = place.connect()
        self._rest = b""

    def send(self, **message: Any) -> None:
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have come; waits for bytes. Raises OSError at the end of the stream."""
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def expect(self, msgid: int) -> dict[str, Any]:
        """Wait for a message of this kind; others are ignored."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for message in self.receive():
                if message["msgid"] == msgid:
                    return message
                if message["msgid"] in {31, 32}:
                    raise ConnectionError(json.dumps(message))
        raise TimeoutError(f"no message {msgid}")

    def login(self) -> dict[str, Any]:
        self.send(msgid=1, v=2, id=self.user, password=PASSWORD, device=device_of(self.user))
        return self.expect(2)

    def acknowledge(self, messages: list[dict[str, Any]]) -> None:
        seqs = [message["seq"] for message in messages if "seq" in message]
        if seqs:
            self.send(msgid=21, seqs=seqs)


class Pair:
    """Two users that write to each other in turn. One thread."""

    def __init__(self, place: Place) -> None:
        self.users = [Client(place, user) for user in place.users[:2]]
        for client in self.users:
            answer = client.login()
            if answer["errno"]:
                raise ConnectionError(json.dumps(answer))
            client.acknowledge(answer["offlinemsg"])
        self._poll = selectors.DefaultSelector()
        for client in self.users:
            self._poll.register(client.sock, selectors.EVENT_READ, client)
        self._due: dict[str, float] = {}  # the texts that have not arrived, and when each was due
        self._unanswered: dict[str, float] = {}
        self._counter = 0

    def close(self) -> None:
        self._poll.close()
        for client in self.users:
            client.sock.close()

    def measure(self, seconds: float, findings: Findings) -> None:
        """Chat for that time, and then wait for the messages under way."""
        begun = time.monotonic()
        end = begun + seconds
        due = begun
        while (now := time.monotonic()) < end:
            while due <= now:
                self._send(due, findings)
                due += PACE
            self._receive(max(due - time.monotonic(), 0.0), findings)
        while (self._due or self._unanswered) and time.monotonic() < end + PATIENCE:
            self._receive(POLL, findings)
        findings.lost += len(self._due)
        findings.deliveries += [PATIENCE * 1000] * len(self._due)
        self._due.clear()
        self._unanswered.clear()

    def idle(self) -> None:
        """A ping of each, so that the server does not take them for dead."""
        for client in self.users:
            client.send(msgid=26)

    def _send(self, due: float, findings: Findings) -> None:
        sender, receiver = self.users if self._counter % 2 else reversed(self.users)
        text = mid = f"w{due:.6f}-{self._counter}"
        self._counter += 1
        self._due[text] = self._unanswered[mid] = due
        findings.sent += 1
        sender.send(msgid=6, id=sender.user, toid=receiver.user, msg=text, mid=mid)

    def _receive(self, wait: float, findings: Findings) -> None:
        for key, _ in self._poll.select(wait):
            client: Client = key.data
            chats = []
            messages = client.receive()
            while isinstance(client.sock, ssl.SSLSocket) and client.sock.pending():
                messages += client.receive()
            now = time.monotonic()
            for message in messages:
                match message["msgid"]:
                    case 6:
                        chats.append(message)
                        if (due := self._due.pop(message["msg"], None)) is not None:
                            findings.deliveries.append((now - due) * 1000)
                    case 20:
                        self._answered(message, now, findings)
                    case 31 | 32:
                        raise ConnectionError(json.dumps(message))
            client.acknowledge(chats)

    def _answered(self, message: dict[str, Any], now: float, findings: Findings) -> None:
        mid = message.get("mid", "")
        due = self._unanswered.pop(mid, None)
        if message["errno"]:
            findings.refused += 1
            self._due.pop(mid, None)
        elif due is not None:
            findings.acks.append((now - due) * 1000)


def log_in_once(place: Place, findings: Findings) -> None:
    """One login by password of the third user, and its logout."""
    begun = time.monotonic()
    try:
        client = Client(place, place.users[2])
        with contextlib.closing(client.sock):
            answer = client.login()
            findings.logins.append((time.monotonic() - begun) * 1000)
            if answer["errno"]:
                findings.failed_logins.append(f"{answer['errno']}: {answer['errmsg']}")
                return
            client.send(msgid=3, id=client.user)
            client.expect(25)
    except OSError as exc:
        findings.logins.append((time.monotonic() - begun) * 1000)
        findings.failed_logins.append(str(exc) or type(exc).__name__)


def log_in(place: Place, seconds: float, findings: Findings) -> None:
    """Log in every second until the time is over."""
    due = time.monotonic()
    end = due + seconds
    while due < end:
        time.sleep(max(due - time.monotonic(), 0.0))
        log_in_once(place, findings)
        due = max(due + LOGIN_PACE, time.monotonic())


def measure(place: Place, pair: Pair, seconds: float) -> Findings:
    """One window."""
    findings = Findings()
    logins = threading.Thread(target=log_in, args=(place, seconds, findings))
    logins.start()
    try:
        pair.measure(seconds, findings)
    finally:
        logins.join()
    return findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("address")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--users", type=common.numbers, default=list(WITNESSES))
    options = parser.parse_args()
    address = None if options.address == "-" else options.address
    place = Place(options.port, address, options.tls, options.users)
    # A short switch interval, so that the thread that logs in does not delay the pair.
    sys.setswitchinterval(0.0005)
    pair = Pair(place)
    print("READY", flush=True)
    for line in sys.stdin:
        if not line.strip():
            pair.idle()
            continue
        print(json.dumps(asdict(measure(place, pair, float(line)))), flush=True)
    pair.close()


if __name__ == "__main__":
    common.run_main(main)
