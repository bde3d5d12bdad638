"""LinkStyle: the links of a text as attributes of its characters.

The terminal draws a link of OSC 8 over all characters that are written between its begin and
its end. prompt_toolkit writes only what has changed on the screen, in any order, and would leave
an end out. So the link is an attribute of each character, as its colour is: a class in the style
has the address, and the output begins and ends links where it changes colours.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from prompt_toolkit.styles import DEFAULT_ATTRS, Attrs, BaseStyle

_class = re.compile(r"class:link\.([0-9a-f]+)").search


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
