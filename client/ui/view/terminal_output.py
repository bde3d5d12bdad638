"""TerminalOutput: prompt_toolkit's output, with focus reports, notices and links.

Focus reports are on while the program has the screen. They are off while it is stopped, and after
its end. The terminal reports ``CSI I`` and ``CSI O``.
"""

from __future__ import annotations

import os
import sys
import zlib
from typing import Final

from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Attrs

FOCUS_IN: Final = "\x1b[I"
FOCUS_OUT: Final = "\x1b[O"


_WITHOUT_OSC = ("linux", "eterm-color")
"""Terminals that show an OSC sequence as text."""


def learn_focus_reports() -> None:
    """Make prompt_toolkit parse focus reports as the key ``Keys.Ignore``. Idempotent."""
    ANSI_SEQUENCES.setdefault(FOCUS_IN, Keys.Ignore)
    ANSI_SEQUENCES.setdefault(FOCUS_OUT, Keys.Ignore)


def notice_sequence(way: str, title: str, text: str) -> str:
    """The escape sequence of a desktop notice. Both texts are escaped already.

    OSC 9 has one text; a number and ``;`` at its beginning would be another command. OSC 777 has a
    title and a text with ``;`` between them.
    """
    if way == "777":
        return f"\x1b]777;notify;{title.replace(';', ',')};{text}\x07"
    return f"\x1b]9;{title}: {text}\x07"


class TerminalOutput(Vt100_Output):
    """Writes to the terminal. The terminal's thread."""

    @classmethod
    def of_this_process(cls) -> TerminalOutput:
        """The output to standard output, which must be a terminal."""
        output = cls.from_pty(
            sys.stdout, term=os.environ.get("TERM"), default_color_depth=ColorDepth.from_env()
        )
        assert isinstance(output, cls)
        return output

    _url = ""

    def set_attributes(self, attrs: Attrs, color_depth: ColorDepth) -> None:
        """Set colours and link of the next characters."""
        self._link_to(getattr(attrs, "url", ""))
        super().set_attributes(attrs, color_depth)

    def reset_attributes(self) -> None:
        """End colours and link."""
        self._link_to("")
        super().reset_attributes()

    def _link_to(self, url: str) -> None:
        if url == self._url or self.term in _WITHOUT_OSC:
            return
        self._url = url
        # Pieces of one address on several lines have the same id, and highlight together.
        params = f"id={zlib.crc32(url.encode()):x}" if url else ""
        self.write_raw(f"\x1b]8;{params};{url}\x1b\\")

    def enable_bracketed_paste(self) -> None:
        """Called when the program takes the screen; switches focus reports on."""
        super().enable_bracketed_paste()
        self.write_raw("\x1b[?1004h")

    def disable_bracketed_paste(self) -> None:
        """Called when the program returns the screen; switches focus reports off."""
        super().disable_bracketed_paste()
        self.write_raw("\x1b[?1004l")
