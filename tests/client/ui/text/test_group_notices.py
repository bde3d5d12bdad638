from __future__ import annotations

import pytest

from client.ui.text.group_notices import group_notice_text
from client.ui.text.translations import Translations
from client.values import GroupNotice


@pytest.mark.parametrize(
    ("event", "english", "chinese"),
    [
        ("joined", "you have joined", "你加入了"),
        ("left", "you have left", "你退出了"),
        ("role", "your new role: administrator", "你的新角色：管理员"),
        ("removed", "ann has removed you", "ann 移除了 你"),
    ],
)
def test_events_of_this_user(event: str, english: str, chinese: str) -> None:
    notice = GroupNotice(event, 7, 1, 2, role="admin")
    for language, text in (("en", english), ("zh", chinese)):
        texts = Translations(language)
        assert group_notice_text(notice, "bob", "ann", texts, own=True) == text


def test_events_of_others() -> None:
    """One may be called "you"."""
    notice = GroupNotice("joined", 7, 3, 3)
    texts = Translations("en")
    assert group_notice_text(notice, "you", "you", texts, own=False) == "you has joined"
    newer = GroupNotice("painted", 7, 3, 3)
    assert group_notice_text(newer, "dan", "dan", texts, own=False) is None
