from __future__ import annotations

import os
import subprocess
import sys

import client


def test_the_names() -> None:
    assert client.__all__ == [
        "Account",
        "Announcement",
        "Ban",
        "CallbackFailedError",
        "ChatClient",
        "ChatMessage",
        "ClientError",
        "ClosedError",
        "ConnectError",
        "ConnectionLostError",
        "Conversation",
        "ConversationPage",
        "Device",
        "DeviceNotice",
        "Friend",
        "FriendNotice",
        "FriendRequest",
        "Group",
        "GroupNotice",
        "History",
        "Hit",
        "Invitation",
        "Member",
        "MuteNotice",
        "NoAnswerError",
        "NotConfirmedError",
        "NotLoggedInError",
        "Presence",
        "ReadNotice",
        "Receipt",
        "RefusedError",
        "ReplacedError",
        "SearchPage",
        "Sending",
        "State",
        "Status",
        "StoreError",
        "Timing",
        "TooLargeError",
        "TooManyDevicesError",
        "TypingNotice",
        "User",
        "Withdrawal",
    ]
    for name in client.__all__:
        assert getattr(client, name).__doc__


def test_every_public_method_says_which_thread_may_call_it() -> None:
    for name in dir(client.ChatClient):
        if not name.startswith("_"):
            doc = getattr(client.ChatClient, name).__doc__
            assert doc is not None, name
            assert "thread" in doc.lower(), name


def test_importing_it_is_cheap() -> None:
    """No terminal, no TLS, and nothing of the server but its protocol."""
    code = "import client, sys; print(*sys.modules)"
    # Without the measurement of coverage, which loads modules of its own.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"prompt_toolkit", "ssl", "asyncio", "muduopy", "sqlite3", "curses"}
    assert not [
        name
        for name in loaded
        if name.startswith("chat.") and "protocol" not in name and name != "chat.version"
    ]


def test_errors_are_one_line_each() -> None:
    errors = [
        client.errors.LoggedInError(5),
        client.errors.ReplacedError("replaced"),
        client.errors.ReplacedError("abuse"),
        client.errors.ClosedError(),
        client.errors.NotConfirmedError(kept=True),
        client.errors.WithdrawnError(unsure=True),
        client.errors.StoreError("/tmp/x", "is a directory"),
    ]
    for error in errors:
        assert isinstance(error, client.ClientError)
        assert str(error)
        assert "\n" not in str(error)
