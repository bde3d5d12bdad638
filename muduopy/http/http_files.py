"""HttpFiles: answers requests with the files of a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from uuid import uuid4

from muduopy.http.byte_ranges import parse_ranges
from muduopy.http.content_coding import ENDINGS, accepted_codings
from muduopy.http.content_type import content_type
from muduopy.http.file_path import open_below, relative_path
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.preconditions import precondition_status, range_is_current

SMALL = 64 * 1024
"""So many bytes leave in one piece with the head. ``sendfile`` costs another pass of the loop."""

STALE_SECONDS = 10.0
"""A compressed file that is so much older than its original is not used. A copy of the folder may
write the two in any order."""


@dataclass(frozen=True, slots=True)
class _File:
    """An open file, the one with the bytes of the answer."""

    fd: int
    size: int
    modified_ns: int
    coding: str | None

    def fileno(self) -> int:
        return self.fd

    @property
    def modified(self) -> int:
        return self.modified_ns // 1_000_000_000

    @property
    def etag(self) -> str:
        coding = f"-{self.coding}" if self.coding else ""
        return f'"{self.modified_ns:x}-{self.size:x}{coding}"'


class HttpFiles:
    """An HTTP callback that serves a folder: ``server.set_http_callback(HttpFiles("web"))``.

    GET and HEAD, with ETag, Last-Modified, ranges and all conditions of RFC 9110. If the client
    takes it, ``app.js.br`` or ``app.js.gz`` is sent for ``app.js``. A path that ends with "/" is
    its index file. Large files go from the kernel's cache to the socket by ``sendfile``.

    Nothing outside of the folder is served, wherever "..", an encoded slash or a symbolic link may
    lead, and no file or folder whose name begins with a dot, except ``.well-known``. The folder is
    not listed.

    It opens the file in the connection's loop, so a slow disk stops that loop. It has no state.
    Thread contract: any thread.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        index: str = "index.html",
        cache_control: str | Callable[[str], str] = "no-cache",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """
        ``root``: the folder.
        ``cache_control``: the Cache-Control field, or a function that returns it for a path. The
        default has browsers ask each time whether their copy is current.
        ``headers``: further fields of each file's answer, such as Content-Security-Policy.
        Raises NotADirectoryError unless the folder exists.
        """
        self._root = os.fsencode(os.path.realpath(root))
        if not os.path.isdir(self._root):
            raise NotADirectoryError(f"{os.fspath(root)}: there is no such folder")
        self._index = os.fsencode(index)
        self._cache_control = cache_control
        self._headers = dict(headers or {})

    def __repr__(self) -> str:
        return f"<HttpFiles {os.fsdecode(self._root)}>"

    def __call__(self, request: HttpRequest, response: HttpResponse) -> None:
        """Fill the response."""
        self.answer(request, response, request.raw_path)

    def answer(self, request: HttpRequest, response: HttpResponse, raw_path: str) -> None:
        """Fill the response with the file at another path, which is not decoded.

        For instance ``request.raw_path.removeprefix("/static")``.
        """
        if request.method not in ("GET", "HEAD"):
            response.set_text("405 Method Not Allowed\n", 405)
            response.set_header("Allow", "GET, HEAD")
            return
        path = relative_path(raw_path)
        if path is None:
            _not_found(response)
            return
        if path.endswith(b"/") or not path:
            path += self._index
        with self._open(path, request) as file:
            if isinstance(file, _File):
                self._send(request, response, path, file)
            elif file:  # a folder
                response.set_text("301 Moved Permanently\n", 301)
                query = f"?{request.query}" if request.query else ""
                response.set_header("Location", f"{request.raw_path}/{query}")
            else:
                _not_found(response)

    # ------------------------------------------------------------------ opening

    @contextmanager
    def _open(self, path: bytes, request: HttpRequest) -> Iterator[_File | bool]:
        """The file; True if the path is a folder, and False if there is nothing."""
        fds: list[int] = []
        try:
            yield self._find(path, request, fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _find(self, path: bytes, request: HttpRequest, fds: list[int]) -> _File | bool:
        plain = self._open_one(path, None, fds)
        if not isinstance(plain, _File):
            return plain
        for coding in accepted_codings(request.headers.get("accept-encoding")):
            file = self._open_one(path + ENDINGS[coding], coding, fds)
            if isinstance(file, _File):
                age = (plain.modified_ns - file.modified_ns) / 1e9
                if age <= STALE_SECONDS:
                    return file
        return plain

    def _open_one(self, path: bytes, coding: str | None, fds: list[int]) -> _File | bool:
        fd = open_below(self._root, path)
        if fd is None:
            return False
        fds.append(fd)
        found = os.fstat(fd)
        if stat.S_ISREG(found.st_mode):
            return _File(fd, found.st_size, found.st_mtime_ns, coding)
        return stat.S_ISDIR(found.st_mode)

    # ------------------------------------------------------------------ answering

    def _send(self, request: HttpRequest, response: HttpResponse, path: bytes, file: _File) -> None:
        self._set_headers(response, path, file)
        headers = request.headers
        response.status = precondition_status(headers, file.etag, file.modified)
        if response.status != 200:
            return
        kind = content_type(os.fsdecode(path))
        response.set_header("Content-Type", kind)
        if file.coding is not None:
            response.set_header("Content-Encoding", file.coding)
        if request.method == "HEAD":
            response.set_header("Content-Length", str(file.size))
            return
        ranges = None
        if "range" in headers and range_is_current(headers, file.etag, file.modified):
            ranges = parse_ranges(headers["range"], file.size)
        if ranges is None:
            _add(response, file, 0, file.size)
        elif not ranges:
            response.set_text("416 Range Not Satisfiable\n", 416)
            response.set_header("Content-Range", f"bytes */{file.size}")
            _remove(response, "content-encoding")
        else:
            response.status = 206
            _send_ranges(response, file, ranges, kind)

    def _set_headers(self, response: HttpResponse, path: bytes, file: _File) -> None:
        control = self._cache_control
        if not isinstance(control, str):
            control = control("/" + os.fsdecode(path))
        response.headers += [
            ("ETag", file.etag),
            ("Last-Modified", formatdate(file.modified, usegmt=True)),
            ("Cache-Control", control),
            ("Vary", "Accept-Encoding"),
            ("Accept-Ranges", "bytes"),
            ("X-Content-Type-Options", "nosniff"),
            *self._headers.items(),
        ]


def _send_ranges(
    response: HttpResponse, file: _File, ranges: list[tuple[int, int]], kind: str
) -> None:
    if len(ranges) == 1:
        ((offset, count),) = ranges
        response.set_header("Content-Range", _content_range(offset, count, file.size))
        _add(response, file, offset, count)
        return
    boundary = uuid4().hex
    for offset, count in ranges:
        place = _content_range(offset, count, file.size)
        head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {place}\r\n\r\n"
        response.add_bytes(head.encode("latin-1"))
        _add(response, file, offset, count)
        response.add_bytes(b"\r\n")
    response.add_bytes(b"--%b--\r\n" % boundary.encode())
    response.set_header("Content-Type", f"multipart/byteranges; boundary={boundary}")


def _content_range(offset: int, count: int, size: int) -> str:
    return f"bytes {offset}-{offset + count - 1}/{size}"


def _add(response: HttpResponse, file: _File, offset: int, count: int) -> None:
    if count > SMALL:
        response.add_file(file, offset, count)
    else:
        response.add_bytes(os.pread(file.fd, count, offset))


def _remove(response: HttpResponse, name: str) -> None:
    response.headers = [pair for pair in response.headers if pair[0].lower() != name]


def _not_found(response: HttpResponse) -> None:
    response.set_text("404 Not Found\n", 404)
