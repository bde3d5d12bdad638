from __future__ import annotations

import pytest

from chat.login.common_passwords import WORDS, is_common


@pytest.mark.parametrize(
    "password",
    [
        *("123456", "654321", "12345678", "0123456789", "147258", "1q2w3e4r"),
        *("aaaaaa", "121212", "123123", "abcabc", "abcdabcdab"),
        *("abcdef", "fedcba", "qwerty", "ytrewq", "qwertz", "asdfgh", "zxcvbnm"),
        *("password", "PASSWORD", "Password1", "password123!", "p@ssw0rd", "P4ssw0rd", "1password"),
        *("iloveyou", "woaini520", "admin2024", "dragon.", "ZhangSan"),
        *("19991231", "31121999", "12311999"),
        *("builder", "BUILDER"),
    ],
)
def test_common(password: str) -> None:
    assert is_common(password, "Builder")


@pytest.mark.parametrize(
    "password",
    [
        "secret-1",
        "correct horse",
        "x7Gk2p",
        "tea at four",
        "135790",
        "99991399",
        "密码很长",
        "builder-9",
    ],
)
def test_others(password: str) -> None:
    assert not is_common(password, "builder")


def test_the_list_is_clean() -> None:
    words = [
        word
        for line in WORDS.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
        for word in line.split()
    ]
    assert len(words) == len(set(words)) > 300
    assert all(word == word.casefold() and word.isalnum() for word in words)
