"""SettingsFile: the user's settings, kept in a file between runs."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from client.account.journal import read_private, write_private
from client.errors import StoreError
from client.ui.text.translations import LANGUAGES
from client.ui.view.themes import THEMES

log = logging.getLogger(__name__)


NOTIFY = ("off", "9", "777")
"""The ways of desktop notices: the number of the OSC sequence that the terminal understands."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; None: the terminal or the locale decides."""

    theme: str | None = None
    language: str | None = None
    bell: bool = True
    notify: str = "off"


class SettingsFile:
    """Settings and their file. Not thread-safe.

    Attributes:
        settings: the current ones.
    """

    def __init__(self, path: Path | None) -> None:
        """``path``: None keeps nothing."""
        self._path = path
        self.settings = Settings()

    def load(self) -> Settings:
        """Read the file. A bad value in it counts as the default."""
        if self._path is not None:
            self.settings = _parse(self._read(self._path))
        return self.settings

    def change(self, **values: Any) -> None:
        """Change some settings, and save all. A failure to save is logged only."""
        self.settings = replace(self.settings, **values)
        if self._path is not None:
            self._write(self._path)

    @staticmethod
    def _read(path: Path) -> object:
        try:
            return json.loads(read_private(path) or b"{}")
        except (StoreError, ValueError, RecursionError) as exc:
            log.warning("%s is ignored: %s", path, exc)
            return {}

    def _write(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, json.dumps(asdict(self.settings)).encode("ascii"))
        except (OSError, StoreError) as exc:
            log.info("settings are not saved: %s", exc)


def _parse(content: object) -> Settings:
    if not isinstance(content, dict):
        return Settings()
    theme, language, notify = (content.get(key) for key in ("theme", "language", "notify"))
    return Settings(
        theme if theme in THEMES else None,
        language if language in LANGUAGES else None,
        content.get("bell") is not False,
        notify if notify in NOTIFY else "off",
    )
