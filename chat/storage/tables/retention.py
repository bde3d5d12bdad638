"""RetentionModel: the setting ``retention``, ``<time of the next pass> <boundary>``.

The boundary is a number in the log: messages up to it may be deleted at any time.
"""

from __future__ import annotations

from chat.storage.base import Transaction
from chat.storage.tables.setting import SettingModel

_NAME = "retention"
_LOCKED = "schema_version"
"""The row that is locked, because it always exists."""


class RetentionModel:
    """The progress of retention, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._settings = SettingModel(tx)

    def lock(self) -> tuple[int, int]:
        """The time of the next pass (Unix seconds) and the boundary; locked for a change."""
        self._settings.get(_LOCKED, lock=True)
        return self._read()

    def boundary(self) -> int:
        """The boundary. It is locked until the commit, so call this before other locks."""
        self._settings.get(_LOCKED, share=True)
        return self._read()[1]

    def set(self, due: int, boundary: int) -> None:
        """Store both. ``lock`` came before."""
        self._settings.set(_NAME, f"{due} {boundary}")

    def _read(self) -> tuple[int, int]:
        value = self._settings.get(_NAME)
        if value is None:
            return 0, 0
        due, boundary = value.split()
        return int(due), int(boundary)
