"""The line mode: makes a console, a client and the menu, and runs the menu."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from client.account.lifecycle import Status
from client.chat_client import ChatClient
from client.errors import ClientError
from client.plain.console import Console
from client.plain.event_lines import EventLines
from client.plain.menu import Menu
from client.plain.plain_text import PlainText
from client.timing import Timing
from client.values import GroupNotice

if TYPE_CHECKING:
    import ssl


def run_line_mode(
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    console: Console,
    text: PlainText,
    timing: Timing,
    *,
    script: bool,
) -> int:
    """Run the menu on one connection; returns the exit code. The console's reading thread.

    ``script``: the input comes from a program, not from a person. Raises OutputClosedError.
    """

    def name_of(user_id: int) -> str:
        return client.known_name(user_id)

    events = EventLines(text, console.wake, name_of)

    def on_state(status: Status) -> None:
        console.wake()

    def on_group_notice(notice: GroupNotice) -> None:
        events.group_notice(notice, client.account)

    client = ChatClient(
        host,
        port,
        tls=tls,
        keep_connected=False,
        on_ready=console.wake,
        on_state=on_state,
        on_announcement=events.announcement,
        on_group_notice=on_group_notice,
        on_friend_notice=events.friend_notice,
        on_server_error=events.server_error,
        timing=client_timing(timing),
    )
    try:
        client.connect()
    except ClientError as exc:
        for line in events.take():
            console.error(line.text)
        console.error(text.end(exc))
        return 1
    with contextlib.closing(client):
        return Menu(console, client, events, text, timing, script=script).run()


def client_timing(timing: Timing) -> Timing:
    """The Timing for the menu, which waits for acks itself and tries each login once.

    So a login may take as long as any other request.
    """
    return replace(timing, chat_acks=0.0, login=timing.answer, patience=2 * timing.answer)
