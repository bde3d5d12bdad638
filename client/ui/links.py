"""Links: the addresses of web pages in a text, and how they reach the terminal.

The terminal draws a link of OSC 8 over all characters that are written between its begin and
its end. prompt_toolkit writes only what has changed on the screen, in any order, and would leave
an end out. So the link is an attribute of each character, as its colour is: a class in the style
has the address, and the output begins and ends links where it changes colours.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from prompt_toolkit.styles import DEFAULT_ATTRS, Attrs, BaseStyle

LONGEST = 2000
"""Characters of an address that becomes a link. Terminals have limits a little above."""

_url = re.compile(r"https?://[!-~]+")
_class = re.compile(r"class:link\.([0-9a-f]+)").search

_OPENERS = ("xdg-open", "open", "wslview")


class Link(NamedTuple):
    """Where an address stands in a text."""

    start: int
    end: int
    url: str


def links_in(text: str) -> list[Link]:
    """The addresses in a line that is escaped already. Pure."""
    if "://" not in text:
        return []
    found = []
    for match in _url.finditer(text):
        url = _without_end(match[0])
        if len(url) <= LONGEST and not url.endswith("://"):
            found.append(Link(match.start(), match.start() + len(url), url))
    return found


def _without_end(url: str) -> str:
    """Without the full stop of the sentence, or the bracket that the address stands in."""
    while url[-1] in ".,;:!?'\"" or any(
        url[-1] == end and url.count(end) > url.count(begin)
        for begin, end in ("()", "[]", "{}", "<>")
    ):
        url = url[:-1]
    return url


def style_of(url: str) -> str:
    """The style of characters that are a link to this address."""
    return f"class:link.{url.encode().hex()}"


def fragments(piece: str, start: int, links: list[Link], style: str) -> list[tuple[str, str]]:
    """A piece of a text that begins at ``start`` in it, with its links marked. Pure."""
    found, position, end = [], start, start + len(piece)
    for link in links:
        first, last = max(link.start, start), min(link.end, end)
        if first < last:
            found.append((style, piece[position - start : first - start]))
            found.append((f"{style} {style_of(link.url)}", piece[first - start : last - start]))
            position = last
    found.append((style, piece[position - start :]))
    return [fragment for fragment in found if fragment[1]] or [(style, piece)]


class LinkAttrs(Attrs):
    """The attributes of a character that is part of a link.

    Attributes:
        url: where to.
    """

    url: str = ""

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, other) and self.url == getattr(other, "url", "")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((tuple(self), self.url))


class LinkStyle(BaseStyle):
    """A style that knows links, around another one."""

    def __init__(self, style: BaseStyle) -> None:
        self._style = style

    def get_attrs_for_style_str(self, style_str: str, default: Attrs = DEFAULT_ATTRS) -> Attrs:
        """As prompt_toolkit wants it."""
        attrs = self._style.get_attrs_for_style_str(style_str, default)
        match = _class(style_str)
        if match is None:
            return attrs
        linked = LinkAttrs(*attrs)
        linked.url = bytes.fromhex(match[1]).decode()
        return linked

    @property
    def style_rules(self) -> list[tuple[str, str]]:
        """As prompt_toolkit wants it."""
        return self._style.style_rules

    def invalidation_hash(self) -> Hashable:
        """As prompt_toolkit wants it."""
        return self._style.invalidation_hash()


def opener(environment: Mapping[str, str], url: str) -> list[str] | None:
    """The command that opens an address; None if there is no program for it."""
    browser = environment.get("BROWSER", "").partition(":")[0]
    command = shlex.split(browser)
    if not command:
        program = next(filter(shutil.which, _OPENERS), None)
        return None if program is None else [program, url]
    if shutil.which(command[0]) is None:
        return None
    if any("%s" in word for word in command):
        return [word.replace("%s", url) for word in command]
    return [*command, url]
