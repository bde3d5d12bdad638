"""Texts from the network, made safe to print. Pure.

Names, messages, times and error texts come from other users and servers. They must not move the
cursor, imitate a line of the program, hide characters, or reverse the text that follows.
"""

from __future__ import annotations

import re
import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that are escaped: control characters; format characters, which are the
bidi overrides, zero-width characters and tags; halves of surrogate pairs; line and paragraph
separators. Private and unassigned characters stay: they are shown as boxes at worst, and future
emoji are among them."""

_IGNORABLE = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    }
)
"""Fillers and variation selectors, which Unicode shows as nothing. They are escaped, too: with
them two names look alike, or a message looks empty."""

_SYMBOLS = "\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"

_suspect = re.compile(
    "[" + "".join(map(chr, sorted(_IGNORABLE))) + "]|[" + _MARKS + "]{5}"
).search  # for a text that is printable

# The invisible characters in composed emoji: a selector of the style, a joiner to the next emoji,
# the tags of a flag. Terminals differ in drawing the whole emoji, but not in drawing its parts.
_selector = re.compile(f"(?<=[{_SYMBOLS}])[\ufe0e\ufe0f]|(?<=[#*0-9])\ufe0f(?=\u20e3)")
_joiner = re.compile(f"(?<=[{_SYMBOLS}])\u200d(?=[{_SYMBOLS}])")
_tags = re.compile("(?<=\U0001f3f4)[\U000e0020-\U000e007f]+")

_stack = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")
"""More than four marks on a character, which reach into the lines above. No language needs them."""

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_TAB = 4

_line_end = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")


def escape(text: str) -> str:
    """The text on one line, with visible characters only.

    Control, format and invisible characters are escaped. A composed emoji is split into its
    parts. A character keeps at most four combining marks.
    """
    if text.isprintable() and (text.isascii() or not _suspect(text)):
        return text
    for glue in (_tags, _selector, _joiner):
        text = glue.sub("", text)
    text = _stack.sub(r"\1", text)
    return "".join(map(_escape_char, text))


def escape_lines(text: str) -> list[str]:
    """The lines of a text, each escaped and without its end; at least one.

    A tab is expanded as in an editor.
    """
    if text.isascii() and text.isprintable():
        return [text]
    return [escape(line.expandtabs(_TAB)) for line in _line_end.split(text)]


def _escape_char(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE and ord(char) not in _IGNORABLE:
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
