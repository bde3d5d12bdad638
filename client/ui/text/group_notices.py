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

_OWN_KEYS = {
    "note joined": "note you joined",
    "note left": "note you left",
    "note role": "note your role",
}
"""The texts about this user, where they are others."""


def group_notice_text(
    notice: GroupNotice, name: str, by: str, texts: Translations, *, own: bool
) -> str | None:
    """The text, not escaped; None for an unknown event.

    ``name``: of the user whose membership changes; with ``own`` it is this user. ``by``: the name
    of the user that changed it, empty for an operator.
    """
    key = _KEYS.get(notice.event)
    if key is None:
        return None
    if notice.event == "banned" and notice.reason:
        key = "note banned reason"
    if own:
        key, name = _OWN_KEYS.get(key, key), texts("you")
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
