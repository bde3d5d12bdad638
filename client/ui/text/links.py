"""The addresses of web pages in a text. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from client.ui.text.styled_line import Line

LONGEST = 2000
"""Characters of an address that becomes a link. Terminals have limits a little above."""

_url = re.compile(r"https?://[!-~]+")


class Link(NamedTuple):
    """An address in a text, from ``start`` to ``end``."""

    start: int
    end: int
    url: str


def links_in(text: str) -> list[Link]:
    """The addresses in an escaped line."""
    if "://" not in text:
        return []
    found = []
    for match in _url.finditer(text):
        url = _without_end(match[0])
        if len(url) <= LONGEST and not url.endswith("://"):
            found.append(Link(match.start(), match.start() + len(url), url))
    return found


def _without_end(url: str) -> str:
    """Cut off the full stop of the sentence, or the closing bracket around the address."""
    while url[-1] in ".,;:!?'\"" or any(
        url[-1] == end and url.count(end) > url.count(begin)
        for begin, end in ("()", "[]", "{}", "<>")
    ):
        url = url[:-1]
    return url


def style_of(url: str) -> str:
    """The style class of the characters of a link. It contains the address in hexadecimal."""
    return f"class:link.{url.encode().hex()}"


def fragments(piece: str, start: int, links: list[Link], style: str) -> Line:
    """A piece of a text, from its index ``start``, as fragments with the style of its links."""
    found, position, end = [], start, start + len(piece)
    for link in links:
        first, last = max(link.start, start), min(link.end, end)
        if first < last:
            found.append((style, piece[position - start : first - start]))
            found.append((f"{style} {style_of(link.url)}", piece[first - start : last - start]))
            position = last
    found.append((style, piece[position - start :]))
    return [fragment for fragment in found if fragment[1]] or [(style, piece)]
