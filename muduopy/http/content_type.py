"""The media types of files, by the ends of their names.

A table of our own, because the types of the ``mimetypes`` module depend on files of the machine. A
server must send the same type everywhere: browsers run no script that comes as text/plain.
"""

from __future__ import annotations

from collections.abc import Mapping

TEXT = "; charset=utf-8"

TYPES: Mapping[str, str] = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "bz2": "application/x-bzip2",
    "css": "text/css" + TEXT,
    "csv": "text/csv" + TEXT,
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html" + TEXT,
    "html": "text/html" + TEXT,
    "ico": "image/vnd.microsoft.icon",
    "ics": "text/calendar" + TEXT,
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript" + TEXT,
    "json": "application/json",
    "map": "application/json",
    "md": "text/markdown" + TEXT,
    "mjs": "text/javascript" + TEXT,
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml" + TEXT,
    "tar": "application/x-tar",
    "ttf": "font/ttf",
    "txt": "text/plain" + TEXT,
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xml": "application/xml",
    "xz": "application/x-xz",
    "zip": "application/zip",
}

UNKNOWN = "application/octet-stream"


def content_type(name: str) -> str:
    """The type of a file with this name or path. Any thread."""
    return TYPES.get(name.rpartition(".")[2].lower(), UNKNOWN)
