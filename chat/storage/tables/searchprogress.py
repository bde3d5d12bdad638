"""SearchProgressModel: the setting ``searchblock``, ``<time> <number> <claim>``.

The number is in the log: messages up to it have been given to the index of the search. The server
with the claim, a random text, gives it the next ones. After the time (Unix seconds) any server may
make another claim.
"""

from __future__ import annotations

from typing import NamedTuple

from chat.storage.base import Transaction
from chat.storage.tables.setting import SettingModel

_NAME = "searchblock"
"""As the table. Another format of the index has another name, so it begins at the first message."""


class Progress(NamedTuple):
    """The setting. Attributes: see the text of the module."""

    until: int
    place: int
    claim: str


class SearchProgressModel:
    """The progress of the indexer, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._settings = SettingModel(tx)

    def lock(self) -> Progress:
        """The progress; locked for a change, if there is any."""
        value = self._settings.get(_NAME, lock=True)
        if value is None:
            return Progress(0, 0, "")
        until, place, claim = value.split()
        return Progress(int(until), int(place), claim)

    def set(self, progress: Progress) -> None:
        """Store it. ``lock`` came before. Raises UniqueViolation if two servers are the first."""
        self._settings.set(_NAME, f"{progress.until} {progress.place} {progress.claim}")
