"""The program that opens web pages."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping

_OPENERS = ("xdg-open", "open", "wslview")


def browser_command(environment: Mapping[str, str], url: str) -> list[str] | None:
    """The command line that opens an address; None without a browser.

    ``BROWSER`` names one, with ``%s`` for the address; otherwise the desktop's opener is used.
    """
    browser = environment.get("BROWSER", "").partition(":")[0]
    command = shlex.split(browser)
    if not command:
        program = next(filter(shutil.which, _OPENERS), None)
        return None if program is None else [program, url]
    if shutil.which(command[0]) is None:
        return None
    if any("%s" in word for word in command):
        return [word.replace("%s", url) for word in command]
    return [*command, url]
