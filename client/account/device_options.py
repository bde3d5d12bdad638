"""DeviceOptions: how a client presents its device at a login."""

from __future__ import annotations

import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

LONGEST_LABEL = 64
"""Characters: the limit of the server."""

_LONGEST_PART = 30

_not_plain = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """The device of a client. Immutable.

    Attributes:
        name: identifies the device for the server; None: the name in the account's files, or a new
            one.
        has_mailbox: the device has a mailbox of its own, if the server has mailboxes for devices.
            Otherwise it shares the unnamed one, and gets no copies of the user's own messages.
        label: the name of the device for its owner.
    """

    name: str | None = None
    has_mailbox: bool = False
    label: str = ""


def default_label() -> str:
    """``PROGRAM@HOST``. Any thread."""
    program = Path(sys.argv[0] if sys.argv else "").stem
    if program in ("", "-c", "-m", "__main__"):
        program = "python"
    return f"{_plain(program)}@{_plain(socket.gethostname().partition('.')[0])}"


def _plain(text: str) -> str:
    """Letters, digits and simple punctuation, because the server refuses other labels."""
    return _not_plain.sub("_", text)[:_LONGEST_PART].strip("_") or "unknown"
