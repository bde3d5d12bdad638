"""ChatWriter: the commands ``chat`` and ``groupchat`` of line mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from client.account.sending import Sending
from client.chat_client import ChatClient
from client.errors import ClientError
from client.ids import parse_id
from client.plain.event_lines import EventLines
from client.plain.plain_text import PlainText
from client.timing import Timing

_WINDOW = 200
"""The number of messages after which the writer waits for their acks. Without that, a script of
100,000 lines would be read at once, and the wait at the end would be too short for their acks."""


class ChatWriter:
    """Sends messages without waiting for each. The console's thread."""

    def __init__(
        self,
        client: ChatClient,
        events: EventLines,
        text: PlainText,
        timing: Timing,
        fail: Callable[[str, ClientError], None],
    ) -> None:
        """``fail`` prints a line about an error, unless that ends the program."""
        self._client = client
        self._events = events
        self._text = text
        self._timing = timing
        self._fail = fail
        self._written = 0  # messages since the last wait for acks

    def chat(self, friend: str, message: str) -> None:
        """Send a message to a user, by number or name."""
        number = parse_id(friend)
        if number is not None:
            self._write(self._client.send, number, message, to_group=False)
        else:
            self._write(self._client.send_to, friend.strip(), message, to_group=False)

    def group_chat(self, group_id: str, message: str) -> None:
        """Send a message to a group."""
        self._write(self._client.send_group, int(group_id), message, to_group=True)

    def wait_for_acks(self) -> None:
        """Wait until the server has answered all messages, for the time that ``timing`` allows."""
        self._client.flush(self._timing.chat_acks)
        self._written = 0

    def _write(
        self,
        send: Callable[[Any, str], Sending],
        target: int | str,
        message: str,
        *,
        to_group: bool,
    ) -> None:
        try:
            sending = send(target, message)
        except ClientError as exc:
            self._fail(self._text.chat_failed(target, to_group, exc), exc)
            return
        self._events.watch(sending)
        self._written += 1
        if self._written >= _WINDOW:
            self.wait_for_acks()
