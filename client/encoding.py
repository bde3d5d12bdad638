"""The encoding of the user's terminal or script. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
_PYTHON = ("PYTHONUTF8", "PYTHONIOENCODING")

_NEEDS_UTF8 = {
    "en": "the locale's encoding is {encoding}, and the windows need UTF-8: "
    "set LANG=C.UTF-8 and the terminal to UTF-8, or start with --plain",
    "zh": "当前编码是 {encoding}，窗口界面需要 UTF-8：请设置 LANG=zh_CN.UTF-8 "
    "并把终端改为 UTF-8，或用 --plain 启动",
}


def encoding_of(environment: Mapping[str, str], reported: str) -> str:
    """The encoding of input and output, under Python's name.

    It is the locale's encoding, even if the locale is not installed. Example: a terminal is set
    to GBK, and the locale zh_CN.GBK is missing; Python then reports UTF-8, and the terminal sends
    GBK. ``reported`` counts if the locale names no encoding.
    """
    if any(name in environment for name in _PYTHON):
        return _name_of(reported) or "utf-8"
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    codeset = locale.partition(".")[2].partition("@")[0]
    return _name_of(codeset) or _name_of(reported) or "utf-8"


def needs_utf8(encoding: str, language: str) -> str:
    """The error line for windows in another encoding, with the remedy."""
    return _NEEDS_UTF8[language].format(encoding=encoding)


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can encode a text: each byte of the input was readable."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name_of(codeset: str) -> str:
    """Python's name of a text encoding; empty for an unknown name."""
    try:
        "a".encode(codeset)  # raises for codecs that are no text encoding; lookup() does not
        name = codecs.lookup(codeset).name
    except LookupError:
        return ""
    return "utf-8" if name == "ascii" else name  # the C locale says nothing about the input
