"""The command that opens a web page."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping

_OPENERS = ("xdg-open", "open", "wslview")


def browser_command(environment: Mapping[str, str], url: str) -> list[str] | None:
    """The command that opens an address; None if there is no program for it."""
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
