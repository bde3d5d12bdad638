"""Options: the terminal's part of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from client.timing import Timing
from client.ui.text.cells import one_line

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Options:
    """The server, the folder and the user's wishes.

    Attributes:
        folder: the folder of logins, messages and settings; None saves nothing.
        user: the number or name of the user that logs in at once, if there is a saved token.
        language: replaces the language of the settings and the environment.
        theme: replaces the theme of the settings and the environment.
        not_kept: the reason why the default folder cannot be used; empty without a fault.
        notice_seconds: the time that a notice is shown.
        encrypted, ca: the connection uses TLS, with these trusted certificates.
        is_last: the server was not named, and is the one of the last time.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    folder: Path | None = None
    user: int | str | None = None
    language: str | None = None
    theme: str | None = None
    timing: Timing | None = None
    not_kept: str = ""
    notice_seconds: float = 10.0
    encrypted: bool = False
    ca: str = ""
    is_last: bool = False

    @property
    def server(self) -> str:
        """The server's address as it is shown."""
        return one_line(f"{self.host}:{self.port}")
