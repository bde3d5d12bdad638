"""A line for the screen: pieces of text, each with its style. Pure."""

from __future__ import annotations

Fragment = tuple[str, str]
"""A style in prompt_toolkit's notation, and the text that has it."""

Line = list[Fragment]
