"""The user's settings: theme, language, bell and notices, in a file."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from client.account.journal import read_private, write_private
from client.errors import StoreError
from client.ui.text.translations import LANGUAGES
from client.ui.view.themes import THEMES

log = logging.getLogger(__name__)


NOTIFY = ("off", "9", "777")
"""Ways to a notice on the desktop: the number of the OSC sequence that the terminal takes."""


@dataclass(slots=True)
class Settings:
    """SettingsCommands; None where the terminal or the locale decides."""

    theme: str | None = None
    language: str | None = None
    bell: bool = True
    notify: str = "off"


def load(path: Path | None) -> Settings:
    """The choices in a file; what cannot be read is as if it were not there. Any thread."""
    if path is None:
        return Settings()
    try:
        content = json.loads(read_private(path) or b"{}")
    except (StoreError, ValueError, RecursionError) as exc:
        log.warning("%s is ignored: %s", path, exc)
        return Settings()
    if not isinstance(content, dict):
        return Settings()
    theme, language = content.get("theme"), content.get("language")
    notify = content.get("notify")
    return Settings(
        theme if theme in THEMES else None,
        language if language in LANGUAGES else None,
        content.get("bell") is not False,
        notify if notify in NOTIFY else "off",
    )


def save(path: Path | None, settings: Settings) -> None:
    """Any thread. Does not fail; that is not worth a message."""
    if path is None:
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, json.dumps(asdict(settings)).encode("ascii"))
    except (OSError, StoreError) as exc:
        log.info("settings are not kept: %s", exc)
