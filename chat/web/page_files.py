"""PageFiles: the files of the web page, read at the start, with their headers and a gzip form.

The address of a file holds the version of the page, a hash of all files: ``/v/<version>/app.js``.
So a browser keeps the files for ever, and never mixes two versions. Only the start page ``/`` and
the service worker ``/sw.js`` have fixed addresses; browsers ask for them again each time.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PLACEHOLDER = b"/v/dev/"
"""In the start page, in place of the address with the version."""

FIXED = {"index.html": "/", "sw.js": "/sw.js"}
"""Files with an address without the version."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
"""Files with other endings are not served."""

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

ICON = "icons/icon.svg"
"""Browsers ask for ``/favicon.ico`` if the start page could not be read."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file. Immutable; any thread.

    Attributes:
        content_type: for the header of that name.
        cache_control: likewise.
        etag: likewise, with its quotation marks.
        body: the content.
        zipped: the content in gzip form; None if that is not smaller.
    """

    content_type: str
    cache_control: str
    etag: str
    body: bytes
    zipped: bytes | None


class PageFiles:
    """All files of the page, by address. Immutable; any thread.

    Attributes:
        version: of the page.
    """

    def __init__(self, folder: Path) -> None:
        """Read the folder. Raises OSError, with the path."""
        contents = dict(_read(folder))
        digest = hashlib.sha256()
        for name, body in sorted(contents.items()):
            digest.update(f"{name}\n{len(body)}\n".encode() + body)
        self.version = digest.hexdigest()[:16]
        place = f"/v/{self.version}/"
        self._files = {}
        for name, body in contents.items():
            address = FIXED.get(name, place + name)
            shown = body.replace(PLACEHOLDER, place.encode()) if name in FIXED else body
            self._files[address] = _file(name, shown)
        if place + ICON in self._files:
            self._files["/favicon.ico"] = _file(ICON, contents[ICON], ASK_AGAIN)

    def get(self, path: str) -> PageFile | None:
        """The file with this address."""
        return self._files.get(path)

    @property
    def addresses(self) -> list[str]:
        """All addresses."""
        return list(self._files)


def _read(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files that are served: relative path and content."""
    (folder / "index.html").stat()  # raises OSError if the folder has no page
    for path in sorted(folder.rglob("*")):
        if path.suffix in TYPES and path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _file(name: str, body: bytes, cache_control: str = "") -> PageFile:
    zipped = gzip.compress(body, 9, mtime=0)
    return PageFile(
        content_type=TYPES[Path(name).suffix],
        cache_control=cache_control or (ASK_AGAIN if name in FIXED else FOR_EVER),
        etag=f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        body=body,
        zipped=zipped if len(zipped) < len(body) else None,
    )
