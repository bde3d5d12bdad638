"""The line mode: makes a console, a client and the menu, and runs the menu."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from client.account.lifecycle import State, Status
from client.account.saved_accounts import SavedAccount, saved_accounts
from client.chat_client import ChatClient
from client.errors import ClientError
from client.plain.console import Console
from client.plain.event_lines import EventLines
from client.plain.menu import Menu
from client.plain.plain_text import PlainText
from client.timing import Timing
from client.values import ChatMessage, GroupNotice

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
    folder: Path | None = None,
    user: int | str | None = None,
    on_online: Callable[[], object] = lambda: None,
) -> int:
    """Run the menu on one connection; returns the exit code. The console's reading thread.

    ``script``: the input comes from a program, not from a person. ``folder``: with it, this is a
    device of the account, whose login, unsent messages and numbers of shown messages are kept
    there. Without it nothing is kept, and the account's unnamed device is used. ``user``: log in
    as this user first. ``on_online`` is called after each login. Raises OutputClosedError.
    """

    def name_of(user_id: int) -> str:
        return client.known_name(user_id)

    events = EventLines(text, console.wake, name_of)

    def on_state(status: Status) -> None:
        if status.state is State.ONLINE:
            on_online()
        console.wake()

    def on_group_notice(notice: GroupNotice) -> None:
        events.group_notice(notice, client.account)

    def on_group_event(message: ChatMessage) -> None:
        events.group_event(message, client.account)

    def saved() -> list[SavedAccount]:
        return [] if folder is None else saved_accounts(folder, host, port)

    client = ChatClient(
        host,
        port,
        tls=tls,
        folder=folder,
        share_folder=True,
        keep_connected=False,
        on_ready=console.wake,
        on_state=on_state,
        on_announcement=events.announcement,
        on_group_notice=on_group_notice,
        on_group_event=on_group_event,
        on_device_notice=events.device_notice,
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
        menu = Menu(
            console,
            client,
            events,
            text,
            timing,
            script=script,
            is_kept=folder is not None,
            saved_accounts=saved,
        )
        return menu.run(user)


def client_timing(timing: Timing) -> Timing:
    """The Timing for the menu, which waits for acks itself and tries each login once.

    So a login may take as long as any other request.
    """
    return replace(timing, chat_acks=0.0, login=timing.answer, patience=2 * timing.answer)
