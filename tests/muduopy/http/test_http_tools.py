"""Clients that others wrote: curl, wrk, ab, h2load. scripts/http_tools.sh runs them for longer."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from muduopy.http import HttpFiles, HttpRequest, HttpResponse, HttpUpload
from tests.muduopy.http.httpkit import HttpMaker, RunningHttp, echo
from tests.muduopy.test_tls_transport import server_context

MIB = 1024 * 1024
LARGE = bytes(range(256)) * (5 * MIB // 256)
SCRIPT = b"console.log('hello')\n"


def run(*command: str | Path) -> str:
    """The output of a command. A program that is missing fails the test."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def web(tmp_path: Path) -> Path:
    root = tmp_path / "web"
    root.mkdir()
    (root / "large.bin").write_bytes(LARGE)
    (root / "app.js").write_bytes(SCRIPT)
    return root


@pytest.fixture
def running(run_http: HttpMaker, web: Path) -> RunningHttp:
    return start(run_http, web)


def start(run_http: HttpMaker, web: Path, **options: object) -> RunningHttp:
    files = HttpFiles(web)

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/stream":
            response.set_source(bytes(64 * 1024) for _ in range(80))
        elif request.path.startswith("/files"):
            files.answer(request, response, request.raw_path.removeprefix("/files"))
        else:
            echo(request, response)

    def on_upload(request: HttpRequest, response: HttpResponse, upload: HttpUpload) -> None:
        if request.path == "/up":
            upload.set_part_callback(len)
            upload.set_end_callback(lambda: response.set_text(f"{upload.received}"))

    running: RunningHttp = run_http(callback, 1, upload_callback=on_upload, options=options)
    return running


def url(running: RunningHttp, path: str, scheme: str = "http") -> str:
    return f"{scheme}://{running.server.address}{path}"


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1", "--http2"])
def test_curl(running: RunningHttp, tmp_path: Path, version: str) -> None:
    """--http2 asks for an upgrade, which is not made."""
    assert run("curl", "-sS", version, url(running, "/1"), url(running, "/2")) == "/1/2"
    assert run("curl", "-sS", version, "-d", "a=b", url(running, "/")) == "a=b"
    got = tmp_path / "got"
    run("curl", "-sS", version, "-o", got, url(running, "/files/large.bin"))
    assert got.read_bytes() == LARGE
    run("curl", "-sS", version, "-o", got, url(running, "/stream"))
    assert got.stat().st_size == 80 * 64 * 1024


def test_curl_keeps_the_connection(running: RunningHttp) -> None:
    for version in ("--http1.1", "--http1.0"):
        opened = run(
            *("curl", "-sS", version, "-H", "Connection: keep-alive", "-w", "%{num_connects}\n"),
            *("-o", "/dev/null", url(running, "/1"), "-o", "/dev/null", url(running, "/2")),
        )
        assert opened.split() == ["1", "0"]


def test_curl_uploads(running: RunningHttp, web: Path) -> None:
    path = web / "large.bin"
    size = str(len(LARGE))
    assert run("curl", "-sS", "-T", path, url(running, "/up")) == size
    chunked = ("-H", "Transfer-Encoding: chunked")
    assert run("curl", "-sS", "-T", path, *chunked, url(running, "/up")) == size
    expecting = ("-H", "Expect: 100-continue")
    assert run("curl", "-sS", "-T", path, *expecting, url(running, "/up")) == size


def test_curl_resumes_and_asks_for_changes(running: RunningHttp, web: Path, tmp_path: Path) -> None:
    got, tag = tmp_path / "got", tmp_path / "tag"
    got.write_bytes(LARGE[:1000])
    run("curl", "-sS", "-C", "-", "-o", got, url(running, "/files/large.bin"))
    assert got.read_bytes() == LARGE
    assert run("curl", "-sS", "-r", "0-6", url(running, "/files/app.js")) == "console"
    wide = run("curl", "-sS", "-r", "0-2,8-10", url(running, "/files/app.js"))
    assert "Content-Range: bytes 8-10/21\n\nlog\n" in wide.replace("\r", "")
    statuses = [
        run(
            *("curl", "-sS", "-o", tmp_path / "script", "-w", "%{http_code}"),
            *("--etag-compare", tag, "--etag-save", tag, url(running, "/files/app.js")),
        )
        for _ in range(2)
    ]
    assert statuses == ["200", "304"]
    path = url(running, "/files/../../etc/passwd")
    assert run("curl", "-sS", "--path-as-is", path) == "404 Not Found\n"


def test_curl_over_tls(run_http: HttpMaker, web: Path, tmp_path: Path) -> None:
    running = start(run_http, web, tls=server_context())
    got = tmp_path / "got"
    run("curl", "-sSk", "-o", got, url(running, "/files/large.bin", "https"))
    assert got.read_bytes() == LARGE
    path = web / "large.bin"
    assert run("curl", "-sSk", "-T", path, url(running, "/up", "https")) == str(len(LARGE))


@pytest.mark.parametrize("path", ["/hello", "/files/app.js", "/files/large.bin"])
def test_wrk(running: RunningHttp, path: str) -> None:
    said = run("wrk", "-t1", "-c4", "-d1s", url(running, path))
    found = re.search(r"(\d+) requests in", said)
    assert found and int(found[1]) > 0
    assert "Non-2xx" not in said
    assert "Socket errors" not in said


@pytest.mark.parametrize("keep", [("-k",), ()])
def test_ab(running: RunningHttp, keep: tuple[str, ...]) -> None:
    """It speaks HTTP/1.0, and with -k it asks for keep-alive."""
    said = run("ab", "-q", "-n", "200", "-c", "4", *keep, url(running, "/hello"))
    assert "Complete requests:      200" in said
    assert "Failed requests:        0" in said
    assert ("Keep-Alive requests:    200" in said) is bool(keep)


def test_h2load(running: RunningHttp) -> None:
    """Its HTTP/1, with pipelines of eight requests."""
    said = run("h2load", "--h1", "-n", "400", "-c", "4", "-m", "8", url(running, "/hello"))
    assert "400 succeeded, 0 failed, 0 errored" in said
