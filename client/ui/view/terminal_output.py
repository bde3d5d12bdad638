"""TerminalOutput: prompt_toolkit's output, with focus reports, notices and links.

Focus reports are asked for while the screen is ours, and only then: not while the program is
stopped, and not after its end. The terminal answers ``CSI I`` and ``CSI O``.
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
"""Terminals that would show such a sequence as text."""


def learn_focus_reports() -> None:
    """Have prompt_toolkit read focus reports as keys without effect. Idempotent."""
    ANSI_SEQUENCES.setdefault(FOCUS_IN, Keys.Ignore)
    ANSI_SEQUENCES.setdefault(FOCUS_OUT, Keys.Ignore)


def notice_sequence(way: str, title: str, text: str) -> str:
    """The sequence for a notice on the desktop. Both texts are escaped already.

    OSC 9 has one text, and takes a number before a ``;`` for something else; OSC 777 separates
    title and text by one.
    """
    if way == "777":
        return f"\x1b]777;notify;{title.replace(';', ',')};{text}\x07"
    return f"\x1b]9;{title}: {text}\x07"


class TerminalOutput(Vt100_Output):
    """The terminal's thread."""

    @classmethod
    def of_this_process(cls) -> TerminalOutput:
        """Standard output, which must be a terminal."""
        output = cls.from_pty(
            sys.stdout, term=os.environ.get("TERM"), default_color_depth=ColorDepth.from_env()
        )
        assert isinstance(output, cls)
        return output

    _url = ""

    def set_attributes(self, attrs: Attrs, color_depth: ColorDepth) -> None:
        """Colours and links of what follows."""
        self._link_to(getattr(attrs, "url", ""))
        super().set_attributes(attrs, color_depth)

    def reset_attributes(self) -> None:
        """None of them."""
        self._link_to("")
        super().reset_attributes()

    def _link_to(self, url: str) -> None:
        if url == self._url or self.term in _WITHOUT_OSC:
            return
        self._url = url
        # The same id joins the lines over which an address is broken.
        params = f"id={zlib.crc32(url.encode()):x}" if url else ""
        self.write_raw(f"\x1b]8;{params};{url}\x1b\\")

    def enable_bracketed_paste(self) -> None:
        """The program takes the screen: ask for focus reports."""
        super().enable_bracketed_paste()
        self.write_raw("\x1b[?1004h")

    def disable_bracketed_paste(self) -> None:
        """The program gives the screen back: end the focus reports."""
        super().disable_bracketed_paste()
        self.write_raw("\x1b[?1004l")
