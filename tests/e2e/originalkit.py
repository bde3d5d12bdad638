"""OriginalClient: reads exactly as the clients of the original C++ project do.

Their reading thread is ``char buffer[1024] = {0}; recv(fd, buffer, 1024, 0); json::parse(buffer)``.
It parses the bytes of one call, up to the first NUL. Bytes that are no JSON throw an exception,
which ends the client.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.e2e.chatkit import PASSWORD, WAIT, Message, Wire

BUFFER = 1024


class OriginalClient:
    """One terminal of the original.

    Attributes:
        answers: the answers to requests. shown: the chat messages, in order.
        overlooked: frames behind the first one of a recv: received, and not shown.
        died: the error that ended the client.
    """

    def __init__(self, port: int, end: bytes = b"\0") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT)
        self.socket.settimeout(None)
        self.end = end
        self.id = 0
        self.name = ""
        self.answers: list[Message] = []
        self.shown: list[Message] = []
        self.overlooked: list[bytes] = []
        self.died: Exception | None = None
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> OriginalClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, as the end of the process does."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join(WAIT)
        self.socket.close()

    def _read(self) -> None:
        while True:
            buffer = bytearray(BUFFER)
            try:
                count = self.socket.recv_into(buffer)
            except OSError:
                count = 0
            if not count:
                break
            if not self._take(bytes(buffer)):
                break
        with self._changed:
            self._changed.notify_all()

    def _take(self, buffer: bytes) -> bool:
        try:
            message = json.loads(buffer[: buffer.index(0)])
        except ValueError as exc:  # without a NUL the original reads beyond its buffer
            self.died = exc
            return False
        rest = buffer[buffer.index(0) :].strip(b"\0")
        with self._changed:
            self.overlooked += rest.split(b"\0") if rest else []
            if message["msgid"] in (6, 10):
                self.shown.append(message)
            else:
                self.answers.append(message)
            self._changed.notify_all()
        return True

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition on the received messages holds."""
        with self._changed:
            met = self._changed.wait_for(lambda: condition() or self.died, WAIT)
        assert self.died is None, self.died
        assert met, f"no {what}; shown: {len(self.shown)}, overlooked: {self.overlooked}"

    def until_shown(self, count: int) -> list[Message]:
        self.until(lambda: len(self.shown) >= count, f"{count} messages")
        return self.shown

    def texts(self, count: int) -> list[str]:
        return [message["msg"] for message in self.until_shown(count)]

    # ------------------------------------------------------------------ requests

    def send(self, **message: Any) -> None:
        self.socket.sendall(json.dumps(message, sort_keys=True).encode() + self.end)

    def answer(self, **message: Any) -> Message:
        """Send a request and wait for its answer."""
        before = len(self.answers)
        self.send(**message)
        self.until(lambda: len(self.answers) > before, "answer")
        return self.answers[before]

    def register(self, name: str, password: str = PASSWORD) -> int:
        answer = self.answer(msgid=4, name=name, password=password)
        assert answer["errno"] == 0, answer
        user_id: int = answer["id"]
        return user_id

    def login(self, user_id: int, password: str = PASSWORD) -> Message:
        answer = self.answer(msgid=1, id=user_id, password=password)
        assert answer["errno"] == 0, answer
        self.id, self.name = user_id, answer["name"]
        return answer

    def chat(self, to: int, text: str, **more: Any) -> None:
        time = "2026-11-26 21:59:00"
        self.send(msgid=6, id=self.id, name=self.name, toid=to, msg=text, time=time, **more)


def check_quick_messages(ann: OriginalClient, bob: OriginalClient) -> None:
    """Ten messages in a row are all shown, in order."""
    for number in range(10):
        ann.chat(bob.id, f"quick {number}")
    assert bob.texts(10) == [f"quick {number}" for number in range(10)]


def check_five_senders(bob: OriginalClient, senders: Sequence[Wire]) -> None:
    """Messages of five senders at once are all shown, in the order of each sender."""
    barrier = threading.Barrier(len(senders))

    def send(number: int, sender: Wire) -> None:
        barrier.wait(WAIT)
        for text in range(8):
            sender.chat(bob.id, f"{number}: {text}")

    threads = [threading.Thread(target=send, args=pair) for pair in enumerate(senders)]
    for thread in threads:
        thread.start()
    texts = bob.texts(8 * len(senders))
    for thread in threads:
        thread.join()
    for number in range(len(senders)):
        own = [text for text in texts if text.startswith(f"{number}: ")]
        assert own == [f"{number}: {text}" for text in range(8)], "in the order of sending"
