"""Notices about groups as short texts in the user's language. Pure."""

from __future__ import annotations

from client.ui.text.translations import Translations
from client.values import GroupNotice

_KEYS = {
    "created": "note created",
    "joined": "note joined",
    "left": "note left",
    "removed": "note removed",
    "banned": "note banned",
    "role": "note role",
    "renamed": "note renamed",
    "changed": "note changed",
    "dissolved": "note dissolved",
}


def group_notice_text(notice: GroupNotice, name: str, by: str, texts: Translations) -> str | None:
    """The text, not escaped; None for an unknown event.

    ``name``: of the user whose membership changes. ``by``: the name of the user that changed it,
    empty for an operator.
    """
    key = _KEYS.get(notice.event)
    if key is None:
        return None
    if notice.event == "banned" and notice.reason:
        key = "note banned reason"
    if notice.event == "role" and name == texts("you"):
        key = "note your role"
    return texts(
        key,
        name=name,
        by=by or texts("note operator"),
        reason=notice.reason,
        role=_word("role", notice.role, texts),
        group=notice.group_name,
        join=_word("join", notice.join, texts),
    )


def _word(kind: str, word: str, texts: Translations) -> str:
    """The user's word for a role or a join mode; the server's own, if it is a newer one."""
    key = f"{kind} {word}"
    return texts(key) if texts.has(key) else word
