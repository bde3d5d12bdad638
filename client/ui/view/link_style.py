"""LinkStyle: the links of a text as attributes of its characters.

In the terminal, a link (OSC 8) has a begin and an end, and covers all characters written between
them. prompt_toolkit writes only changed characters, in any order, and could skip the end. So a
link is an attribute of each character, like its colour: a style class contains the address, and
the output begins and ends links where it changes colours.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from prompt_toolkit.styles import DEFAULT_ATTRS, Attrs, BaseStyle

_class = re.compile(r"class:link\.([0-9a-f]+)").search


class LinkAttrs(Attrs):
    """The attributes of a character of a link.

    Attributes:
        url: the address.
    """

    url: str = ""

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, other) and self.url == getattr(other, "url", "")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((tuple(self), self.url))


class LinkStyle(BaseStyle):
    """Adds links to another style."""

    def __init__(self, style: BaseStyle) -> None:
        self._style = style

    def get_attrs_for_style_str(self, style_str: str, default: Attrs = DEFAULT_ATTRS) -> Attrs:
        """See BaseStyle."""
        attrs = self._style.get_attrs_for_style_str(style_str, default)
        match = _class(style_str)
        if match is None:
            return attrs
        linked = LinkAttrs(*attrs)
        linked.url = bytes.fromhex(match[1]).decode()
        return linked

    @property
    def style_rules(self) -> list[tuple[str, str]]:
        """See BaseStyle."""
        return self._style.style_rules

    def invalidation_hash(self) -> Hashable:
        """See BaseStyle."""
        return self._style.invalidation_hash()
