"""Reads the kernel's files under /proc. If they are missing, the pages say so."""

from __future__ import annotations

from pathlib import Path


def read_text(path: str) -> str:
    """A file's text, or one line with the reason why it cannot be read. Any thread."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as exc:
        return f"{path}: {exc.strerror}\n"


def fields(text: str) -> dict[str, str]:
    """The lines "name: value" of a file such as /proc/self/status."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}


def table(rows: list[tuple[str, str]]) -> str:
    """Two columns as text."""
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f"{name:<{width}}  {value}".rstrip() + "\n" for name, value in rows)
