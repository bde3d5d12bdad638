from __future__ import annotations

import pytest

from client.ui.text.mentions import mentions


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ann?", "ann"),
        ("hello Ann", "ann"),
        ("hello @ann!", "ann"),
        ("ann你好", "ann"),
        ("问一下安妮吧", "安妮"),
        ("@all: tea", "ann"),
        ("@所有人 开会", "ann"),
        ("li si, come", "li si"),
        ("C++ is it", "C++"),
        ("(.*)", "(.*)"),
    ],
)
def test_mentions(text: str, name: str) -> None:
    assert mentions(text, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("planning", "ann"),
        ("ann2", "ann"),
        ("_ann_", "ann"),
        ("an n", "ann"),
        ("tall @allan", "ann"),
        ("anything", ""),
        ("anything", " "),
        ("xyz", "(.*)"),
    ],
)
def test_no_mentions(text: str, name: str) -> None:
    assert not mentions(text, name)
