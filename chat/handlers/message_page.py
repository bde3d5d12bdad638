"""Pages of messages in the answers to HISTORY_MSG and SEARCH_MSG. Pure."""

from __future__ import annotations

from chat.storage.tables import MailRow

PAGE_CHARACTERS = 128 * 1024
"""Characters of the texts in one answer, except a first one that is longer. A longer answer would
occupy the loop for milliseconds."""


def first_page(rows: list[MailRow]) -> list[MailRow]:
    """The first rows, with up to PAGE_CHARACTERS of text; at least one, if there is one."""
    left = PAGE_CHARACTERS
    for number, row in enumerate(rows):
        left -= len(row.text or "")
        if left < 0:
            return rows[: max(number, 1)]
    return rows
