"""Which encoding the user's terminal or script has. Pure."""

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
    """The encoding of what is typed and shown, as Python calls it.

    The locale's, even where that locale is not installed: then Python reports UTF-8, but a
    terminal that was set to GBK sends GBK. ``reported`` counts where the locale names none.
    """
    if any(name in environment for name in _PYTHON):
        return _name_of(reported) or "utf-8"
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    codeset = locale.partition(".")[2].partition("@")[0]
    return _name_of(codeset) or _name_of(reported) or "utf-8"


def needs_utf8(encoding: str, language: str) -> str:
    """The error line: why the windows cannot start, and the remedy."""
    return _NEEDS_UTF8[language].format(encoding=encoding)


def is_unicode(text: str) -> bool:
    """Whether a text can be sent: no byte in it was unreadable."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name_of(codeset: str) -> str:
    """Python's name of a text encoding; empty if there is none of this name."""
    try:
        "a".encode(codeset)  # raises for what is no text encoding, which lookup() does not
        name = codecs.lookup(codeset).name
    except LookupError:
        return ""
    return "utf-8" if name == "ascii" else name  # the C locale's, where anything may come
