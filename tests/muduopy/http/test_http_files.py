"""HttpFiles on real sockets."""

from __future__ import annotations

import email
import gzip
import os
import random
from pathlib import Path

import pytest

from muduopy.http import HttpFiles, HttpRequest, HttpResponse
from tests.muduopy.http.httpkit import Answer, HttpClient, HttpMaker, get, post
from tests.muduopy.http.test_file_rules import BAD_PATHS

LARGE = random.Random(1).randbytes(3 * 1024 * 1024)
SCRIPT = b"console.log('hello')\n" * 100


@pytest.fixture
def web(tmp_path: Path) -> Path:
    root = tmp_path / "web"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_bytes(b"<!doctype html>")
    (root / "app.js").write_bytes(SCRIPT)
    (root / "app.js.gz").write_bytes(gzip.compress(SCRIPT))
    (root / "app.js.br").write_bytes(b"(brotli)")
    (root / "large.bin").write_bytes(LARGE)
    (root / "empty.txt").write_bytes(b"")
    (root / "sub" / "index.html").write_bytes(b"sub")
    (root / ".secret").write_bytes(b"secret")
    (tmp_path / "outside.txt").write_bytes(b"secret")
    (root / "link.txt").symlink_to("../outside.txt")
    return root


@pytest.fixture
def client(run_http: HttpMaker, web: Path) -> HttpClient:
    return run_http(HttpFiles(web)).client()


def test_a_file_in_full(client: HttpClient, web: Path) -> None:
    os.utime(web / "app.js", (784111777, 784111777))
    answer = client.ask(get("/app.js"))
    assert (answer.status, answer.body) == (200, SCRIPT)
    headers = answer.headers
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["ETag"].startswith('"')
    assert headers["Content-Encoding"] is None


def test_the_index_and_folders(client: HttpClient) -> None:
    assert client.ask(get("/")).body == b"<!doctype html>"
    assert client.ask(get("/sub/")).body == b"sub"
    answer = client.ask(get("/sub?x=1"))
    assert (answer.status, answer.headers["Location"]) == (301, "/sub/?x=1")
    assert client.ask(get("/app.js/")).status == 404


def test_a_large_file(client: HttpClient) -> None:
    assert client.ask(get("/large.bin")).body == LARGE
    assert client.ask(get("/empty.txt")).body == b""


@pytest.mark.parametrize("path", ["/", "/app.js", "/large.bin", "/empty.txt"])
def test_head_tells_what_get_tells(client: HttpClient, path: str) -> None:
    whole, head = client.ask(get(path)), client.ask(get(path, method="HEAD"))
    for answer in (whole, head):
        del answer.headers["Date"]
    assert head.status == whole.status
    assert head.headers.items() == whole.headers.items()
    assert client.ask(get(path, "Range: bytes=0-0", method="HEAD")).status == 200


def test_other_methods(client: HttpClient) -> None:
    answer = client.ask(post(b"x", "/app.js"))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert client.ask(get("/")).status == 200


@pytest.mark.parametrize(
    "path", [path for path in BAD_PATHS if path] + ["/link.txt", "/.secret", "/none", "/app.js/x"]
)
def test_no_way_out(client: HttpClient, path: str) -> None:
    answer = client.ask(get(path))
    assert (answer.status, answer.body) == (404, b"404 Not Found\n")


# ---------------------------------------------------------------------- conditions and ranges


def test_a_current_copy_is_not_sent_again(client: HttpClient, web: Path) -> None:
    first = client.ask(get("/app.js"))
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    for condition in (f"If-None-Match: {tag}", f"If-Modified-Since: {changed}"):
        answer = client.ask(get("/app.js", condition))
        assert (answer.status, answer.headers["ETag"]) == (304, tag)
        assert answer.headers["Content-Length"] is None
        assert answer.headers["Cache-Control"] == "no-cache"
    (web / "app.js").write_bytes(b"other")
    answer = client.ask(get("/app.js", f"If-None-Match: {tag}"))
    assert (answer.status, answer.body) == (200, b"other")
    assert client.ask(get("/app.js", f"If-Match: {tag}")).status == 412


@pytest.mark.parametrize("path", ["/large.bin", "/app.js"])
def test_one_range(client: HttpClient, path: str) -> None:
    whole = client.ask(get(path)).body
    for spec, part in (("5-9", whole[5:10]), ("7-", whole[7:]), ("-6", whole[-6:])):
        answer = client.ask(get(path, f"Range: bytes={spec}"))
        assert (answer.status, answer.body) == (206, part)
        start = whole.index(part)
        place = f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
        assert path == "/app.js" or answer.headers["Content-Range"] == place
    answer = client.ask(get(path, f"Range: bytes={len(whole)}-"))
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert client.ask(get(path, "Range: bytes=x")).body == whole


