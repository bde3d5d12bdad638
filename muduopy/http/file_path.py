"""From the path of a request to an open file below a folder, and to no other file."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""Without O_NONBLOCK, opening a FIFO would wait for its writer."""

PUBLIC_DOT_FOLDER = b".well-known"
"""The one name with a leading dot that is served (RFC 8615). ``.git`` and ``.env`` are not."""


def relative_path(raw_path: str) -> bytes | None:
    """The path of a file below the root, without "/" in front; None if there can be none.

    ``raw_path``: the path in the request's target, not decoded. It is refused if a part of it is
    empty or has a leading dot, and if a character has a meaning for a file system: "%2F" is not a
    slash between folders, and neither is a backslash. Any thread.
    """
    if not raw_path.startswith("/"):
        return None
    parts = []
    for raw_part in raw_path[1:].split("/"):
        part = unquote_to_bytes(raw_part)
        if b"/" in part or b"\\" in part or b"\0" in part:
            return None
        if part.startswith(b".") and part != PUBLIC_DOT_FOLDER:
            return None
        parts.append(part)
    # The last part is empty if the path ends with "/".
    return b"/".join(parts) if all(parts[:-1]) else None


def open_below(root: bytes, path: bytes) -> int | None:
    """The descriptor of ``root/path``; None if it cannot be opened, or is outside of the root.

    ``root``: absolute, without symbolic links. A link is followed, and then the place of the open
    file decides, so that no change of a link in between can lead out. The caller closes the
    descriptor. Any thread.
    """
    full = root + b"/" + path if path else root
    try:
        fd = os.open(full, _FLAGS)
    except (OSError, ValueError):
        return None
    try:
        place = os.readlink(b"/proc/self/fd/%d" % fd)
    except OSError:  # no /proc on this system
        place = os.path.realpath(full)
    if place == root or place.startswith(root.rstrip(b"/") + b"/"):
        return fd
    os.close(fd)
    return None
