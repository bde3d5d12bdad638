"""The texts of the terminal in the user's language, and the choice of that language."""

from __future__ import annotations

from collections.abc import Mapping

from client.ui.text.chinese import CHINESE
from client.ui.text.english import ENGLISH

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}


class Translations:
    """The texts by key, in the current language.

    Attributes:
        language: "en" or "zh". The next call uses a new value.
    """

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"

    def __call__(self, key: str, **values: object) -> str:
        """A text with its placeholders filled in. The values are escaped already."""
        text = LANGUAGES[self.language][key]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether a key exists."""
        return key in ENGLISH


def language_of(environment: Mapping[str, str]) -> str:
    """The language of the locale; English for all but Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