def parts_of(answer: Answer) -> list[tuple[str, bytes]]:
    """The places and bytes of a multipart answer."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.body)
    found = []
    for part in message.get_payload():
        payload = part.get_payload(decode=True)  # type: ignore[union-attr]
        assert isinstance(payload, bytes)
        found.append((str(part["Content-Range"]), payload))  # type: ignore[index]
    return found


def test_many_ranges(client: HttpClient) -> None:
    answer = client.ask(get("/app.js", "Range: bytes=0-2,10-12,-4"))
    assert answer.status == 206
    assert answer.headers["Content-Range"] is None
    size = len(SCRIPT)
    assert parts_of(answer) == [
        (f"bytes 0-2/{size}", b"con"),
        (f"bytes 10-12/{size}", SCRIPT[10:13]),
        (f"bytes {size - 4}-{size - 1}/{size}", SCRIPT[-4:]),
    ]
    wide = client.ask(get("/large.bin", "Range: bytes=0-99999,1000000-1099999"))
    assert LARGE[:100_000] in wide.body
    assert LARGE[1_000_000:1_100_000] in wide.body
    assert client.ask(get("/app.js", "Range: bytes=0-,0-")).body == SCRIPT


def test_if_range(client: HttpClient, web: Path) -> None:
    tag = client.ask(get("/app.js")).headers["ETag"]
    assert client.ask(get("/app.js", "Range: bytes=0-2", f"If-Range: {tag}")).status == 206
    (web / "app.js").write_bytes(b"changed")
    answer = client.ask(get("/app.js", "Range: bytes=0-2", f"If-Range: {tag}"))
    assert (answer.status, answer.body) == (200, b"changed")


# ---------------------------------------------------------------------- codings


def test_precompressed_files(client: HttpClient) -> None:
    answer = client.ask(get("/app.js", "Accept-Encoding: gzip"))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert gzip.decompress(answer.body) == SCRIPT
    best = client.ask(get("/app.js", "Accept-Encoding: gzip, br"))
    assert (best.headers["Content-Encoding"], best.body) == ("br", b"(brotli)")
    plain = client.ask(get("/app.js"))
    tags = {one.headers["ETag"] for one in (answer, best, plain)}
    assert len(tags) == 3
    assert {one.headers["Vary"] for one in (answer, best, plain)} == {"Accept-Encoding"}
    again = get("/app.js", "Accept-Encoding: gzip", f"If-None-Match: {answer.headers['ETag']}")
    assert client.ask(again).status == 304
    assert client.ask(get("/", "Accept-Encoding: gzip")).headers["Content-Encoding"] is None


def test_a_stale_compressed_file_is_not_used(client: HttpClient, web: Path) -> None:
    os.utime(web / "app.js.gz", (1, 1))
    answer = client.ask(get("/app.js", "Accept-Encoding: gzip"))
    assert (answer.headers["Content-Encoding"], answer.body) == (None, SCRIPT)


# ---------------------------------------------------------------------- options


def test_options(run_http: HttpMaker, web: Path) -> None:
    def lasting(path: str) -> str:
        return "no-cache" if path.endswith(".html") else "max-age=31536000, immutable"

    files = HttpFiles(
        web,
        index="app.js",
        cache_control=lasting,
        headers={"Content-Security-Policy": "default-src 'self'"},
    )

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        files.answer(request, response, request.raw_path.removeprefix("/static"))

    client = run_http(callback).client()
    answer = client.ask(get("/static/"))
    assert answer.body == SCRIPT
    assert answer.headers["Cache-Control"] == "max-age=31536000, immutable"
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert client.ask(get("/static/index.html")).headers["Cache-Control"] == "no-cache"
    assert client.ask(get("/static/sub")).headers["Location"] == "/static/sub/"
    with pytest.raises(NotADirectoryError):
        HttpFiles(web / "none")


def test_ten_files_at_a_time(run_http: HttpMaker, web: Path) -> None:
    running = run_http(HttpFiles(web), 2)
    clients = [running.client().send(get("/large.bin") * 2) for _ in range(5)]
    for one in clients:
        assert one.answer().body == one.answer().body == LARGE
