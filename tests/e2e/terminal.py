"""A real terminal: tmux on its own socket, with its screen as text."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from tests.e2e.chatkit import WAIT


class Terminal:
    """One tmux server with one window of 80 x 24."""

    def __init__(self, folder: Path, name: str, *command: str) -> None:
        self._socket = str(folder / f"{name}.tmux")
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", *command)

    def _tmux(self, *args: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, *args],
            check=True,
            capture_output=True,
            text=True,
            timeout=WAIT,
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Type a line."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-S", "-500")

    def wait_for(self, text: str, times: int = 1) -> str:
        """Wait until the screen shows the text ``times`` times; returns the screen."""
        pause = threading.Event()  # a terminal has no event for its content: poll it
        for _ in range(int(WAIT / 0.02)):
            screen = self.screen()
            if screen.count(text) >= times:
                return screen
            pause.wait(0.02)
        raise AssertionError(f"{text!r} is not on the screen:\n{screen}")

    def close(self) -> None:
        subprocess.run(
            ["tmux", "-S", self._socket, "kill-server"],
            check=False,
            capture_output=True,
            timeout=WAIT,
        )
