from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import safe_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain, 中文, ñ, 😀", "plain, 中文, ñ, 😀"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x00\x07\x7f", r"\x00\x07\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("a\u200bb\u200d\ufeff", r"a\u200bb\u200d\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("no\u00a0break", "no\u00a0break"),
        ("e\u0301", "e\u0301"),
        ("C:\\temp", "C:\\temp"),
        ("a\u3164\u115f\u034fb", r"a\u3164\u115f\u034fb"),
        ("bob\ufe0f", r"bob\ufe0f"),
        ("葛\U000e0100", r"葛\U000e0100"),
        ("❤\ufe0f 1\ufe0f\u20e3 ☺\ufe0e", "❤ 1\u20e3 ☺"),
        ("❤\ufe0f\ufe0f", r"❤\ufe0f"),
        ("👨\u200d👩\u200d👧 🏳\ufe0f\u200d🌈", "👨👩👧 🏳🌈"),
        ("👨\u200d\u200d👧", r"👨\u200d\u200d👧"),
        ("a\u200d👧", r"a\u200d👧"),
        ("🏴\U000e0067\U000e0062\U000e007f!", "🏴!"),
        ("👍🏽 🇨🇳", "👍🏽 🇨🇳"),
        ("Z" + "\u0301" * 50 + "y", "Z" + "\u0301" * 4 + "y"),
        ("ấ ậ กำ์ שָׁ", "ấ ậ กำ์ שָׁ"),
    ],
)
def test_escape(raw: str, shown: str) -> None:
    assert safe_text.escape(raw) == shown


@settings(deadline=None)
@given(st.text(st.characters()))
def test_nothing_that_drives_a_terminal_gets_through(raw: str) -> None:
    shown = safe_text.escape(raw)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert safe_text.escape(shown) == shown


@settings(deadline=None)
@given(
    st.text(
        st.sampled_from("a😀❤🏴\u200d\ufe0f\ufe0e\u0301\u0302\U000e0067\U000e0100#\u20e3\u3164")
    )
)
def test_escaped_text_does_not_change_again(raw: str) -> None:
    shown = safe_text.escape(raw)
    assert safe_text.escape(shown) == shown
    assert not set(shown) & set("\u200d\u3164\U000e0067\U000e0100")


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one\ntwo\r\nthree\rfour\u2028five", ["one", "two", "three", "four", "five"]),
        ("\n\n", ["", "", ""]),
        ("a\tb\n\tc", ["a   b", "    c"]),
        ("\x1b[2J\n\u202eevil", [r"\x1b[2J", r"\u202eevil"]),
    ],
)
def test_lines(raw: str, lines: list[str]) -> None:
    assert safe_text.escape_lines(raw) == lines


@settings(deadline=None)
@given(st.text(st.characters()))
def test_no_line_drives_a_terminal(raw: str) -> None:
    for line in safe_text.escape_lines(raw):
        assert safe_text.escape(line) == line
