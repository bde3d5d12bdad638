from __future__ import annotations

import string
from pathlib import Path

import pytest

import client.ui
from client.ui.model.slash_commands import SLASH_COMMANDS
from client.ui.text.cells import width
from client.ui.text.chinese import CHINESE
from client.ui.text.english import ENGLISH
from client.ui.text.translations import Translations, language_of
from client.ui.view import bars


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert list(ENGLISH) == list(CHINESE)


@pytest.mark.parametrize("key", ENGLISH)
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    assert placeholders(ENGLISH[key]) == placeholders(CHINESE[key])
    assert ENGLISH[key].count("|") == CHINESE[key].count("|")
    assert ENGLISH[key].isprintable()
    assert CHINESE[key].isprintable()
    assert any(char > "\u2e7f" for char in CHINESE[key]) or key.startswith("mark")


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE])
def test_days_and_months(texts: dict[str, str]) -> None:
    assert len(texts["weekdays"].split()) == 7
    assert len(texts["months"].split()) == 12


def test_every_command_has_a_help_text() -> None:
    helps = {key.removeprefix("help ") for key in ENGLISH if key.startswith("help ")}
    assert {command.name for command in SLASH_COMMANDS} <= helps


def test_every_text_is_used() -> None:
    folder = Path(client.ui.__file__).parent
    sources = [path for path in folder.rglob("*.py") if path.stem not in ("english", "chinese")]
    code = "".join(path.read_text("utf-8") for path in sources)
    of_tables = ("key ", "mark ", "help ", "error ", "next ", "connect ", "welcome ")
    of_words = ("role ", "join ")
    unused = [
        key
        for key in ENGLISH
        if f'"{key}"' not in code
        and f"'{key}'" not in code
        and not key.startswith((*of_tables, *of_words))
    ]
    assert not unused


SAMPLES: dict[str, object] = {
    "name": "n" * 50,
    "names": "zhang san (1), li si (2)",
    "group": "g" * 20,
    "query": "q" * 24,
    "text": "text",
    "error": "the server or its database is busy or down",
    "next": "try again in a moment",
    "reason": "No such file or directory",
    "file": "/home/user/chat.txt",
    "url": "https://example.com/a/page",
    "host": "chat.example.com",
    "server": "chat.example.com:6000",
    "usage": "/group GROUP [TEXT]",
    "choices": "dark, light",
    "forms": "",
    "other": "register",
}
IN_THE_PANE = ("load", "loading", "beginning", "no history", "nothing said", "new messages")
IN_A_ROW = ("form keys", "page keys", "search keys", "welcome")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", ENGLISH)
def test_no_hint_is_cut_at_80_columns(language: str, key: str) -> None:
    texts = Translations(language)
    names = placeholders(ENGLISH[key])
    text = texts(key, **{name: SAMPLES.get(name, 12345) for name in names})
    rows = bars.wrapped("", text, 80)
    shown = "".join(part for row in rows for _, part in row)
    assert "".join(shown.split()) == "".join(text.split())
    assert len(rows) <= bars.MAX_ROWS
    if key.startswith(IN_THE_PANE):
        assert width(text) <= 59
    if key.startswith(IN_A_ROW) and "name" not in names:
        assert width(text) <= 78


def test_placeholders_are_filled_in() -> None:
    texts = Translations("en")
    assert texts("name long", most="x") == "A name has at most x characters."
    texts.language = "zh"
    assert texts("name long", most="{x}") == "用户名最多 {x} 个字符。"
    assert Translations("fr").language == "en"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_of_the_locale(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language
